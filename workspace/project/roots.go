package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Root returns which of the directories that a client says it works in holds
// path, with its symlinks resolved, or "". A relative path is in the first one
// that counts.
func (f *Finder) Root(dirs []string, path string) string {
	for _, dir := range dirs {
		if root := f.counts(dir); root != "" {
			if _, ok := local(root, path); ok {
				return root
			}
		}
	}
	return ""
}

// unreal are where the system shows itself as files.
var unreal = []string{"/proc", "/sys", "/dev"}

// counts returns a directory with its symlinks resolved, if files may be read
// there because a client says so, and otherwise "". A client is taken at its
// word for a project of this user's: a directory of theirs below the one that
// the server was started in, or below their home. Neither akos's own files nor
// the whole of a home are one.
func (f *Finder) counts(dir string) string {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil || !filepath.IsAbs(dir) || strings.ContainsFunc(root, unicode.IsControl) {
		return ""
	}
	info, err := os.Stat(root)
	if err != nil || !info.IsDir() || !isOwn(info) {
		return ""
	}
	isIn := func(base string) bool { return isBelow(root, base) }
	switch {
	case filepath.Dir(root) == root, slices.ContainsFunc(unreal, isIn):
		return ""
	case isIn(f.Home) || isBelow(f.Home, root), isBelow(f.User, root):
		return ""
	}
	// Everything is below /, and other homes are beside this one.
	top := filepath.VolumeName(root) + string(filepath.Separator)
	holds := func(base string) bool { return isIn(base) && !isBelow(top, base) }
	if holds(f.User) || holds(f.Dir) && !isBelow(f.User, f.Dir) {
		return root
	}
	return ""
}

// isBelow reports whether dir is base or below it, by whatever names: case, a
// link or a mount can give a directory another one. "" is nowhere.
func isBelow(dir, base string) bool {
	if dir == "" || base == "" {
		return false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	want, err := os.Stat(base)
	for err == nil {
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, want) {
			return true
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return false
}
