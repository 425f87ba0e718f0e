package state

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"example.com/akos/workspace"
)

// A tx answers the questions of the domain within one transaction.
type tx struct {
	ctx context.Context
	*sql.Tx
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// query calls scan for each row.
func (t *tx) query(scan func(row func(...any) error) error, query string, args ...any) error {
	rows, err := t.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans a single row; ok is false if there is none.
func (t *tx) one(dest []any, query string, args ...any) (ok bool, err error) {
	err = t.QueryRowContext(t.ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

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
	_, err = t.one([]any{&hash}, `SELECT hash FROM trust WHERE path = ?`, path)
	return hash, err
}

// SetTrust trusts path with hash.
func (t *tx) SetTrust(path, hash, ws string, at time.Time) error {
	return t.exec(`INSERT INTO trust (path, hash, workspace, at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (path) DO UPDATE SET hash = ?2, workspace = ?3, at = ?4`, path, hash, ws, ms(at))
}

// Known returns the trusted files of a workspace, and whether it was ever used.
func (t *tx) Known(ws string) (paths []string, ok bool, err error) {
	err = t.query(func(row func(...any) error) error {
		var p string
		err := row(&p)
		paths = append(paths, p)
		return err
	}, `SELECT path FROM trust WHERE workspace = ? ORDER BY path`, ws)
	if err != nil || len(paths) > 0 {
		return paths, len(paths) > 0, err
	}
	_, err = t.one([]any{&ok}, `SELECT EXISTS (SELECT 1 FROM secret WHERE scope = 'workspace' AND owner = ?1)
		OR EXISTS (SELECT 1 FROM connection WHERE workspace = ?1)`, ws)
	return nil, ok, err
}

// DataKeys returns every data key in the order of creation, the current first.
func (t *tx) DataKeys() (keys []workspace.DataKey, err error) {
	err = t.query(func(row func(...any) error) error {
		var k workspace.DataKey
		var created, lost int64
		err := row(&k.ID, &k.Backend, &k.Holder, &k.Params, &k.Wrapped, &created, &lost, &k.Retired)
		k.Created, k.Lost = moment(created), moment(lost)
		keys = append(keys, k)
		return err
	}, `SELECT id, backend, holder, params, wrapped, created, lost, retired FROM data_key ORDER BY retired, seq`)
	return keys, err
}

// AddDataKey makes k the current data key of its backend.
func (t *tx) AddDataKey(k workspace.DataKey) error {
	var taken bool
	if _, err := t.one([]any{&taken}, `SELECT EXISTS (SELECT 1 FROM data_key WHERE backend = ? AND retired = 0)`, string(k.Backend)); err != nil {
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
