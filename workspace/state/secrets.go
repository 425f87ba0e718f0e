package state

import (
	"encoding/json"

	"example.com/akos/workspace"
)

// Keys returns keys with the connections that use them. A connection uses the
// workspace's own key if there is one, and the tenant's otherwise.
func (t *tx) Keys(ws, tenant string, scope workspace.Scope) ([]workspace.KeyInfo, error) {
	users, err := t.users(ws, tenant)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{"workspace": ws, "tenant": tenant}
	if scope != "" {
		owners = map[string]string{string(scope): owners[string(scope)]}
	}
	pairs, err := json.Marshal(owners)
	if err != nil {
		return nil, err
	}
	keys := []workspace.KeyInfo{}
	err = t.query(func(row func(...any) error) error {
		var k workspace.KeyInfo
		var updated, id int64
		if err := row(&id, &k.Key, &k.Scope, &k.Owner, &k.DataKey, &updated); err != nil {
			return err
		}
		k.UpdatedAt = moment(updated)
		if k.UsedBy = users[id]; k.UsedBy == nil {
			k.UsedBy = []string{}
		}
		keys = append(keys, k)
		return nil
	}, `SELECT s.id, s.key, s.scope, s.owner, s.data_key, s.updated
		FROM json_each(?) AS o JOIN secret AS s ON s.scope = o.key AND s.owner = o.value
		ORDER BY s.fold, s.scope`, string(pairs))
	return keys, err
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
	err := t.query(func(row func(...any) error) error {
		var id int64
		var name string
		err := row(&id, &name)
		users[id] = append(users[id], name)
		return err
	}, `SELECT DISTINCT s.id, iif(c.workspace = ?1, '', c.workspace || '/') || c.name AS label FROM `+resolved+`
		WHERE s.id IS NOT NULL AND (c.workspace = ?1 OR c.tenant = ?2 AND s.scope = 'tenant') ORDER BY label`, ws, tenant)
	return users, err
}

// Secret returns one version of a key.
func (t *tx) Secret(ref workspace.Ref, version int) (s workspace.Sealed, ok bool, err error) {
	s.Ref = ref
	var created int64
	ok, err = t.one([]any{&s.Ref.Key, &s.Version, &s.DataKey, &created, &s.Box},
		`SELECT s.key, v.version, v.data_key, v.created, v.box FROM secret AS s JOIN value AS v ON v.secret = s.id
		WHERE s.scope = ? AND s.owner = ? AND s.fold = ? AND v.version = iif(?4 = 0, s.version, ?4)`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key), version)
	s.Created = moment(created)
	return s, ok, err
}

// Versions returns the kept versions of a key, newest first.
func (t *tx) Versions(ref workspace.Ref) (vs []workspace.Version, err error) {
	err = t.query(func(row func(...any) error) error {
		var v workspace.Version
		var created int64
		err := row(&v.Version, &v.DataKey, &created)
		v.CreatedAt = moment(created)
		vs = append(vs, v)
		return err
	}, `SELECT v.version, v.data_key, v.created FROM secret AS s JOIN value AS v ON v.secret = s.id
		WHERE s.scope = ? AND s.owner = ? AND s.fold = ? ORDER BY v.version DESC`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key))
	return vs, err
}

// PutSecret makes s the current version of its key.
func (t *tx) PutSecret(s workspace.Sealed) error {
	var id int64
	_, err := t.one([]any{&id}, `INSERT INTO secret (scope, owner, fold, key, version, data_key, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT (scope, owner, fold) DO UPDATE SET version = ?5, data_key = ?6, updated = ?7 RETURNING id`,
		string(s.Ref.Scope), s.Ref.Owner, workspace.Fold(s.Ref.Key), s.Ref.Key, s.Version, s.DataKey, ms(s.Created))
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO value (secret, version, data_key, created, box) VALUES (?, ?, ?, ?, ?)`,
		id, s.Version, s.DataKey, ms(s.Created), s.Box); err != nil {
		return err
	}
	return t.exec(`DELETE FROM value WHERE secret = ? AND version <= ?`, id, s.Version-workspace.KeepVersions)
}

// DeleteSecret forgets a key and all its versions.
func (t *tx) DeleteSecret(ref workspace.Ref) error {
	return t.exec(`DELETE FROM secret WHERE scope = ? AND owner = ? AND fold = ?`,
		string(ref.Scope), ref.Owner, workspace.Fold(ref.Key))
}
