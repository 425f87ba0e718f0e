package state

import (
	"encoding/json"

	"example.com/akos/workspace"
)

// Connections returns the connections of a workspace by name, each with the
// data keys of the keys that it names.
func (t *tx) Connections(ws, tenant, name string) ([]workspace.Connection, error) {
	var list []workspace.Connection
	at := map[string]int{}
	err := t.query(func(row func(...any) error) error {
		var c workspace.Connection
		var config []byte
		var created, updated int64
		if err := row(&c.ID, &c.Name, &c.Kind, &config, &created, &updated); err != nil {
			return err
		}
		c.CreatedAt, c.UpdatedAt = moment(created), moment(updated)
		at[c.ID] = len(list)
		list = append(list, c)
		return json.Unmarshal(config, &list[len(list)-1].Config)
	}, `SELECT id, name, kind, config, created, updated FROM connection
		WHERE workspace = ?1 AND (?2 = '' OR name = ?2) ORDER BY name`, ws, name)
	if err != nil {
		return nil, err
	}
	err = t.query(func(row func(...any) error) error {
		var id string
		var u workspace.KeyUse
		err := row(&id, &u.Field, &u.Key, &u.DataKey)
		if i, ok := at[id]; ok {
			list[i].Auth.Keys = append(list[i].Auth.Keys, u)
		}
		return err
	}, `SELECT c.id, ck.field, coalesce(s.key, ck.key), coalesce(s.data_key, '') FROM `+resolved+`
		WHERE c.workspace = ?1 AND (?2 = '' OR c.name = ?2) ORDER BY c.id, ck.place`, ws, name)
	return list, err
}

// AddConnection adds c.
func (t *tx) AddConnection(ws, tenant string, c workspace.Connection) error {
	var taken string
	ok, err := t.one([]any{&taken}, `SELECT name FROM connection WHERE workspace = ? AND name = ?`, ws, c.Name)
	if err != nil {
		return err
	}
	if ok {
		return workspace.Errorf(workspace.Conflict, "a connection called %s exists already", taken).
			WithHint("akos connections inspect %s", taken)
	}
	config, err := json.Marshal(c.Config)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO connection (id, workspace, tenant, name, kind, config, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, ws, tenant, c.Name, c.Kind, string(config), ms(c.CreatedAt), ms(c.UpdatedAt)); err != nil {
		return err
	}
	for i, u := range c.Auth.Keys {
		if err := t.exec(`INSERT INTO connection_key (connection, place, field, fold, key) VALUES (?, ?, ?, ?, ?)`,
			c.ID, i, u.Field, workspace.Fold(u.Key), u.Key); err != nil {
			return err
		}
	}
	return nil
}

// DeleteConnection forgets a connection.
func (t *tx) DeleteConnection(ws, name string) (bool, error) {
	r, err := t.ExecContext(t.ctx, `DELETE FROM connection WHERE workspace = ? AND name = ?`, ws, name)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
