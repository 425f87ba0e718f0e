package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"github.com/ncruces/go-sqlite3"
)

// unwritable reports whether err can come from a file system or a directory
// that can't be written, or that is full.
func unwritable(err error) bool {
	return errors.Is(err, sqlite3.READONLY) || errors.Is(err, sqlite3.CANTOPEN) || errors.Is(err, sqlite3.PERM) ||
		errors.Is(err, sqlite3.IOERR_SHMSIZE) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// damaged marks an error that says: what is stored is not what was stored.
type damaged struct{ error }

// explain gives an error of SQLite or of the file system its kind.
func (d *DB) explain(err error) error {
	var e *workspace.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	unavailable := func(format string, args ...any) *workspace.Error {
		return workspace.Errorf(workspace.Unavailable, format, args...).WithHint("akos doctor").Because(err)
	}
	switch {
	case errors.Is(err, sqlite3.FULL), noSpace(err), errors.Is(err, sqlite3.IOERR) && d.full():
		return unavailable("no space is left for %s: nothing was changed. Free some elsewhere, since akos needs space to remove something too", d.dir).
			WithHint("df -h %s", workspace.ShellQuote(d.dir))
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission), errors.Is(err, sqlite3.PERM):
		return unavailable("%s can't be written: nothing was changed", d.dir)
	case errors.Is(err, errForeignLog):
		return unavailable("%s-wal is the log of another database: nothing was read and nothing was changed. If a backup was put in the place of %s, stop akos-mcp and akos serve and move the old log away", d.path(), fileName).
			WithHint("(cd %[1]s && mkdir old-log && mv %[2]s-* old-log)", workspace.ShellQuote(d.dir), fileName)
	case errors.Is(err, errReplaced):
		return unavailable("%s was put there while another process has the one before it open: nothing was changed. Stop akos-mcp and akos serve, and try again", d.path()).
			WithHint(whoHolds)
	case errors.Is(err, errLost):
		return unavailable("%s was removed or replaced at this moment: what was to be stored is lost. Store it again", d.path())
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.As(err, &damaged{}):
		return d.damaged(err)
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED), errors.Is(err, sqlite3.PROTOCOL):
		return unavailable("%s is in use by another process, which has been writing for %v: nothing was changed. Try again, or stop that process", d.path(), patience).
			WithHint(whoHolds)
	case errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, sqlite3.IOERR), isPathError(err):
		return unavailable("%s can't be read or written", d.dir)
	}
	return err
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// full reports whether no space is left. The library says of a write that
// failed for that no more than that it failed.
func (d *DB) full() bool { return noSpace(try(d.dir)) }

// try returns why nothing can be written in dir, and leaves nothing there.
func try(dir string) error {
	f, err := os.CreateTemp(dir, home.Space+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Close())
}

// writable returns an error if nothing can be stored: in the home, or where it
// would be made.
func (d *DB) writable() error {
	dir := d.dir
	for {
		_, err := os.Lstat(dir)
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			break
		}
		dir = parent
	}
	err := try(dir)
	if err == nil || noSpace(err) {
		return d.explain(err)
	}
	return workspace.Errorf(workspace.Unavailable, "%s can't be written, so nothing can be stored", d.dir).WithHint(home.Elsewhere).Because(err)
}

func isPathError(err error) bool {
	var e *fs.PathError
	return errors.As(err, &e)
}

func (d *DB) damaged(err error) error {
	return workspace.Errorf(workspace.Unavailable, "%s is damaged: akos leaves it as it is. Stop akos-mcp and akos serve, and move %[2]s, %[2]s-wal and %[2]s-shm away together; then put a backup in their place, or start anew",
		d.path(), fileName).
		WithHint("(cd %[1]s && mkdir damaged && mv %[2]s* damaged)", workspace.ShellQuote(d.dir), fileName).
		Because(fmt.Errorf("state: %w", err))
}
