package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"github.com/ncruces/go-sqlite3"
)

// open opens the database and migrates it. If there is none, it makes it for
// who writes, and returns nil otherwise.
func (d *DB) open(ctx context.Context, write bool) (*conn, error) {
	info, err := d.inspect()
	if errors.Is(err, fs.ErrNotExist) {
		if !write {
			return nil, nil
		}
		if err := create(ctx, d.dir, d.path()); err != nil {
			return nil, err
		}
		info, err = d.inspect()
	}
	if err != nil {
		return nil, err
	}
	// Before SQLite looks: it would replay the log of another database.
	if err := settle(ctx, func() error {
		s, err := look(d.path())
		if err == nil {
			err = s.tied()
		}
		return err
	}); err != nil {
		return nil, err
	}
	c, err := d.dial(ctx, info)
	if err == nil || !unwritable(err) || hasLog(d.path()) { // what a log holds can't be read without its index
		return c, err
	}
	c, e := freeze(ctx, d.path())
	if e == nil {
		if e = d.prepare(ctx, c); e == nil {
			return c, nil
		}
		c.abandon()
	}
	return nil, errors.Join(err, e)
}

// inspect looks at the file of the database. It returns fs.ErrNotExist if
// there is no state.
func (d *DB) inspect() (fs.FileInfo, error) {
	if err := home.Owned(d.dir); err != nil {
		return nil, err
	}
	path := d.path()
	if err := absent(path); err != nil {
		return nil, err
	}
	for _, name := range []string{path + "-wal", path + "-shm"} { // SQLite could wait for ever at a pipe
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return nil, damaged{fmt.Errorf("%s is not a regular file", name)}
		}
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		// Its log would lie beside what it points to, and one that points to
		// nothing would be taken for no state.
		return nil, workspace.Errorf(workspace.Unavailable, "%s is a symbolic link, and akos needs the file itself there: it was left as it is. To keep the state elsewhere, set AKOS_HOME", path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case !info.Mode().IsRegular():
		return nil, damaged{errors.New("it is not a regular file")}
	case names(info) > 1:
		// Under each name it would have a log of its own.
		return nil, workspace.Errorf(workspace.Unavailable, "%s has a second name (a hard link), under which it could be changed unseen: it was left as it is. Make it a file of its own", path).
			WithHint("(cd %s && cp -p %s copy && mv copy %s)", workspace.ShellQuote(d.dir), fileName, fileName)
	case info.Size() == 0:
		// SQLite takes an empty file for a new database. We never leave one,
		// so this was a state with something in it.
		return nil, damaged{errors.New("the file is empty")}
	case info.Size()%512 != 0 && !hasLog(path):
		// SQLite would take the end of a cut page for zeros.
		return nil, damaged{errors.New("the file ends within a page")}
	}
	return info, nil
}

// dial opens the database that info describes for reading and writing.
func (d *DB) dial(ctx context.Context, info fs.FileInfo) (c *conn, err error) {
	os.SameFile(info, info) // on Windows this reads, now, what the file is known by later
	if c, err = connect(ctx, d.path()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.abandon()
			c = nil
		}
	}()
	if err := d.prepare(ctx, c); err != nil {
		return c, err
	}
	if err := c.logAhead(); err != nil {
		return c, err
	}
	c.files[0] = info
	for i := 1; i < len(c.files); i++ {
		err := home.Restrict(c.paths[i], 0o600) // SQLite made it as the umask said
		if err == nil {
			c.files[i], err = os.Lstat(c.paths[i])
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.files[i] = nil // SQLite has not needed it yet
		case err != nil:
			return c, err
		default:
			os.SameFile(c.files[i], c.files[i])
		}
	}
	if _, same := c.holds(1); !same {
		return c, errReplaced
	}
	return c, nil
}

// hasLog reports whether there is a write-ahead log with something in it.
func hasLog(path string) bool {
	log, err := os.Lstat(path + "-wal")
	return err == nil && log.Size() > 0
}

// prepare brings the schema to the version of this build.
func (d *DB) prepare(ctx context.Context, c *conn) error {
	v, err := c.agree(ctx)
	switch {
	case err != nil:
		return err
	case v == 0:
		return damaged{errors.New("the database has no schema")}
	case v > len(migrations):
		return workspace.Errorf(workspace.Unavailable, "%s was written by a newer akos (schema %d, this build knows %d): upgrade akos; nothing was changed", d.path(), v, len(migrations)).
			WithHint("akos version")
	case v < len(migrations) && c.frozen:
		return sqlite3.READONLY
	case v < len(migrations):
		return migrate(ctx, c)
	}
	return nil
}
