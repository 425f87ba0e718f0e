package state

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"example.com/akos/workspace"
	"github.com/gofrs/flock"
)

// create makes the database at path with its whole schema, under a lock that
// the processes of this user share. It is built beside its place and renamed
// into it, so that a crash leaves either none or a whole one.
func create(ctx context.Context, dir, path string) error {
	if err := makeHome(dir); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, "state.lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	defer lock.Unlock()
	if err := restrict(lock.Path(), 0o600); err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil // another process was first
	}
	draft := path + ".new"
	for _, name := range []string{draft, draft + "-journal", draft + "-wal", draft + "-shm"} { // what a crash left
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), restrict(draft, 0o600)); err != nil {
		return err
	}
	// In WAL mode from the start: to change the mode of a database that is in
	// use takes a lock that SQLite does not wait for.
	c, err := connect(ctx, draft)
	if err != nil {
		return err
	}
	if err := errors.Join(c.logAhead(), migrate(ctx, c), c.close()); err != nil {
		_ = os.Remove(draft)
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// makeHome makes dir, and closes it to everybody else.
func makeHome(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return restrict(dir, 0o700)
}

// restrict takes from a file or directory the rights that it may not have,
// and gives back those that a strict umask took from its owner.
func restrict(path string, want fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm() == want {
		return err
	}
	return os.Chmod(path, want)
}

// private returns a Denied error if others can read path.
func private(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || runtime.GOOS == "windows" {
		return nil
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = workspace.Errorf(workspace.Denied, "%s is open to other users", path).
			WithHint("chmod go= %s", workspace.ShellQuote(path))
	}
	return err
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory can't be synced there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
