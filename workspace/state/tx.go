package state

import (
	"errors"
	"time"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// A tx answers the questions of the domain within one transaction.
type tx struct {
	*conn
	readOnly bool
	changed  bool // something was written that SQLite doesn't count
}

// exec runs a statement that returns no row.
func (t *tx) exec(query string, args ...any) error {
	return t.query(func(*sqlite3.Stmt) error { return nil }, query, args...)
}

// query calls row for each row; what it takes of one is its own.
func (t *tx) query(row func(*sqlite3.Stmt) error, query string, args ...any) error {
	s, err := t.stmt(query, args)
	if err != nil {
		return err
	}
	if t.readOnly && !s.ReadOnly() {
		return errReadOnly
	}
	for s.Step() {
		if err = row(s); err != nil {
			break
		}
	}
	err = errors.Join(err, s.Err())
	// Reset repeats the error of the last step; the bindings hold values.
	if e := errors.Join(s.Reset(), s.ClearBindings()); err == nil {
		err = e
	}
	return err
}

// one calls row for a single row; ok is false if there is none.
func (t *tx) one(row func(*sqlite3.Stmt), query string, args ...any) (ok bool, err error) {
	err = t.query(func(s *sqlite3.Stmt) error { ok = true; row(s); return nil }, query, args...)
	return ok && err == nil, err
}

// blob returns a column that is never NULL.
func blob(s *sqlite3.Stmt, col int) []byte { return s.ColumnBlob(col, []byte{}) }

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Audit notes an act.
func (t *tx) Audit(e workspace.Event) error {
	return t.exec(`INSERT INTO audit (at, actor, op, workspace, scope, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		ms(e.At), e.Actor, e.Op, e.Workspace, string(e.Scope), e.Subject, e.Detail)
}

// Trust returns the hash that path is trusted with.
func (t *tx) Trust(path string) (hash string, err error) {
	_, err = t.one(func(s *sqlite3.Stmt) { hash = s.ColumnText(0) }, `SELECT hash FROM trust WHERE path = ?`, path)
	return hash, err
}

// SetTrust trusts path with hash.
func (t *tx) SetTrust(path, hash, ws string, at time.Time) error {
	return t.exec(`INSERT INTO trust (path, hash, workspace, at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (path) DO UPDATE SET hash = ?2, workspace = ?3, at = ?4`, path, hash, ws, ms(at))
}

// Known returns the trusted files of a workspace, and whether it was ever used.
func (t *tx) Known(ws string) (paths []string, ok bool, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		paths = append(paths, s.ColumnText(0))
		return nil
	}, `SELECT path FROM trust WHERE workspace = ? ORDER BY path`, ws)
	if err != nil || len(paths) > 0 {
		return paths, len(paths) > 0, err
	}
	_, err = t.one(func(s *sqlite3.Stmt) { ok = s.ColumnBool(0) }, `SELECT EXISTS (SELECT 1 FROM secret WHERE scope = 'workspace' AND owner = ?1)
		OR EXISTS (SELECT 1 FROM connection WHERE workspace = ?1)`, ws)
	return nil, ok, err
}

// DataKeys returns every data key in the order of creation, the current first.
func (t *tx) DataKeys() (keys []workspace.DataKey, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		keys = append(keys, workspace.DataKey{
			ID: s.ColumnText(0), Backend: workspace.Backend(s.ColumnText(1)), Holder: s.ColumnText(2), Params: blob(s, 3), Wrapped: blob(s, 4),
			Created: moment(s.ColumnInt64(5)), Lost: moment(s.ColumnInt64(6)), Retired: s.ColumnBool(7),
		})
		return nil
	}, `SELECT id, backend, holder, params, wrapped, created, lost, retired FROM data_key ORDER BY retired, seq`)
	return keys, err
}

// AddDataKey makes k the current data key of its backend.
func (t *tx) AddDataKey(k workspace.DataKey) error {
	var taken bool
	if _, err := t.one(func(s *sqlite3.Stmt) { taken = s.ColumnBool(0) }, `SELECT EXISTS (SELECT 1 FROM data_key WHERE backend = ? AND retired = 0)`, string(k.Backend)); err != nil {
		return err
	}
	if taken {
		return workspace.Errorf(workspace.Conflict, "another process has just made the key of the %s backend", k.Backend)
	}
	params := k.Params
	if params == nil {
		params = []byte{}
	}
	return t.exec(`INSERT INTO data_key (id, backend, holder, params, wrapped, created) VALUES (?, ?, ?, ?, ?, ?)`,
		k.ID, string(k.Backend), k.Holder, params, k.Wrapped, ms(k.Created))
}

// MarkDataKey notes when the holder was found without the KEK.
func (t *tx) MarkDataKey(id string, lost time.Time) error {
	return t.exec(`UPDATE data_key SET lost = ? WHERE id = ?`, ms(lost), id)
}

// RetireDataKey makes room for a new current data key.
func (t *tx) RetireDataKey(id string) error {
	return t.exec(`UPDATE data_key SET retired = 1 WHERE id = ?`, id)
}
