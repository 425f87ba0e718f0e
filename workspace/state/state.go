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
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3"
)

// fileName is the name of the database under AKOS_HOME.
const fileName = "state.db"

// A DB is the state under one AKOS_HOME. It opens the file on first use, so
// that a command that needs no state touches none. It is safe for concurrent
// use, by any number of processes.
type DB struct {
	dir string

	mu sync.Mutex
	db *sql.DB
}

// New returns the state under dir, which need not exist yet.
func New(dir string) *DB { return &DB{dir: dir} }

// Close closes the file if it is open.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil {
		return nil
	}
	err := d.db.Close()
	d.db = nil
	return err
}

// Read runs fn on one snapshot. A home without any state reads as empty, and
// is not made.
func (d *DB) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	if _, err := os.Stat(filepath.Join(d.dir, fileName)); errors.Is(err, fs.ErrNotExist) {
		return fn(empty{})
	}
	return d.run(ctx, &sql.TxOptions{ReadOnly: true}, fn)
}

// Write runs fn in a transaction that holds the write lock from its start:
// what fn reads is still true when it writes.
func (d *DB) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	return d.run(ctx, nil, fn)
}

func (d *DB) run(ctx context.Context, opts *sql.TxOptions, fn func(workspace.Tx) error) error {
	db, err := d.open(ctx)
	if err != nil {
		return d.explain(err)
	}
	t, err := db.BeginTx(ctx, opts)
	if err != nil {
		return d.explain(err)
	}
	if err := fn(&tx{ctx, t}); err != nil {
		_ = t.Rollback() // the error that matters is fn's
		return d.explain(err)
	}
	return d.explain(t.Commit())
}

// Check reports where the state is, and an error if it is not whole or not
// private.
func (d *DB) Check(ctx context.Context) (string, error) {
	path := filepath.Join(d.dir, fileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "nothing is stored yet in " + d.dir, nil
	}
	db, err := d.open(ctx)
	if err != nil {
		return "", d.explain(err)
	}
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&result); err != nil {
		return "", d.explain(err)
	}
	if result != "ok" {
		return "", d.damaged(errors.New(result))
	}
	for _, name := range []string{"", fileName, fileName + "-wal", fileName + "-shm"} {
		if err := private(filepath.Join(d.dir, name)); err != nil {
			return "", err
		}
	}
	return path, nil
}

// open opens the database once, makes it if need be, and migrates it.
func (d *DB) open(ctx context.Context) (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db != nil {
		return d.db, nil
	}
	path := filepath.Join(d.dir, fileName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(ctx, d.dir, path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.Size() == 0:
		// SQLite takes an empty file for a new database. We never leave one,
		// so this was a state with something in it.
		return nil, d.damaged(errors.New("the file is empty"))
	}
	db, err := connect(path, "WAL")
	if err == nil {
		err = d.prepare(ctx, db, path)
	}
	if err != nil {
		if db != nil {
			_ = db.Close()
		}
		return nil, err
	}
	d.db = db
	return db, nil
}

// prepare brings the schema to the version of this build.
func (d *DB) prepare(ctx context.Context, db *sql.DB, path string) error {
	v, err := version(ctx, db)
	switch {
	case err != nil:
		return err
	case v == 0:
		return d.damaged(errors.New("the database has no schema"))
	case v > len(migrations):
		return workspace.Errorf(workspace.Unavailable, "%s was written by a newer akos (schema %d, this build knows %d): upgrade akos; nothing was changed", path, v, len(migrations)).
			WithHint("akos version")
	case v < len(migrations):
		return migrate(ctx, db)
	}
	return nil
}

// connect opens path with the settings that every connection needs. The busy
// timeout comes first, so that the others wait too.
func connect(path, journal string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", "journal_mode(" + journal + ")", "synchronous(FULL)",
			"foreign_keys(on)", "secure_delete(on)", "trusted_schema(off)",
		},
	}.Encode()}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, err
	}
	// One connection: this process's writers wait for one another here, with
	// their context, and not in SQLite's busy loop.
	db.SetMaxOpenConns(1)
	return db, nil
}

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
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return unavailable("no space is left for %s: nothing was changed", d.dir)
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission), errors.Is(err, sqlite3.PERM):
		return unavailable("%s can't be written: nothing was changed", d.dir)
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return d.damaged(err)
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return unavailable("%s is in use by another process; try again", d.dir)
	case errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, sqlite3.IOERR), isPathError(err):
		return unavailable("%s can't be read or written", d.dir)
	}
	return err
}

func isPathError(err error) bool {
	var e *fs.PathError
	return errors.As(err, &e)
}

func (d *DB) damaged(err error) error {
	return workspace.Errorf(workspace.Unavailable, "%s is damaged: akos leaves it as it is. Put a backup in its place, or move it away to start anew",
		filepath.Join(d.dir, fileName)).WithHint("akos doctor").Because(fmt.Errorf("state: %w", err))
}
