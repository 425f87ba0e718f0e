package authserver

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/akos/workspace"
)

const (
	accessLife  = time.Hour
	refreshLife = 30 * 24 * time.Hour // from the last refresh
	pruneEvery  = 10 * time.Minute

	// Prefixes that a scanner for leaked secrets can look for.
	accessPrefix  = "akos_at_"
	refreshPrefix = "akos_rt_"
)

// A grant is what a person allowed a client.
type grant struct {
	client, user, tenant, audience string
	scopes                         []string
	family                         string // of the tokens that come from it
	stamp                          string // of the account when it was given
}

// An answer is that of the token endpoint: RFC 6749 section 5.1, and after
// that what is ours.
type answer struct {
	AccessToken  string   `json:"access_token"`
	TokenType    string   `json:"token_type"`
	ExpiresIn    int      `json:"expires_in"`
	RefreshToken string   `json:"refresh_token"`
	Scope        string   `json:"scope"`
	UserID       string   `json:"user_id"`
	TenantID     string   `json:"tenant_id"`
	Tenants      []string `json:"tenants"`
}

// token is the token endpoint.
func (s *Server) token(r *http.Request, p params) (any, error) {
	c, err := s.identify(r.Context(), r.Header.Get("Authorization"), p)
	if err != nil {
		return nil, err
	}
	switch p["grant_type"] {
	case grantDevice:
		return s.redeemDevice(r.Context(), c, p)
	case grantCode:
		return s.redeemCode(r.Context(), c, p)
	case grantRefresh:
		return s.refresh(r.Context(), c, p)
	case "":
		return nil, refuse("invalid_request", "grant_type is missing")
	default:
		return nil, refuse("unsupported_grant_type", "this grant type is not supported")
	}
}

// errGrant is one error for whatever is wrong with a code or a token: who
// tries one out learns nothing.
var errGrant = refuse("invalid_grant", "it is not valid, or not any more, or was given to another client or for something else")

// A use is the exchange of a code. The zero use is none.
type use struct{ ended chan struct{} } // closed when the exchange has ended

// begin starts the exchange unless there was one, and returns it and whether
// it is the caller's.
func (u *use) begin() (use, bool) {
	if u.ended != nil {
		return *u, false
	}
	u.ended = make(chan struct{})
	return *u, true
}

