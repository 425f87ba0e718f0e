package state

import (
	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// Users returns accounts by ID.
func (t *tx) Users(id string) (users []workspace.User, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		users = append(users, workspace.User{
			ID: s.ColumnText(0), Password: s.ColumnText(1), Failures: s.ColumnInt(2),
			LockedUntil: moment(s.ColumnInt64(3)), Created: moment(s.ColumnInt64(4)),
		})
		return nil
	}, `SELECT id, password, failures, locked, created FROM account WHERE ?1 = '' OR id = ?1 ORDER BY id`, id)
	return users, err
}

// PutUser adds or replaces an account.
func (t *tx) PutUser(u workspace.User) error {
	return t.exec(`INSERT INTO account (id, password, failures, locked, created) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (id) DO UPDATE SET password = ?2, failures = ?3, locked = ?4`,
		u.ID, u.Password, u.Failures, ms(u.LockedUntil), ms(u.Created))
}

// DeleteUser forgets an account with its memberships and tokens.
func (t *tx) DeleteUser(id string) (bool, error) {
	err := t.exec(`DELETE FROM account WHERE id = ?`, id)
	return err == nil && t.db.Changes() > 0, err
}

// Members returns memberships by tenant and then user.
func (t *tx) Members(user, tenant string) (ms []workspace.Member, err error) {
	err = t.query(func(s *sqlite3.Stmt) error {
		ms = append(ms, workspace.Member{User: s.ColumnText(0), Tenant: s.ColumnText(1), Role: workspace.Role(s.ColumnText(2))})
		return nil
	}, `SELECT user, tenant, role FROM member WHERE (?1 = '' OR user = ?1) AND (?2 = '' OR tenant = ?2) ORDER BY tenant, user`, user, tenant)
	return ms, err
}

// PutMember adds or replaces a membership.
func (t *tx) PutMember(m workspace.Member) error {
	return t.exec(`INSERT INTO member (user, tenant, role) VALUES (?1, ?2, ?3)
		ON CONFLICT (tenant, user) DO UPDATE SET role = ?3`, m.User, m.Tenant, string(m.Role))
}
