// Package home says what a directory must be for akos to keep secrets in it,
// and makes it: its owner's alone.
//
// It knows what akos's files are called there, and nothing of what is in them.
// Its invariant: a directory that others may use is not changed.
package home

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"example.com/akos/workspace"
)

// What the names of akos's files begin with. Each may have others beside it,
// as a database its log.
const (
	State    = "state.db"
	Identity = "vault.identity"
	HashKey  = "vault.hashkey"
	Sidecar  = "sidecar."
	Space    = "space-" // the file that tries whether there is space
)

// Lock ends the names of the files that are there to be locked.
const Lock = ".lock"

// locks are all of them: any other that ends so is a program's of others, such
// as a package manager's.
var locks = []string{"state" + Lock, "session" + Lock} // and the sidecar's

// Make makes dir for its owner alone, whatever the umask. One that is there is
// closed to everybody else, unless it could be meant for others too.
func Make(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return err
		}
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			return Restrict(dir, 0o700)
		}
		if !errors.Is(err, fs.ErrExist) { // another process was first
			return err
		}
	}
	if err := Fit(dir); err != nil {
		return err
	}
	return Restrict(dir, 0o700)
}

// Fit returns a Denied error if dir is no place for secrets, or is not only
// akos's so that to close it would take it from others.
func Fit(dir string) error {
	if err := Owned(dir); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !ours(e.Name()) {
			return workspace.Errorf(workspace.Denied, "%s is open to other users and holds files that are not akos's, such as %s: nothing was changed", dir, e.Name()).
				WithHint("export AKOS_HOME=%s", workspace.ShellQuote(filepath.Join(dir, "akos")))
		}
	}
	if info.Mode().Perm()&0o002 != 0 || info.Mode()&fs.ModeSticky != 0 {
		return workspace.Errorf(workspace.Denied, "%s is a directory for all users: nothing was changed", dir).
			WithHint("chmod 0700 %s", workspace.ShellQuote(dir))
	}
	return nil
}

// Owned returns a Denied error if dir belongs to another user: what lies in it
// can't be trusted, and what is put there might be lost to both. One that is
// not there belongs to nobody.
func Owned(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return workspace.Errorf(workspace.Denied, "%s is not a directory", dir).WithHint(Elsewhere)
	}
	if Foreign(info) {
		return workspace.Errorf(workspace.Denied, "%s belongs to another user: nothing was changed", dir).WithHint(Elsewhere)
	}
	return nil
}

// Elsewhere is the command of a person whose home is no place for one.
const Elsewhere = `export AKOS_HOME="$HOME/.akos"`

// ours reports whether a file of that name in a home is akos's.
func ours(name string) bool {
	for _, prefix := range []string{State, Identity, HashKey, Sidecar, Space} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains(locks, name)
}

// Restrict takes from a file or directory the rights that it may not have,
// and gives back those that a strict umask took from its owner.
func Restrict(path string, want fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm() == want {
		return err
	}
	return os.Chmod(path, want)
}

// Sync makes a change of names in dir last.
func Sync(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory can't be synced there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
