package state

import (
	"cmp"
	"slices"
	"strings"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// Keys returns keys with the connections that use them. A connection uses the
// workspace's own key if there is one, and the tenant's otherwise.
func (t *tx) Keys(ws, tenant string, scope workspace.Scope) ([]workspace.KeyInfo, error) {
	users, err := t.users(ws, tenant)
	if err != nil {
		return nil, err
	}
	keys := []workspace.KeyInfo{}
	runs := 0
	for _, of := range []workspace.Ref{{Scope: workspace.ScopeWorkspace, Owner: ws}, {Scope: workspace.ScopeTenant, Owner: tenant}} {
		if scope != "" && scope != of.Scope {
			continue
		}
		// One scope at a time comes out of the index in its order.
		n := len(keys)
		if err := t.query(func(s *sqlite3.Stmt) error {
			k := workspace.KeyInfo{
				Key: s.ColumnText(1), Scope: of.Scope, Owner: of.Owner, DataKey: s.ColumnText(2), UpdatedAt: moment(s.ColumnInt64(3)),
				UsedBy: users[s.ColumnInt64(0)],
			}
			if k.UsedBy == nil {
				k.UsedBy = []string{}
			}
			keys = append(keys, k)
			return nil
		}, `SELECT id, key, data_key, updated FROM secret WHERE scope = ? AND owner = ? ORDER BY fold`, string(of.Scope), of.Owner); err != nil {
			return nil, err
		}
		if len(keys) > n {
			runs++
		}
	}
	if runs > 1 {
		slices.SortStableFunc(keys, func(a, b workspace.KeyInfo) int {
			return cmp.Or(strings.Compare(workspace.Fold(a.Key), workspace.Fold(b.Key)), strings.Compare(string(a.Scope), string(b.Scope)))
		})
	}
	return keys, nil
}

// resolved joins each credential field of a connection (ck, c) with the key
// that fills it now (s).
const resolved = `connection AS c JOIN connection_key AS ck ON ck.connection = c.id
	LEFT JOIN secret AS s ON s.id = coalesce(
		(SELECT id FROM secret WHERE scope = 'workspace' AND owner = c.workspace AND fold = ck.fold),
		(SELECT id FROM secret WHERE scope = 'tenant' AND owner = c.tenant AND fold = ck.fold))`

// users returns for the id of each used key the connections that use it.
func (t *tx) users(ws, tenant string) (map[int64][]string, error) {
	users := map[int64][]string{}
	err := t.query(func(s *sqlite3.Stmt) error {
		id := s.ColumnInt64(0)
		users[id] = append(users[id], s.ColumnText(1))
		return nil
	}, `SELECT DISTINCT s.id, iif(c.workspace = ?1, '', c.workspace || '/') || c.name AS label FROM `+resolved+`
		WHERE s.id IS NOT NULL AND (c.workspace = ?1 OR c.tenant = ?2 AND s.scope = 'tenant') ORDER BY label`, ws, tenant)
	return users, err
}

// Secret returns one version of a key.
func (t *tx) Secret(ref workspace.Ref, version int) (s workspace.Sealed, ok bool, err error) {
	s.Ref = ref
	ok, err = t.one(func(row *sqlite3.Stmt) {
		s.Ref.Key, s.Version, s.DataKey, s.Created, s.Box = row.ColumnText(0), row.ColumnInt(1), row.ColumnText(2), moment(row.ColumnInt64(3)), blob(row, 4)
	},
		`SELECT s.key, v.version, v.data_key, v.created, v.box FROM secret AS s JOIN value AS v ON v.secret = s.id
		WHERE s.scope = ? AND s.owner = ? AND s.fold = ? AND v.version = iif(?4 = 0, s.version, ?4)`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key), version)
	return s, ok, err
}

// Versions returns the kept versions of a key, newest first.
func (t *tx) Versions(ref workspace.Ref) (vs []workspace.Version, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		vs = append(vs, workspace.Version{Version: s.ColumnInt(0), DataKey: s.ColumnText(1), CreatedAt: moment(s.ColumnInt64(2))})
		return nil
	}, `SELECT v.version, v.data_key, v.created FROM secret AS s JOIN value AS v ON v.secret = s.id
		WHERE s.scope = ? AND s.owner = ? AND s.fold = ? ORDER BY v.version DESC`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key))
	return vs, err
}

// PutSecret makes s the current version of its key.
func (t *tx) PutSecret(s workspace.Sealed) error {
	var id int64
	_, err := t.one(func(s *sqlite3.Stmt) { id = s.ColumnInt64(0) }, `INSERT INTO secret (scope, owner, fold, key, version, data_key, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT (scope, owner, fold) DO UPDATE SET version = ?5, data_key = ?6, updated = ?7 RETURNING id`,
		string(s.Ref.Scope), s.Ref.Owner, workspace.Fold(s.Ref.Key), s.Ref.Key, s.Version, s.DataKey, ms(s.Created))
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO value (secret, version, data_key, created, box, hash) VALUES (?, ?, ?, ?, ?, ?)`,
		id, s.Version, s.DataKey, ms(s.Created), s.Box, s.Hash); err != nil {
		return err
	}
	return t.exec(`DELETE FROM value WHERE secret = ? AND version <= ?`, id, s.Version-workspace.KeepVersions)
}

// DeleteSecret forgets a key and all its versions.
func (t *tx) DeleteSecret(ref workspace.Ref) error {
	return t.exec(`DELETE FROM secret WHERE scope = ? AND owner = ? AND fold = ?`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key))
}
