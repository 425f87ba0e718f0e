package state

import (
	"errors"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

const sessionColumns = `server, issuer, client, user, tenant, tenants, scopes, expires, updated, data_key, box, own`

func scanSession(s *sqlite3.Stmt) (workspace.SealedSession, error) {
	ses := workspace.SealedSession{
		Session: workspace.Session{
			Server: s.ColumnText(0), Issuer: s.ColumnText(1), ClientID: s.ColumnText(2), UserID: s.ColumnText(3),
			TenantID: s.ColumnText(4), ExpiresAt: moment(s.ColumnInt64(7)), Own: s.ColumnBool(11),
		},
		Updated: moment(s.ColumnInt64(8)), DataKey: s.ColumnText(9), Box: blob(s, 10),
	}
	return ses, errors.Join(list(s, 5, &ses.Tenants), list(s, 6, &ses.Scopes))
}

// Session returns the session at a server.
func (t *tx) Session(server string) (ses workspace.SealedSession, ok bool, err error) {
	err = t.query(func(s *sqlite3.Stmt) (err error) {
		ok = true
		ses, err = scanSession(s)
		return err
	}, `SELECT `+sessionColumns+` FROM session WHERE server = ?`, server)
	return ses, ok && err == nil, err
}

// Sessions returns every session, the one that changed last first.
func (t *tx) Sessions() (all []workspace.SealedSession, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		ses, err := scanSession(s)
		all = append(all, ses)
		return err
	}, `SELECT `+sessionColumns+` FROM session ORDER BY updated DESC, server`)
	return all, err
}

// PutSession adds or replaces the session at a server.
func (t *tx) PutSession(s workspace.SealedSession) error {
	own := 0
	if s.Own {
		own = 1
	}
	return t.exec(`INSERT OR REPLACE INTO session (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.Server, s.Issuer, s.ClientID, s.UserID, s.TenantID, listed(s.Tenants), listed(s.Scopes), ms(s.ExpiresAt), ms(s.Updated), s.DataKey, s.Box, own)
}

// DeleteSession forgets the session at a server.
func (t *tx) DeleteSession(server string) error {
	return t.exec(`DELETE FROM session WHERE server = ?`, server)
}
