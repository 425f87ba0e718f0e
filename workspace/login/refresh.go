package login

import (
	"context"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

// akosToken are the names in the answer of the token endpoint of an akos.
var akosToken = Claims{User: []string{"user_id"}, Tenant: []string{"tenant_id"}, Tenants: []string{"tenants"}}

// Refresh returns g with new tokens (RFC 6749 section 6). Who the user is, and
// where, stays as the login found it; but an akos lets the user go on in
// another tenant, g.TenantID, and says which there are now.
func (c *Client) Refresh(ctx context.Context, g workspace.Grant) (workspace.Grant, error) {
	if secret.Empty(g.Refresh) {
		return workspace.Grant{}, workspace.Errorf(workspace.LoginNeeded, "the session has expired and can't be renewed").WithHint(hint)
	}
	m, err := c.rediscover(ctx, g.Session)
	if err != nil {
		return workspace.Grant{}, err
	}
	f := newForm(g.ClientID, m.resource)
	f.plain.Set("grant_type", "refresh_token")
	f.sealed["refresh_token"] = g.Refresh
	if m.tenants {
		f.plain.Set("tenant_id", g.TenantID)
	}
	a, err := c.post(ctx, m.token, f)
	if err != nil {
		return workspace.Grant{}, err
	}
	switch code, refused := a.refusal(); code {
	// "The provided authorization grant […] or refresh token is invalid,
	// expired, revoked" is invalid_grant (RFC 6749 section 5.2); Dex says
	// invalid_request of a refresh token that was used before.
	case "invalid_grant", "invalid_request", "unauthorized_client":
		return workspace.Grant{}, workspace.Errorf(workspace.LoginNeeded, "the session has ended at %s", m.issuer).WithHint(hint)
	default:
		if refused {
			return workspace.Grant{}, c.refused(ctx, a, code, g.ClientID)
		}
	}
	old := g.Refresh
	if err := c.readTokens(a, &g); err != nil {
		return workspace.Grant{}, err
	}
	if m.tenants {
		who := read(akosToken, a.doc)
		if who.user != g.UserID {
			return workspace.Grant{}, workspace.Errorf(workspace.Denied, "%s answered for another user: it is not to be trusted", m.issuer).WithHint(hint)
		}
		if err := who.settle(&g.Session); err != nil {
			return workspace.Grant{}, err
		}
	}
	id := a.doc.secret("id_token")
	if c.another(&m, g.Session, id) {
		return workspace.Grant{}, workspace.Errorf(workspace.Denied, "%s answered for another user: it is not to be trusted", m.issuer).WithHint(hint)
	}
	return guard(a, g, id, old)
}

// another reports whether an ID token tells of another user. "its sub Claim
// Value MUST be the same as in the ID Token issued when the original
// authentication occurred" (OpenID Connect Core section 12.2). One that is
// wrong in another way is of no use and does no harm: failing for it would
// lose the refresh token that came with it.
func (c *Client) another(m *metadata, s workspace.Session, id workspace.Secret) bool {
	_, claims, ok := openJWT(id)
	if !ok || c.checkID(m, claims, s.ClientID) != nil {
		return false
	}
	// Which claim names the user was said at the login alone; it is one of these.
	for name := range claims {
		if claims.text(name) == s.UserID {
			return false
		}
	}
	return true
}
