package state

import (
	"encoding/json"
	"time"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

const tokenColumns = `hash, kind, id, name, family, client, user, tenant, scopes, audience, created, expires, used`

func scanToken(s *sqlite3.Stmt) (workspace.Token, error) {
	t := workspace.Token{
		Hash: s.ColumnText(0), Kind: workspace.TokenKind(s.ColumnText(1)), ID: s.ColumnText(2), Name: s.ColumnText(3),
		Family: s.ColumnText(4), Client: s.ColumnText(5), User: s.ColumnText(6), Tenant: s.ColumnText(7), Audience: s.ColumnText(9),
		Created: moment(s.ColumnInt64(10)), Expires: moment(s.ColumnInt64(11)), Used: moment(s.ColumnInt64(12)),
	}
	return t, list(s, 8, &t.Scopes)
}

// list reads a column that holds a JSON list of texts.
func list(s *sqlite3.Stmt, col int, into *[]string) error {
	if err := json.Unmarshal(s.ColumnRawText(col), into); err != nil {
		return damaged{err}
	}
	return nil
}

// listed returns texts as a column keeps them.
func listed(texts []string) string {
	if texts == nil {
		texts = []string{}
	}
	b, _ := json.Marshal(texts) // texts always encode
	return string(b)
}

// Token returns the token with that hash.
func (t *tx) Token(hash string) (token workspace.Token, ok bool, err error) {
	err = t.query(func(s *sqlite3.Stmt) (err error) {
		ok = true
		token, err = scanToken(s)
		return err
	}, `SELECT `+tokenColumns+` FROM token WHERE hash = ?`, hash)
	return token, ok && err == nil, err
}

// AddToken keeps a token.
func (t *tx) AddToken(k workspace.Token) error {
	return t.exec(`INSERT INTO token (`+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.Hash, string(k.Kind), k.ID, k.Name, k.Family, k.Client, k.User, k.Tenant, listed(k.Scopes), k.Audience,
		ms(k.Created), ms(k.Expires), ms(k.Used))
}

// UseToken notes that a refresh token was exchanged.
func (t *tx) UseToken(hash string, at time.Time) error {
	return t.exec(`UPDATE token SET used = ? WHERE hash = ?`, ms(at), hash)
}

// Tokens returns personal tokens by creation.
func (t *tx) Tokens(tenant string) (tokens []workspace.Token, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		token, err := scanToken(s)
		tokens = append(tokens, token)
		return err
	}, `SELECT `+tokenColumns+` FROM token WHERE kind = 'personal' AND (?1 = '' OR tenant = ?1) ORDER BY created, id`, tenant)
	return tokens, err
}

// DeleteTokens forgets every token of a family.
func (t *tx) DeleteTokens(family string) (int, error) {
	err := t.exec(`DELETE FROM token WHERE family = ?`, family)
	return int(t.db.Changes()), err
}

// DeleteLogins forgets every token of a user but the personal ones.
func (t *tx) DeleteLogins(user string) error {
	return t.exec(`DELETE FROM token WHERE user = ? AND kind <> 'personal'`, user)
}

// PruneTokens forgets what has expired.
func (t *tx) PruneTokens(before time.Time) error {
	return t.exec(`DELETE FROM token WHERE expires < ?`, ms(before))
}

// Client returns a registered client.
func (t *tx) Client(id string) (c workspace.Client, ok bool, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		ok = true
		c = workspace.Client{ID: s.ColumnText(0), Name: s.ColumnText(1), Created: moment(s.ColumnInt64(3))}
		return list(s, 2, &c.RedirectURIs)
	}, `SELECT id, name, redirects, created FROM client WHERE id = ?`, id)
	return c, ok && err == nil, err
}

// AddClient keeps a client.
func (t *tx) AddClient(c workspace.Client) error {
	return t.exec(`INSERT INTO client (id, name, redirects, created) VALUES (?, ?, ?, ?)`, c.ID, c.Name, listed(c.RedirectURIs), ms(c.Created))
}

// Clients returns how many clients there are.
func (t *tx) Clients() (n int, err error) {
	_, err = t.one(func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }, `SELECT count(*) FROM client`)
	return n, err
}

// PruneClients forgets old clients without a token.
func (t *tx) PruneClients(before time.Time) error {
	return t.exec(`DELETE FROM client WHERE created < ? AND NOT EXISTS (SELECT 1 FROM token WHERE token.client = client.id)`, ms(before))
}
