package state

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// A conn is one connection to SQLite, used by one goroutine at a time. It
// speaks to the library itself and not through database/sql, which would cost
// a call three times what SQLite does, and keeps the statements that it
// compiled.
type conn struct {
	db     *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	frozen bool // opened without a lock, because the file can't be written
	// The database, its log and the index of the log, and what they were when
	// they were last seen to belong together.
	paths [3]string
	files [3]fs.FileInfo
}

// patience is how long one waits for another process that writes.
const patience = 10 * time.Second

// pragmas are the settings that every connection needs. The busy timeout
// comes first, so that the others wait too. The log is folded back by fold
// alone.
var pragmas = []string{"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(on)", "secure_delete(on)", "trusted_schema(off)",
	"wal_autocheckpoint(0)"}

// connect opens the database at path.
func connect(ctx context.Context, path string) (*conn, error) {
	return dial(ctx, path, url.Values{"_pragma": pragmas})
}

// logAhead puts the database into WAL mode, which it stays in. It is for one
// that was seen to be ours: it writes.
func (c *conn) logAhead() error { return c.db.Exec("PRAGMA journal_mode = WAL") }

// freeze opens a database that can't be written: SQLite reads one that has a
// write-ahead log only where it can make the log's index, or is told that
// nobody writes. The caller has seen that the log is empty, and does not keep
// the connection.
func freeze(ctx context.Context, path string) (*conn, error) {
	c, err := dial(ctx, path, url.Values{"_pragma": pragmas, "immutable": {"1"}, "mode": {"ro"}})
	if err == nil {
		c.frozen = true
	}
	return c, err
}

func dial(ctx context.Context, path string, query url.Values) (*conn, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	db, err := sqlite3.OpenContext(ctx, u.String())
	if err != nil {
		return nil, err
	}
	return &conn{db: db, stmts: map[string]*sqlite3.Stmt{}, paths: [...]string{path, path + "-wal", path + "-shm"}}, nil
}

func (c *conn) close() error {
	c.db.SetInterrupt(context.Background())
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// abandon closes a connection whose files may not be ours any more. To close
// it as usual could fold its log into another database, or remove the log of
// another.
func (c *conn) abandon() {
	_, _ = c.db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	_ = c.close() // the error that matters is the one that led here
}

// fold moves the log back into the database and empties it: so neither a
// process that stays nor one that is killed keeps a log that somebody could
// part from its database. It does not matter if that fails, or stops where
// another process reads: what was committed is safe in the log.
func (c *conn) fold() {
	_ = c.db.BusyTimeout(0)
	_, _, _ = c.db.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	_ = c.db.BusyTimeout(patience)
}

// holds reports whether the first n of its files are those that c has open.
// db is the database as it is now.
func (c *conn) holds(n int) (db fs.FileInfo, same bool) {
	for i, name := range c.paths[:n] {
		if c.files[i] == nil {
			continue
		}
		info, err := os.Lstat(name)
		if err != nil || !os.SameFile(info, c.files[i]) {
			return nil, false
		}
		if i == 0 {
			db = info
		}
	}
	return db, true
}

// agree reports the version of the schema, and an error if SQLite does not see
// the database that lies in its place.
func (c *conn) agree(ctx context.Context) (version int, err error) {
	err = settle(ctx, func() error {
		return c.within(ctx, beginRead, func(t *tx) (err error) {
			if version, err = t.version(); err != nil || version == 0 || version > len(migrations) {
				return err
			}
			var seen mark
			if version >= stamped {
				if seen, err = t.marked(); err != nil {
					return err
				}
			}
			var x index
			if !c.frozen {
				if x, err = readIndex(c.paths[0]); err != nil {
					return err
				}
			}
			s, err := look(c.paths[0])
			if err != nil {
				return err
			}
			return s.shows(x, seen)
		})
	})
	return version, err
}

// within runs fn between begin and COMMIT, or ROLLBACK if it fails or panics.
func (c *conn) within(ctx context.Context, begin string, fn func(*tx) error) (err error) {
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	t := &tx{conn: c, readOnly: begin == beginRead}
	if err := t.exec(begin); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done && !c.db.GetAutocommit() {
			c.db.SetInterrupt(context.Background()) // it is rolled back also for a caller who gave up
			err = errors.Join(err, t.exec("ROLLBACK"))
		}
	}()
	before := c.db.TotalChanges()
	if err := fn(t); err != nil {
		return err
	}
	if t.changed || c.db.TotalChanges() != before {
		if err := t.mark(); err != nil {
			return err
		}
	}
	if err := t.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

// dataVersion returns a number that changes once another connection has
// committed. https://sqlite.org/pragma.html#pragma_data_version
func (c *conn) dataVersion(ctx context.Context) (v int64, err error) {
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	t := &tx{conn: c, readOnly: true}
	_, err = t.one(func(s *sqlite3.Stmt) { v = s.ColumnInt64(0) }, `PRAGMA data_version`)
	return v, err
}

// How a transaction begins: one that writes takes the lock at once, so that
// what it reads is still true when it writes.
const (
	beginRead  = "BEGIN"
	beginWrite = "BEGIN IMMEDIATE"
)

// stmt returns the statement of query with its arguments.
func (c *conn) stmt(query string, args []any) (*sqlite3.Stmt, error) {
	s := c.stmts[query]
	if s == nil {
		var err error
		if s, _, err = c.db.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, err
		}
		c.stmts[query] = s
	}
	for i, arg := range args {
		var err error
		switch v := arg.(type) {
		case string:
			err = s.BindText(i+1, v)
		case int:
			err = s.BindInt(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		default:
			err = errors.New("state: an argument of a type that no column has")
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}
