package state

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

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
}

// pragmas are the settings that every connection needs. The busy timeout
// comes first, so that the others wait too.
var pragmas = []string{"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(on)", "secure_delete(on)", "trusted_schema(off)"}

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
	return &conn{db: db, stmts: map[string]*sqlite3.Stmt{}}, nil
}

func (c *conn) close() error {
	c.db.SetInterrupt(context.Background())
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
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
	if err := fn(t); err != nil {
		return err
	}
	if err := t.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
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
