package workspace

import (
	"context"
	"errors"
	"time"
)

// A Session is what may be told of a login: who, where, until when. Its
// tokens are sealed beside it.
type Session struct {
	Server    string   // origin of the workspace server, such as http://127.0.0.1:7717
	Own       bool     // that is the sidecar of this home: any other process at its address is not it
	Issuer    string   // of the authorization server that logs in for it (RFC 8414)
	ClientID  string   // under which the tokens were issued
	UserID    string   // the subject
	TenantID  string   // the tenant that is used
	Tenants   []string // all that the user is a member of, sorted
	Scopes    []string // as granted
	ExpiresAt time.Time
}

// A Grant is a session with its tokens. Refresh is empty if the authorization
// server gave none.
type Grant struct {
	Session
	Access, Refresh Secret
}

// A LoginRequest says where to log in, as which client and for what.
type LoginRequest struct {
	Server   string // origin of the workspace server
	ClientID string // DefaultClientID unless given
	Scope    string // space-separated; DefaultScope unless given
	Claims   Claims // where an identity provider says who logged in, if not where most do
}

// Claims name the claims of a token that say who and where the user is. Of
// several names the first that is there counts.
type Claims struct {
	User    []string // nil: sub
	Tenant  []string // nil: tenant_id, tid, org_id, organization_id
	Tenants []string // nil: tenants
}

// Or returns c, with the names of other where c has none.
func (c Claims) Or(other Claims) Claims {
	if c.User == nil {
		c.User = other.User
	}
	if c.Tenant == nil {
		c.Tenant = other.Tenant
	}
	if c.Tenants == nil {
		c.Tenants = other.Tenants
	}
	return c
}

// DefaultClaims are the names that most providers use.
func DefaultClaims() Claims {
	return Claims{
		User: []string{"sub"}, Tenant: []string{"tenant_id", "tid", "org_id", "organization_id"}, Tenants: []string{"tenants"},
	}
}

// What a login asks for unless it is told otherwise.
const (
	DefaultClientID = "akos-cli"
	DefaultScope    = "cli"
)

// A DeviceLogin is a device flow that waits for a person (RFC 8628). All that
// is exported is for the person to see; the device code is not.
type DeviceLogin struct {
	LoginRequest
	UserCode                string
	VerificationURI         string
	VerificationURIComplete string // with the code in it; empty where the server gives none
	ExpiresAt               time.Time
	Interval                time.Duration
	// Secret is the device code: who has it gets the tokens.
	Secret Secret
	// Plan is what the Authority learnt by discovery and needs to go on.
	Plan any
}

// ErrCodeExpired is what a Denied error of Wait wraps if nobody decided in
// time.
var ErrCodeExpired = errors.New("the device code has expired")

// An Authority speaks to authorization servers. Its errors are of these kinds:
// Unavailable (nothing answers, or not in time), Denied (the person said no,
// the code has expired, the server is not to be trusted), LoginNeeded (the
// session has ended at the server), Invalid (an address that is none).
// Nothing of a token is in any of them.
type Authority interface {
	// Begin discovers the authorization server of req.Server and starts a
	// device flow there.
	Begin(ctx context.Context, req LoginRequest) (DeviceLogin, error)
	// Wait polls as RFC 8628 section 3.5 says until the person has decided,
	// the code has expired or ctx ends.
	Wait(ctx context.Context, d DeviceLogin) (Grant, error)
	// Refresh returns a new grant for g, in the tenant that g names if the
	// server can change it. A refresh token that it takes no more is
	// LoginNeeded.
	Refresh(ctx context.Context, g Grant) (Grant, error)
	// Revoke ends g at the server (RFC 7009), as far as it can.
	Revoke(ctx context.Context, g Grant) error
}
