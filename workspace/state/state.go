// Package state keeps the index of akos in one SQLite database per user:
// names, sealed values, connections, trust and audit.
//
// It knows how rows are stored and nothing of what seals a value. Its
// invariants: the file is readable by its owner alone, whatever the umask; what
// a Write acknowledged survives kill -9; and a state that is damaged, newer
// than this build, or parted from its log is an error and is never written
// over. On a full disk nothing is lost and all can be read, but not even a
// removal has the space that it needs for its log.
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
	"example.com/akos/workspace/internal/home"
	"github.com/ncruces/go-sqlite3"
)

// fileName is the name of the database under AKOS_HOME.
const fileName = home.State

// A DB is the state under one AKOS_HOME. It opens the file on first use, so
// that a command that needs no state touches none. It is safe for concurrent
// use, by any number of processes.
type DB struct {
	dir string
	// turn holds the connection, nil if none is open, while nobody uses it:
	// this process's callers wait for one another here, with their context,
	// and not in SQLite's busy loop.
	turn chan *conn
	// What Version tells, and what it was made of; whoever has the turn.
	version int64
	seen    struct {
		by   *conn
		data int64
	}
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
	switch {
	case c == nil:
		return nil
	case !current(context.Background(), c, true):
		c.abandon()
		return nil
	}
	return c.close()
}

func (d *DB) path() string { return filepath.Join(d.dir, fileName) }

// Read runs fn on one snapshot. A home without any state reads as empty, and
// is not made.
func (d *DB) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	return d.use(ctx, false, func(c *conn) error {
		if c == nil {
			return fn(empty{})
		}
		return c.within(ctx, beginRead, func(t *tx) error { return fn(t) })
	})
}

// Write runs fn in a transaction that holds the write lock from its start:
// what fn reads is still true when it writes.
func (d *DB) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	return d.use(ctx, true, func(c *conn) error {
		switch {
		case c.frozen && d.full():
			return sqlite3.FULL
		case c.frozen:
			return sqlite3.READONLY
		}
		d.version++ // data_version tells of others alone
		if err := c.within(ctx, beginWrite, func(t *tx) error { return fn(t) }); err != nil {
			return err
		}
		if _, same := c.holds(len(c.files)); !same {
			return errLost
		}
		c.fold()
		return nil
	})
}

// Version returns a number that is the same as before only if nothing was
// committed since.
func (d *DB) Version(ctx context.Context) (v int64, err error) {
	err = d.use(ctx, false, func(c *conn) error {
		data := int64(-1)
		if c != nil && !c.frozen {
			if data, err = c.dataVersion(ctx); err != nil {
				return err
			}
		}
		if data < 0 || c != d.seen.by || data != d.seen.data {
			d.seen.by, d.seen.data = c, data
			d.version++
		}
		v = d.version
		return nil
	})
	return v, err
}

// errLost says that a transaction went into files that nobody will read.
var errLost = errors.New("state: the database was removed or replaced while it was written to")

// Made reports whether there is a database.
func (d *DB) Made(ctx context.Context) (made bool, err error) {
	err = d.use(ctx, false, func(c *conn) error { made = c != nil; return nil })
	return made, err
}

// use calls fn with the connection when it is free. Only who writes makes a
// state; for who reads the connection is nil if there is none.
func (d *DB) use(ctx context.Context, write bool, fn func(*conn) error) (err error) {
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
	if c != nil && !current(ctx, c, write) {
		c.abandon()
		c = nil
	}
	if c == nil {
		if c, err = d.open(ctx, write); err != nil {
			return err
		}
	}
	err = fn(c)
	if c != nil && c.frozen {
		err = errors.Join(err, c.close())
		c = nil
	}
	return err
}

// current reports whether c has the files open that lie in their places: in a
// process that stays, they may have been removed or replaced since it opened
// them. As long as nobody else wrote to the database, that takes one look at
// its directory entry.
func current(ctx context.Context, c *conn, write bool) bool {
	n := 1
	if write {
		n = len(c.files)
	}
	db, same := c.holds(n)
	if !same || db == nil {
		return same
	}
	if was := c.files[0]; db.Size() == was.Size() && db.ModTime().Equal(was.ModTime()) {
		return true
	}
	if _, err := c.agree(ctx); err != nil {
		return false
	}
	c.files[0] = db
	return true
}

// Alone runs fn under a lock on the file name.lock beside the database.
func (d *DB) Alone(ctx context.Context, name string, fn func() error) (err error) {
	defer func() { err = d.explain(err) }()
	if err := home.Make(d.dir); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(d.dir, name+home.Lock), alonePatience)
	if err != nil {
		return err
	}
	defer unlock()
	return fn()
}

// alonePatience is how long one waits for another process in Alone, which may
// itself wait for a network.
const alonePatience = 30 * time.Second

// Check reports where the state is, and an error if it is not whole or not
// private, or can't be made. One that can only be read is told of as that:
// somebody may have meant it.
func (d *DB) Check(ctx context.Context) (string, error) {
	// The directory may hold the key without holding a state yet.
	if err := home.Fit(d.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", d.explain(err)
	}
	if err := private(d.dir); err != nil {
		return "", d.explain(err)
	}
	result, none := "no answer", false
	err := d.use(ctx, false, func(c *conn) error {
		if none = c == nil; none {
			return nil
		}
		return c.within(ctx, beginRead, func(t *tx) error {
			_, err := t.one(func(s *sqlite3.Stmt) { result = s.ColumnText(0) }, `PRAGMA integrity_check(1)`)
			return err
		})
	})
	if err != nil {
		return "", err
	}
	if none {
		return "nothing is stored yet in " + d.dir, d.writable()
	}
	if result != "ok" {
		return "", d.damaged(errors.New(result))
	}
	for _, name := range []string{"", "-wal", "-shm"} {
		if err := private(d.path() + name); err != nil {
			return "", d.explain(err)
		}
	}
	if err := d.writable(); noSpace(err) {
		return "", err
	} else if err != nil {
		return d.path() + " (it can only be read: nothing can be stored or removed)", nil
	}
	return d.path(), nil
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
