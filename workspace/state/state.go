// Package state keeps the index of akos in one SQLite database per user:
// names, sealed values, connections, trust and audit.
//
// It knows how rows are stored and nothing of what seals a value. Its
// invariants: the file is readable by its owner alone, whatever the umask; what
// a Write acknowledged survives kill -9; and a state that is damaged, or newer
// than this build, is an error and is never written over.
package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"example.com/akos/workspace"
	"github.com/gofrs/flock"
	"github.com/ncruces/go-sqlite3"
)

// fileName is the name of the database under AKOS_HOME.
const fileName = "state.db"

// A DB is the state under one AKOS_HOME. It opens the file on first use, so
// that a command that needs no state touches none. It is safe for concurrent
// use, by any number of processes.
type DB struct {
	dir string
	// turn holds the connection, nil if none is open, while nobody uses it:
	// this process's callers wait for one another here, with their context,
	// and not in SQLite's busy loop.
	turn chan *conn
}

// New returns the state under dir, which need not exist yet.
func New(dir string) *DB {
	d := &DB{dir: dir, turn: make(chan *conn, 1)}
	d.turn <- nil
	return d
}

// Close closes the file if it is open.
func (d *DB) Close() error {
	c := <-d.turn
	defer func() { d.turn <- nil }()
	if c == nil {
		return nil
	}
	return c.close()
}

func (d *DB) path() string { return filepath.Join(d.dir, fileName) }

// Read runs fn on one snapshot. A home without any state reads as empty, and
// is not made.
func (d *DB) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	if _, err := os.Stat(d.path()); errors.Is(err, fs.ErrNotExist) {
		return fn(empty{})
	}
	return d.use(ctx, func(c *conn) error {
		return c.within(ctx, beginRead, func(t *tx) error { return fn(t) })
	})
}

// Write runs fn in a transaction that holds the write lock from its start:
// what fn reads is still true when it writes.
func (d *DB) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	return d.use(ctx, func(c *conn) error {
		switch {
		case c.frozen && d.full():
			return sqlite3.FULL
		case c.frozen:
			return sqlite3.READONLY
		}
		return c.within(ctx, beginWrite, func(t *tx) error { return fn(t) })
	})
}

// use calls fn with the connection when it is free.
func (d *DB) use(ctx context.Context, fn func(*conn) error) (err error) {
	defer func() {
		if e := (*workspace.Error)(nil); err != nil && ctx.Err() != nil && !errors.As(err, &e) {
			err = ctx.Err() // what SQLite says of an interrupt is less
		}
		err = d.explain(err)
	}()
	var c *conn
	select {
	case <-ctx.Done():
		return ctx.Err()
	case c = <-d.turn:
	}
	defer func() { d.turn <- c }()
	if c == nil {
		if c, err = d.open(ctx); err != nil {
			return err
		}
	}
	err = fn(c)
	if c.frozen {
		err = errors.Join(err, c.close())
		c = nil
	}
	return err
}

