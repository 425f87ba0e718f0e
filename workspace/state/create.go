package state

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/akos/workspace/internal/home"
)

// create makes the database at path with its whole schema, under a lock that
// the processes of this user share. It is built beside its place and renamed
// into it, so that a crash leaves either none or a whole one.
func create(ctx context.Context, dir, path string) error {
	if err := home.Make(dir); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "state"+home.Lock), patience)
	if err != nil {
		return err
	}
	defer unlock()
	if err := absent(path); !errors.Is(err, fs.ErrNotExist) {
		return err // nil: another process was first
	}
	draft := path + ".new"
	// What a crash left, and what is left of a database that was removed: a
	// process that has it open keeps the files and must not share them with
	// the new one.
	for _, name := range []string{draft, draft + "-journal", draft + "-wal", draft + "-shm",
		path + "-journal", path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), home.Restrict(draft, 0o600)); err != nil {
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
	return home.Sync(dir)
}

// absent returns nil if there is something at path, and fs.ErrNotExist if
// there is neither a database nor a log of one: a log alone is what is left of
// a state with something in it.
func absent(path string) error {
	_, err := os.Lstat(path)
	if !errors.Is(err, fs.ErrNotExist) || !hasLog(path) {
		return err
	}
	// Another process may have made both meanwhile.
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return damaged{errors.New("it is missing, and its log is not")}
}
