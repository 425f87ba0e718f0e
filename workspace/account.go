package workspace

import (
	"time"
)

// A User is an account of this home's authorization server.
type User struct {
	ID          string // what the person signs in with
	Password    string // argon2id in the PHC form; opens nothing by itself
	Failures    int    // sign-ins that failed since the last that did not
	LockedUntil time.Time
	Created     time.Time
}

// A Role says what a member may do in a tenant.
type Role string

// The roles.
const (
	RoleOwner  Role = "owner"  // may change members and every token of the tenant
	RoleMember Role = "member" // may use the tenant's secrets
)

// A Member is a user in a tenant.
type Member struct {
	User, Tenant string
	Role         Role
}

// AccountTx keeps the accounts of this home's authorization server.
type AccountTx interface {
	// Users returns every account by ID, or the one called id unless that is
	// "".
	Users(id string) ([]User, error)
	// PutUser adds or replaces an account.
	PutUser(User) error
	// DeleteUser forgets an account, its memberships and its tokens; ok is
	// false if there is none.
	DeleteUser(id string) (ok bool, err error)
	// Members returns the memberships of a user, of a tenant, or (with "")
	// of all, by tenant and then user.
	Members(user, tenant string) ([]Member, error)
	// PutMember adds or replaces a membership.
	PutMember(Member) error
}

// A TokenKind says what a token is good for.
type TokenKind string

// The kinds of tokens.
const (
	TokenAccess   TokenKind = "access"
	TokenRefresh  TokenKind = "refresh"
	TokenPersonal TokenKind = "personal" // made by hand, for CI; an access token that lives long
)

// A Token is a token that this home's authorization server issued. What was
// issued is random and opaque; only its hash is kept.
type Token struct {
	Hash     string // hex SHA-256 of the token's text
	Kind     TokenKind
	ID       string // of a personal token, to revoke it by; "" otherwise
	Name     string // of a personal token
	Family   string // the login that it comes from; ended as a whole
	Client   string // client_id
	User     string
	Tenant   string
	Scopes   []string
	Audience string // the resource that it is for (RFC 8707)
	Created  time.Time
	Expires  time.Time
	Used     time.Time // of a refresh token: when it was exchanged; zero if it was not
}

// TokenTx keeps issued tokens.
type TokenTx interface {
	// Token returns the token with that hash; ok is false if there is none.
	Token(hash string) (t Token, ok bool, err error)
	// AddToken keeps t.
	AddToken(t Token) error
	// UseToken notes that a refresh token was exchanged.
	UseToken(hash string, at time.Time) error
	// Tokens returns the personal tokens of a tenant, or of all for "", by
	// creation.
	Tokens(tenant string) ([]Token, error)
	// DeleteTokens forgets every token of a family.
	DeleteTokens(family string) (n int, err error)
	// DeleteLogins forgets every token of a user but the personal ones.
	DeleteLogins(user string) error
	// PruneTokens forgets what expired before that time.
	PruneTokens(before time.Time) error
}

// A Client is an OAuth client that registered itself (RFC 7591).
type Client struct {
	ID           string
	Name         string // as it calls itself: shown to a person as a claim, never as a fact
	RedirectURIs []string
	Created      time.Time
}

// ClientTx keeps registered clients.
type ClientTx interface {
	Client(id string) (c Client, ok bool, err error)
	AddClient(Client) error
	// Clients returns how many there are.
	Clients() (int, error)
	// PruneClients forgets those that registered before that time and have no
	// token.
	PruneClients(before time.Time) error
}

// A SealedSession is a session as it is stored.
type SealedSession struct {
	Session
	DataKey string
	Box     []byte // its tokens
	Updated time.Time
}

// SessionTx keeps sessions, one for each server.
type SessionTx interface {
	// Session returns the session at server; ok is false if there is none.
	Session(server string) (s SealedSession, ok bool, err error)
	// Sessions returns all of them, the one that was used last first.
	Sessions() ([]SealedSession, error)
	// PutSession adds or replaces the session of s.Server.
	PutSession(s SealedSession) error
	// DeleteSession forgets the session at server.
	DeleteSession(server string) error
}