// Alone runs fn under a lock on the file name.lock beside the database. The
// system takes the lock back from a process that dies.
func (d *DB) Alone(ctx context.Context, name string, fn func() error) (err error) {
	defer func() { err = d.explain(err) }()
	if err := makeHome(d.dir); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(d.dir, name+".lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	defer lock.Unlock()
	return fn()
}

// Check reports where the state is, and an error if it is not whole or not
// private.
func (d *DB) Check(ctx context.Context) (string, error) {
	if _, err := os.Stat(d.path()); errors.Is(err, fs.ErrNotExist) {
		return "nothing is stored yet in " + d.dir, nil
	}
	result := "no answer"
	err := d.use(ctx, func(c *conn) error {
		return c.within(ctx, beginRead, func(t *tx) error {
			_, err := t.one(func(s *sqlite3.Stmt) { result = s.ColumnText(0) }, `PRAGMA integrity_check(1)`)
			return err
		})
	})
	if err != nil {
		return "", err
	}
	if result != "ok" {
		return "", d.damaged(errors.New(result))
	}
	for _, name := range []string{"", fileName, fileName + "-wal", fileName + "-shm"} {
		if err := private(filepath.Join(d.dir, name)); err != nil {
			return "", err
		}
	}
	return d.path(), nil
}

// open opens the database, makes it if need be, and migrates it.
func (d *DB) open(ctx context.Context) (*conn, error) {
	path := d.path()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(ctx, d.dir, path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, d.damaged(errors.New("it is not a regular file"))
	case info.Size() == 0:
		// SQLite takes an empty file for a new database. We never leave one,
		// so this was a state with something in it.
		return nil, d.damaged(errors.New("the file is empty"))
	case info.Size()%512 != 0 && !hasLog(path):
		// SQLite would take the end of a cut page for zeros.
		return nil, d.damaged(errors.New("the file ends within a page"))
	}
	c, err := connect(ctx, path)
	if err == nil {
		if err = d.prepare(ctx, c, path); err == nil {
			err = c.logAhead()
		}
		for _, name := range []string{path + "-wal", path + "-shm"} { // SQLite made them as the umask said
			if e := restrict(name, 0o600); err == nil && !errors.Is(e, fs.ErrNotExist) {
				err = e
			}
		}
		if err == nil {
			return c, nil
		}
		_ = c.close() // the error that matters is prepare's
	}
	if !unwritable(err) {
		return nil, err
	}
	if hasLog(path) {
		return nil, err // what it holds can't be read without its index
	}
	c, e := freeze(ctx, path)
	if e == nil {
		if e = d.prepare(ctx, c, path); e == nil {
			return c, nil
		}
		_ = c.close()
	}
	return nil, errors.Join(err, e)
}

// hasLog reports whether there is a write-ahead log with something in it.
func hasLog(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}

// prepare brings the schema to the version of this build.
func (d *DB) prepare(ctx context.Context, c *conn, path string) error {
	var v int
	err := c.within(ctx, beginRead, func(t *tx) (err error) { v, err = t.version(); return err })
	switch {
	case err != nil:
		return err
	case v == 0:
		return d.damaged(errors.New("the database has no schema"))
	case v > len(migrations):
		return workspace.Errorf(workspace.Unavailable, "%s was written by a newer akos (schema %d, this build knows %d): upgrade akos; nothing was changed", path, v, len(migrations)).
			WithHint("akos version")
	case v < len(migrations) && c.frozen:
		return sqlite3.READONLY
	case v < len(migrations):
		return migrate(ctx, c)
	}
	return nil
}

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
	unavailable := func(format string, args ...any) error {
		return workspace.Errorf(workspace.Unavailable, format, args...).WithHint("akos doctor").Because(err)
	}
	switch {
	case errors.Is(err, sqlite3.FULL), noSpace(err), errors.Is(err, sqlite3.IOERR) && d.full():
		return unavailable("no space is left for %s: nothing was changed", d.dir)
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission), errors.Is(err, sqlite3.PERM):
		return unavailable("%s can't be written: nothing was changed", d.dir)
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB), errors.As(err, &damaged{}):
		return d.damaged(err)
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return unavailable("%s is in use by another process; try again", d.dir)
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
func (d *DB) full() bool {
	f, err := os.CreateTemp(d.dir, "space-*")
	if err != nil {
		return noSpace(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 64<<10))
	return noSpace(errors.Join(err, f.Close()))
}

func isPathError(err error) bool {
	var e *fs.PathError
	return errors.As(err, &e)
}

func (d *DB) damaged(err error) error {
	return workspace.Errorf(workspace.Unavailable, "%s is damaged: akos leaves it as it is. Put a backup in its place, or move it away to start anew",
		d.path()).WithHint("akos doctor").Because(fmt.Errorf("state: %w", err))
}
