package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/akos/workspace"
)

// A file is a client's file as it was read.
type file struct {
	path    string      // as the client names it
	target  string      // path with its links followed, for dotfile managers link it
	info    fs.FileInfo // nil if there is no file
	content []byte
}

// rewrite replaces the content of path by what edit makes of it.
func (h Files) rewrite(path string, edit func(old []byte) ([]byte, error)) (Written, error) {
	f, err := open(path)
	if err != nil {
		return Written{}, err
	}
	text, err := edit(f.content)
	if err != nil {
		return Written{}, err
	}
	done := Written{Path: path}
	if f.info != nil && bytes.Equal(text, f.content) {
		return done, nil
	}
	stamp := h.Now().UTC().Format("20060102T150405")
	if f.info != nil {
		if done.Backup, err = f.backup(stamp); err != nil {
			return Written{}, err
		}
	}
	if err := f.replace(text); err != nil {
		if done.Backup != "" {
			_ = os.Remove(done.Backup) // nothing happened, so there is nothing to go back from
		}
		return Written{}, err
	}
	done.Changed = true
	return done, nil
}

func open(path string) (*file, error) {
	f := &file{path: path}
	var err error
	if f.target, err = follow(path); err != nil {
		return nil, err
	}
	f.info, f.content, err = read(f.target)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		if e := (*workspace.Error)(nil); errors.As(err, &e) {
			return nil, err
		}
		return nil, workspace.Errorf(workspace.Unavailable, "%s can't be read", path).Because(err)
	}
	return f, nil
}

// follow returns what path points to, which need not exist: os.Rename would
// put a file in the place of the link.
func follow(path string) (string, error) {
	at := path
	for range 40 {
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return at, nil
		}
		if err != nil {
			return "", workspace.Errorf(workspace.Unavailable, "%s can't be read", path).Because(err)
		}
		link, err := os.Readlink(at)
		if err != nil {
			return "", workspace.Errorf(workspace.Unavailable, "%s can't be read", path).Because(err)
		}
		if !filepath.IsAbs(link) {
			// A relative link starts where its directory really is.
			dir, err := filepath.EvalSymlinks(filepath.Dir(at))
			if err != nil {
				return "", workspace.Errorf(workspace.Unavailable, "%s can't be read", path).Because(err)
			}
			link = filepath.Join(dir, link)
		}
		at = link
	}
	return "", workspace.Errorf(workspace.Invalid, "%s is a link that leads to itself", path)
}

func read(path string) (fs.FileInfo, []byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() { // before opening: a fifo would hang
		return nil, nil, workspace.Errorf(workspace.Invalid, "%s is not a file", path)
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = workspace.Errorf(workspace.Invalid, "%s is over %d MiB", path, maxFile>>20)
	}
	return info, content, err
}

// backup copies the file as it was read. The copy lies beside the path that
// the client names and not beside the link's target, which may be in a
// repository, and nobody but the owner can read it.
func (f *file) backup(stamp string) (string, error) {
	mode := f.info.Mode().Perm() & 0o600
	for n := 1; ; n++ {
		name := f.path + ".akos-backup-" + stamp
		if n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && n < 1000 {
			continue
		}
		if err == nil {
			err = f.fill(w, f.content, mode)
		}
		if err != nil {
			return "", workspace.Errorf(workspace.Unavailable, "no backup of %s can be made, so it was not changed", f.path).Because(err)
		}
		return name, nil
	}
}

// replace puts text in the place of the file, as a whole or not at all.
func (f *file) replace(text []byte) error {
	dir := filepath.Dir(f.target)
	unwritable := func(err error) error {
		return workspace.Errorf(workspace.Unavailable, "%s can't be written; it is as it was", f.path).Because(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unwritable(err)
	}
	w, err := os.CreateTemp(dir, ".akos-*.tmp")
	if err != nil {
		return unwritable(err)
	}
	mode := fs.FileMode(0o600)
	if f.info != nil {
		mode = f.info.Mode().Perm()
	}
	if err := f.fill(w, text, mode); err != nil {
		return unwritable(err)
	}
	if !f.unchanged() {
		_ = os.Remove(w.Name())
		return workspace.Errorf(workspace.Conflict, "%s changed meanwhile, so it was left alone: try again", f.path)
	}
	if err := os.Rename(w.Name(), f.target); err != nil {
		_ = os.Remove(w.Name())
		return unwritable(err)
	}
	syncDir(dir)
	return nil
}

// fill writes all of w, for the owner of the file, and closes it. If that
// fails, w is removed.
func (f *file) fill(w *os.File, text []byte, mode fs.FileMode) error {
	_, err := w.Write(text)
	if err == nil && f.info != nil {
		err = keepOwner(w, f.info)
	}
	if err == nil {
		err = w.Chmod(mode)
	}
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(w.Name())
	}
	return err
}

// unchanged reports whether the file is still the one that was read. A client
// that runs writes its file whenever it likes.
func (f *file) unchanged() bool {
	if target, err := follow(f.path); err != nil || target != f.target {
		return false
	}
	info, content, err := read(f.target)
	if f.info == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && os.SameFile(info, f.info) && info.ModTime().Equal(f.info.ModTime()) && bytes.Equal(content, f.content)
}
