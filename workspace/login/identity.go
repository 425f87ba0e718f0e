package login

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"example.com/akos/workspace"
)

// defaultTenant is the one tenant of a user of whom none is told.
const defaultTenant = "default"

// clockError is how wrong the clock of this machine may be for an ID token to
// be taken: a whole time zone, and more. The token was fetched a moment ago
// and is not kept, so that nothing rides on it.
const clockError = 24 * time.Hour

// an identity is who logged in, as some server tells it.
type identity struct {
	user, tenant string
	tenants      []string
}

// read returns the identity in a set of claims; its user is "" if they don't
// tell.
func read(names Claims, o object) identity {
	first := func(list []string) string {
		for _, name := range list {
			if s := o.text(name); s != "" {
				return s
			}
		}
		return ""
	}
	who := identity{user: first(names.User), tenant: first(names.Tenant)}
	for _, name := range names.Tenants {
		if list := o.texts(name); list != nil {
			who.tenants = list
			break
		}
	}
	return who
}

// whoami are the names in the answer of a workspace server.
var whoami = Claims{User: []string{"userId"}, Tenant: []string{"tenantId"}, Tenants: []string{"tenants"}}

// identify finds out who logged in: from the ID token, from the userinfo
// endpoint, from the workspace server, and from the access token if it tells
// (RFC 9068). The first that knows the user counts. One that does not answer
// ends it, or a user could be called this today and that tomorrow.
func (c *Client) identify(ctx context.Context, m *metadata, g workspace.Grant, id workspace.Secret, names Claims) (identity, error) {
	if _, claims, ok := openJWT(id); ok {
		if err := c.checkID(m, claims, g.ClientID); err != nil {
			return identity{}, err
		}
		if who := read(names, claims); who.user != "" {
			return who, nil
		}
	}
	for _, place := range []struct {
		address string
		names   Claims
	}{{m.userinfo, names}, {m.server + "/api/v1/whoami", whoami}} {
		if place.address == "" {
			continue
		}
		a, err := c.getPatiently(ctx, place.address, g.Access)
		if err != nil {
			return identity{}, err
		}
		if who := read(place.names, a.doc); a.ok() && who.user != "" {
			return who, nil
		}
	}
	header, claims, _ := openJWT(g.Access)
	typ := strings.TrimPrefix(strings.ToLower(header.text("typ")), "application/")
	if typ == "at+jwt" && claims.text("iss") == m.issuer {
		if who := read(names, claims); who.user != "" {
			return who, nil
		}
	}
	return identity{}, workspace.Errorf(workspace.Denied, "neither %s nor %s says who logged in", m.issuer, m.server)
}

// checkID checks the claims of an ID token as OpenID Connect Core section
// 3.1.3.7 says, but for the signature: "If the ID Token is received via direct
// communication between the Client and the Token Endpoint (which it is in this
// flow), the TLS server validation MAY be used to validate the issuer in place
// of checking the token signature."
func (c *Client) checkID(m *metadata, claims object, clientID string) error {
	audience := claims.texts("aud")
	exp, given, ok := claims.seconds("exp")
	iat, _, _ := claims.seconds("iat")
	flaw := ""
	switch {
	// "The Issuer Identifier for the OpenID Provider […] MUST exactly match
	// the value of the iss (issuer) Claim."
	case claims.text("iss") != m.issuer:
		flaw = "from another issuer"
	// "The ID Token MUST be rejected if the ID Token does not list the Client
	// as a valid audience".
	case !slices.Contains(audience, clientID):
		flaw = "for another client"
	case len(audience) > 1 && claims["azp"] != nil && claims.text("azp") != clientID:
		flaw = "for another client"
	// "The current time MUST be before the time represented by the exp Claim."
	case !given || !ok || exp <= iat || time.Duration(c.now().Unix())*time.Second > exp+clockError:
		flaw = "that has expired"
	default:
		return nil
	}
	return workspace.Errorf(workspace.Denied, "%s gave an ID token %s: it is not to be trusted", m.issuer, flaw)
}

// getPatiently is get, and twice more if there was no answer: the tokens would
// be lost with it.
func (c *Client) getPatiently(ctx context.Context, address string, token workspace.Secret) (a answer, err error) {
	for try := range 3 {
		if err = sleep(ctx, time.Duration(try)*time.Second); err != nil {
			return a, err
		}
		if a, err = c.get(ctx, address, &token); !errors.Is(err, errNoAnswer) {
			break
		}
	}
	return a, err
}

// settle writes an identity into a session, if all of it can be shown.
func (who identity) settle(s *workspace.Session) error {
	if who.tenant == "" {
		who.tenant = defaultTenant
		if len(who.tenants) > 0 {
			who.tenant = who.tenants[0]
		}
	}
	s.UserID, s.TenantID = who.user, who.tenant
	s.Tenants = append(slices.Clone(who.tenants), who.tenant)
	slices.Sort(s.Tenants)
	s.Tenants = slices.Compact(s.Tenants)
	if names := append(s.Tenants, s.UserID); len(s.Tenants) > maxNames || !all(names, printable) {
		return workspace.Errorf(workspace.Denied, "the name of the user or of a tenant is no short printable text: %s is not to be trusted", s.Issuer)
	}
	return nil
}

func all(list []string, is func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !is(s) })
}
