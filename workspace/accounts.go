package workspace

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// After this many sign-ins in a row that failed, an account is closed for
// lockOut: long enough to make guessing hopeless, short enough for a person
// who waits.
const (
	maxFailures = 10
	lockOut     = 15 * time.Minute
)

var accountName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,62}$`)
})

// CheckUser returns nil if id can name an account.
func CheckUser(id string) error {
	if err := Refuse(id, "a user name"); err != nil {
		return err
	}
	if !accountName().MatchString(id) {
		return Errorf(Invalid, "a user name is a lower-case letter or digit and then up to 62 of a-z 0-9 . _ @ -")
	}
	return nil
}

// CheckTenant returns nil if id can name a tenant.
func CheckTenant(id string) error {
	if err := Refuse(id, "a tenant"); err != nil {
		return err
	}
	if !slug().MatchString(id) {
		return Errorf(Invalid, "a tenant is up to 63 lower-case letters, digits and inner hyphens")
	}
	return nil
}

// An Account is what may be told of a user.
type Account struct {
	User      string       `json:"user"`
	Tenants   []Membership `json:"tenants"`
	Locked    bool         `json:"locked" jsonschema:"closed for a while after sign-ins that failed"`
	CreatedAt time.Time    `json:"createdAt"`
}

// A Membership is a tenant of a user.
type Membership struct {
	Tenant string `json:"tenantId"`
	Role   Role   `json:"role" jsonschema:"owner or member"`
}

func (w *Workspace) account(u User, ms []Member) Account {
	a := Account{User: u.ID, Tenants: []Membership{}, Locked: w.Now().Before(u.LockedUntil), CreatedAt: u.Created}
	for _, m := range ms {
		if m.User == u.ID {
			a.Tenants = append(a.Tenants, Membership{m.Tenant, m.Role})
		}
	}
	return a
}

// An AddUserRequest says whose account to make.
type AddUserRequest struct {
	User   string
	Tenant string // LocalTenant unless given
	Role   Role   // owner for the first of a tenant, else member, unless given
	// First refuses if there is an account already.
	First bool
}

// CheckAddUser returns the error that AddUser would return whatever the
// password is.
func (w *Workspace) CheckAddUser(ctx context.Context, req AddUserRequest) error {
	if err := req.check(); err != nil {
		return err
	}
	return w.Store.Read(ctx, func(tx Tx) error { return req.free(tx) })
}

func (req AddUserRequest) check() error {
	if err := CheckUser(req.User); err != nil {
		return err
	}
	if req.Tenant != "" {
		return CheckTenant(req.Tenant)
	}
	return nil
}

func (req AddUserRequest) free(tx Tx) error {
	users, err := tx.Users("")
	if err != nil {
		return err
	}
	if req.First && len(users) > 0 {
		return Errorf(Conflict, "there is an account already")
	}
	if slices.ContainsFunc(users, func(u User) bool { return u.ID == req.User }) {
		return Errorf(Conflict, "there is a user called %s already", req.User).WithHint("akos user passwd %s", req.User)
	}
	return nil
}

// Join makes an account a member of one more tenant. ok is false if there is
// no such account.
func (w *Workspace) Join(ctx context.Context, req AddUserRequest) (a Account, ok bool, err error) {
	if err := req.check(); err != nil {
		return Account{}, false, err
	}
	err = w.Store.Write(ctx, func(tx Tx) error {
		users, err := tx.Users(req.User)
		if err != nil || len(users) == 0 {
			return err
		}
		ok = true
		ms, err := tx.Members("", "")
		if err != nil {
			return err
		}
		if slices.ContainsFunc(ms, func(m Member) bool { return m.User == req.User && m.Tenant == req.Tenant }) {
			return Errorf(Conflict, "%s is a member of %s already", req.User, req.Tenant).WithHint("akos user list")
		}
		m := req.member(ms)
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "user.join", Subject: m.User, Detail: m.Tenant + " " + string(m.Role)}); err != nil {
			return err
		}
		a = w.account(users[0], append(ms, m))
		return tx.PutMember(m)
	})
	return a, ok, err
}

// member returns the membership that req asks for, beside the others.
func (req AddUserRequest) member(others []Member) Member {
	m := Member{User: req.User, Tenant: req.Tenant, Role: req.Role}
	if m.Role == "" {
		m.Role = RoleOwner
		if slices.ContainsFunc(others, func(o Member) bool { return o.Tenant == m.Tenant }) {
			m.Role = RoleMember
		}
	}
	return m
}

// AddUser makes an account of this home's authorization server.
func (w *Workspace) AddUser(ctx context.Context, req AddUserRequest, password Secret) (Account, error) {
	if err := req.check(); err != nil {
		return Account{}, err
	}
	if err := CheckPassword(req.User, password); err != nil {
		return Account{}, err
	}
	if req.Tenant == "" {
		req.Tenant = LocalTenant
	}
	hash, err := w.hashing.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	u := User{ID: req.User, Password: hash, Created: w.Now()}
	var m Member
	err = w.Store.Write(ctx, func(tx Tx) error {
		if err := req.free(tx); err != nil {
			return err
		}
		others, err := tx.Members("", req.Tenant)
		if err != nil {
			return err
		}
		m = req.member(others)
		if err := tx.Audit(Event{At: u.Created, Actor: w.Actor, Op: "user.add", Subject: u.ID, Detail: m.Tenant + " " + string(m.Role)}); err != nil {
			return err
		}
		if err := tx.PutUser(u); err != nil {
			return err
		}
		return tx.PutMember(m)
	})
	return w.account(u, []Member{m}), err
}

// Accounts returns every account by name.
func (w *Workspace) Accounts(ctx context.Context) ([]Account, error) {
	list := []Account{}
	err := w.Store.Read(ctx, func(tx Tx) error {
		users, err := tx.Users("")
		if err != nil {
			return err
		}
		ms, err := tx.Members("", "")
		for _, u := range users {
			list = append(list, w.account(u, ms))
		}
		return err
	})
	return list, err
}

// A RemovedUser tells whose account is gone.
type RemovedUser struct {
	User string `json:"user"`
}

// RemoveUser forgets an account: its sessions and tokens end at once.
func (w *Workspace) RemoveUser(ctx context.Context, id string) (RemovedUser, error) {
	if err := CheckUser(id); err != nil {
		return RemovedUser{}, err
	}
	return RemovedUser{id}, w.Store.Write(ctx, func(tx Tx) error {
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "user.remove", Subject: id}); err != nil {
			return err
		}
		ok, err := tx.DeleteUser(id)
		if err == nil && !ok {
			err = noUser(id)
		}
		return err
	})
}

func noUser(id string) *Error {
	return Errorf(NotFound, "no user is called %s", id).WithHint("akos user list")
}

// CheckUserThere returns a NotFound error unless there is an account called
// id.
func (w *Workspace) CheckUserThere(ctx context.Context, id string) error {
	if err := CheckUser(id); err != nil {
		return err
	}
	return w.Store.Read(ctx, func(tx Tx) error {
		users, err := tx.Users(id)
		if err == nil && len(users) == 0 {
			err = noUser(id)
		}
		return err
	})
}

// SetPassword gives an account another password, opens it if it was locked,
// and ends its logins: whoever knew the old one is out.
func (w *Workspace) SetPassword(ctx context.Context, id string, password Secret) (Account, error) {
	if err := w.CheckUserThere(ctx, id); err != nil {
		return Account{}, err
	}
	if err := CheckPassword(id, password); err != nil {
		return Account{}, err
	}
	hash, err := w.hashing.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	var a Account
	err = w.Store.Write(ctx, func(tx Tx) error {
		users, err := tx.Users(id)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return noUser(id)
		}
		u := users[0]
		u.Password, u.Failures, u.LockedUntil = hash, 0, time.Time{}
		ms, err := tx.Members(id, "")
		if err != nil {
			return err
		}
		a = w.account(u, ms)
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "user.passwd", Subject: id}); err != nil {
			return err
		}
		if err := tx.DeleteLogins(id); err != nil {
			return err
		}
		return tx.PutUser(u)
	})
	return a, err
}

// SignIn returns nil if password is that of user. Whatever else is the case,
// the error is the same Denied one and takes as long: it tells nobody whether
// there is such an account.
func (w *Workspace) SignIn(ctx context.Context, user string, password Secret) error {
	var u User
	err := w.Store.Read(ctx, func(tx Tx) error {
		if user == "" { // which stands for all of them
			return nil
		}
		users, err := tx.Users(strings.ToLower(user))
		if len(users) == 1 {
			u = users[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	ok, err := w.hashing.matches(ctx, password, u.Password)
	if err != nil {
		return err
	}
	refused := Errorf(Denied, "the name or the password is not right, or there were too many tries: wait %d minutes then", lockOut/time.Minute)
	if u.ID == "" {
		return refused
	}
	// The count is read again under the lock: guesses at once count all.
	var answer error = refused
	err = w.Store.Write(ctx, func(tx Tx) error {
		users, err := tx.Users(u.ID)
		if err != nil || len(users) == 0 || users[0].Password != u.Password {
			return err
		}
		now, at := users[0], w.Now()
		switch {
		case at.Before(now.LockedUntil):
			return nil
		case ok:
			answer = nil
			if now.Failures == 0 {
				return nil
			}
			now.Failures = 0
			return tx.PutUser(now)
		}
		if now.Failures++; now.Failures >= maxFailures {
			now.Failures, now.LockedUntil = 0, at.Add(lockOut)
			if err := tx.Audit(Event{At: at, Actor: w.Actor, Op: "user.lock", Subject: u.ID}); err != nil {
				return err
			}
		}
		return tx.PutUser(now)
	})
	if err != nil {
		return err
	}
	return answer
}