// again answers a code that is used more than once. Who of the two is the
// client can't be told, so what the first got ends.
//
// RFC 6749 section 4.1.2: "If an authorization code is used more than once, the
// authorization server MUST deny the request and SHOULD revoke (when possible)
// all tokens previously issued based on that authorization code."
func (s *Server) again(ctx context.Context, u use, g grant) error {
	select {
	case <-u.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.Store.Write(ctx, func(tx workspace.Tx) error { return s.endFamily(tx, "auth.reuse", g.family, g.client, g.user) })
	if err == nil {
		err = errGrant
	}
	return err
}

// endFamily ends a login with all of its tokens.
func (s *Server) endFamily(tx workspace.Tx, op, family, client, user string) error {
	if family == "" {
		return nil
	}
	n, err := tx.DeleteTokens(family)
	if err != nil || n == 0 {
		return err
	}
	return tx.Audit(workspace.Event{At: s.Now(), Actor: "server", Op: op, Subject: user, Detail: client})
}

// login issues the first tokens of g.
func (s *Server) login(ctx context.Context, g grant) (a answer, err error) {
	err = s.Store.Write(ctx, func(tx workspace.Tx) error {
		users, err := tx.Users(g.user)
		if err != nil {
			return err
		}
		if len(users) != 1 || stamp(users[0]) != g.stamp {
			return errGrant
		}
		if a, err = s.issue(tx, g, g.scopes); err != nil {
			return err
		}
		return tx.Audit(workspace.Event{At: s.Now(), Actor: "server", Op: "auth.login", Subject: g.user, Detail: g.client})
	})
	return a, err
}

// issue adds an access token with the given scopes and a refresh token with
// all that g has.
func (s *Server) issue(tx workspace.Tx, g grant, scopes []string) (answer, error) {
	tenants, err := workspace.TenantsOf(tx, g.user)
	if err != nil {
		return answer{}, err
	}
	if !slices.Contains(tenants, g.tenant) {
		return answer{}, errGrant
	}
	if err := s.prune(tx); err != nil {
		return answer{}, err
	}
	now := s.Now()
	a := answer{
		AccessToken: accessPrefix + random(), TokenType: "Bearer", ExpiresIn: int(accessLife / time.Second),
		RefreshToken: refreshPrefix + random(), Scope: strings.Join(scopes, " "),
		UserID: g.user, TenantID: g.tenant,
	}
	t := workspace.Token{
		Hash: hash(a.AccessToken), Kind: workspace.TokenAccess,
		Family: g.family, Client: g.client, User: g.user, Tenant: g.tenant, Scopes: scopes, Audience: g.audience,
		Created: now, Expires: now.Add(accessLife),
	}
	a.Tenants = t.Identity(tenants).Tenants
	if err := tx.AddToken(t); err != nil {
		return answer{}, err
	}
	t.Hash, t.Kind, t.Scopes, t.Expires = hash(a.RefreshToken), workspace.TokenRefresh, g.scopes, now.Add(refreshLife)
	return a, tx.AddToken(t)
}

// prune forgets expired tokens now and then. A refresh token that was used is
// kept until it would have expired: that is how its reuse is noticed.
func (s *Server) prune(tx workspace.Tx) error {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	now := s.Now()
	if now.Sub(s.pruning.last) < pruneEvery {
		return nil
	}
	s.pruning.last = now
	return tx.PruneTokens(now)
}

// refresh exchanges a refresh token for new tokens.
//
// RFC 9700 section 4.14.2: "Authorization servers MUST utilize one of these
// methods to detect refresh token replay by malicious actors for public
// clients"; ours is rotation: "the authorization server issues a new refresh
// token with every access token refresh response. The previous refresh token
// is invalidated, but information about the relationship is retained by the
// authorization server."
func (s *Server) refresh(ctx context.Context, c client, p params) (any, error) {
	if p["refresh_token"] == "" {
		return nil, refuse("invalid_request", "refresh_token is missing")
	}
	key := hash(p["refresh_token"])
	// Strangers have none, and wait for no Write.
	err := s.Store.Read(ctx, func(tx workspace.Tx) error {
		_, ok, err := tx.Token(key)
		if err == nil && !ok {
			err = errGrant
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	vouch(ctx)
	var a answer
	var reused bool
	err = s.Store.Write(ctx, func(tx workspace.Tx) error {
		t, ok, err := tx.Token(key)
		if err != nil {
			return err
		}
		// RFC 6749 section 6: "the refresh token is bound to the client to
		// which it was issued".
		if !ok || t.Kind != workspace.TokenRefresh || t.Client != c.ID || !s.Now().Before(t.Expires) {
			return errGrant
		}
		if reused = !t.Used.IsZero(); reused {
			return s.endFamily(tx, "auth.reuse", t.Family, t.Client, t.User)
		}
		// RFC 8707 section 2.2: a resource may be one of those that were
		// granted. There is one.
		if audience, ok := s.audience(p["resource"]); p["resource"] != "" && (!ok || audience != s.audienceOf(t)) {
			return refuse("invalid_target", "the token is for another resource")
		}
		// RFC 6749 section 6: "The requested scope MUST NOT include any scope
		// not originally granted by the resource owner", and "If a new refresh
		// token is issued, the refresh token scope MUST be identical to that
		// of the refresh token included by the client in the request."
		asked, err := readScope(p["scope"], strings.Join(t.Scopes, " "))
		if err != nil {
			return err
		}
		if !covers(t.Scopes, asked) {
			return refuse("invalid_scope", "this is more than what was granted")
		}
		// The person chose the tenant when they approved, so no other client
		// may. RFC 6749 section 5.2, invalid_grant: the "refresh token is
		// invalid" for it; and whether the person has such a tenant at all is
		// not told.
		if to := p["tenant_id"]; to != "" && to != t.Tenant {
			if !t.Moves() {
				return errGrant
			}
			t.Tenant = to
		}
		g := grant{client: t.Client, user: t.User, tenant: t.Tenant, audience: t.Audience, scopes: t.Scopes, family: t.Family}
		if a, err = s.issue(tx, g, asked); err != nil {
			return err
		}
		return tx.UseToken(key, s.Now())
	})
	if err == nil && reused {
		err = errGrant
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}
