package state

import (
	"encoding/json"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// Connections returns the connections of a workspace by name, each with the
// data keys of the keys that it names.
func (t *tx) Connections(ws, tenant, name string) ([]workspace.Connection, error) {
	var list []workspace.Connection
	at := map[string]int{}
	err := t.query(func(s *sqlite3.Stmt) error {
		c := workspace.Connection{
			ID: s.ColumnText(0), Name: s.ColumnText(1), Kind: s.ColumnText(2),
			CreatedAt: moment(s.ColumnInt64(4)), UpdatedAt: moment(s.ColumnInt64(5)),
		}
		if err := json.Unmarshal(s.ColumnRawText(3), &c.Config); err != nil {
			return damaged{err}
		}
		at[c.ID] = len(list)
		list = append(list, c)
		return nil
	}, `SELECT id, name, kind, config, created, updated FROM connection
		WHERE workspace = ?1 AND (?2 = '' OR name = ?2) ORDER BY name`, ws, name)
	if err != nil {
		return nil, err
	}
	err = t.query(func(s *sqlite3.Stmt) error {
		if i, ok := at[s.ColumnText(0)]; ok {
			list[i].Auth.Keys = append(list[i].Auth.Keys, workspace.KeyUse{Field: s.ColumnText(1), Key: s.ColumnText(2), DataKey: s.ColumnText(3)})
		}
		return nil
	}, `SELECT c.id, ck.field, coalesce(s.key, ck.key), coalesce(s.data_key, '') FROM `+resolved+`
		WHERE c.workspace = ?1 AND (?2 = '' OR c.name = ?2) ORDER BY c.id, ck.place`, ws, name)
	return list, err
}

// AddConnection adds c.
func (t *tx) AddConnection(ws, tenant string, c workspace.Connection) error {
	var taken string
	ok, err := t.one(func(s *sqlite3.Stmt) { taken = s.ColumnText(0) }, `SELECT name FROM connection WHERE workspace = ? AND name = ?`, ws, c.Name)
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
	err := t.exec(`DELETE FROM connection WHERE workspace = ? AND name = ?`, ws, name)
	return err == nil && t.db.Changes() > 0, err
}
