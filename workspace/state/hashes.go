package state

import (
	"bytes"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// Hashes returns the values of a workspace and a tenant whose hash begins with
// start. All of it is in the index and in the rows of the keys: no box is read.
func (t *tx) Hashes(ws, tenant string, start []byte) (found []workspace.Sealed, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		found = append(found, workspace.Sealed{Ref: refAt(s, 0), Version: s.ColumnInt(3), Hash: blob(s, 4)})
		return nil
	}, `SELECT s.scope, s.owner, s.key, v.version, v.hash FROM value AS v INDEXED BY value_hash CROSS JOIN secret AS s ON s.id = v.secret
		WHERE v.hash > x'' AND v.hash >= ? AND v.hash < ? AND (s.scope = 'workspace' AND s.owner = ? OR s.scope = 'tenant' AND s.owner = ?)`,
		start, after(start), ws, tenant)
	return found, err
}

// after returns what is greater than each hash that begins with start.
func after(start []byte) []byte { return append(bytes.Clone(start), bytes.Repeat([]byte{0xff}, 40)...) }

// Unhashed returns values without a hash; once there are none, those whose hash
// is another key's. Both are found by an index, and hardly ever anything.
func (t *tx) Unhashed(dataKey string, id []byte) (found []workspace.Sealed, err error) {
	const some = ` LIMIT 32` // each can be a megabyte
	row := func(s *sqlite3.Stmt) error {
		found = append(found, workspace.Sealed{Ref: refAt(s, 0), Version: s.ColumnInt(3), DataKey: dataKey, Box: blob(s, 4)})
		return nil
	}
	const from = `SELECT s.scope, s.owner, s.key, v.version, v.box FROM value AS v CROSS JOIN secret AS s ON s.id = v.secret WHERE v.data_key = ?1 AND `
	if err = t.query(row, from+`v.hash IS NULL`+some, dataKey); err != nil || len(found) > 0 {
		return found, err
	}
	err = t.query(row, from+`(v.hash > x'' AND v.hash < ?2 OR v.hash > x'' AND v.hash > ?3)`+some, dataKey, id, after(id))
	return found, err
}

// SetHash notes the hash of a value.
func (t *tx) SetHash(ref workspace.Ref, version int, hash []byte) error {
	return t.exec(`UPDATE value SET hash = ? WHERE version = ? AND secret =
		(SELECT id FROM secret WHERE scope = ? AND owner = ? AND fold = ?)`,
		hash, version, string(ref.Scope), ref.Owner, workspace.Fold(ref.Key))
}

// refAt reads scope, owner and key from a row, from column col on.
func refAt(s *sqlite3.Stmt, col int) workspace.Ref {
	return workspace.Ref{Scope: workspace.Scope(s.ColumnText(col)), Owner: s.ColumnText(col + 1), Key: s.ColumnText(col + 2)}
}
