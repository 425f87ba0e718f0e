package login

import (
	"context"
	"strings"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

// defaultLife is how long an access token lives whose life is not told. RFC
// 6749 section 5.1: "If omitted, the authorization server SHOULD provide the
// expiration time via other means or document the default value."
const defaultLife = time.Hour

// admit makes a grant of the tokens that a login led to.
func (c *Client) admit(ctx context.Context, p *plan, d workspace.DeviceLogin, a answer) (workspace.Grant, error) {
	g := workspace.Grant{Session: workspace.Session{
		Server: p.server, Issuer: p.issuer, ClientID: d.ClientID, Scopes: strings.Fields(d.Scope),
	}}
	if err := c.readTokens(a, &g); err != nil {
		return workspace.Grant{}, err
	}
	id := a.doc.secret("id_token")
	who, err := c.identify(ctx, &p.metadata, g, id, d.Claims.Or(c.claims))
	if err != nil {
		return workspace.Grant{}, err
	}
	if err := who.settle(&g.Session); err != nil {
		return workspace.Grant{}, err
	}
	return guard(a, g, id, d.Secret, p.verifier)
}

// readTokens puts into g what a successful answer holds (RFC 6749 section
// 5.1). What the answer leaves out stays as it is.
func (c *Client) readTokens(a answer, g *workspace.Grant) error {
	access, refresh := a.doc.secret("access_token"), a.doc.secret("refresh_token")
	life, given, ok := a.doc.seconds("expires_in")
	if !given {
		life = defaultLife
	}
	scopes, plain := parseScope(a.doc.text("scope"))
	switch {
	case a.doc == nil:
		return a.misread()
	case secret.Empty(access):
		return a.unusable("it has no access_token")
	// RFC 6749 section 7.1: "The client MUST NOT use an access token if it
	// does not understand the token type."
	case !strings.EqualFold(a.doc.text("token_type"), "Bearer"):
		return a.unusable("its token_type is not Bearer")
	case !ok || life <= 0:
		return a.unusable("its expires_in is not a number of seconds")
	case !plain:
		return a.unusable("its scope is not words of printable ASCII")
	}
	g.Access, g.ExpiresAt = access, c.now().Add(life).Truncate(time.Second)
	// RFC 6749 section 6: "The authorization server MAY issue a new refresh
	// token, in which case the client MUST discard the old refresh token and
	// replace it with the new refresh token."
	if !secret.Empty(refresh) {
		g.Refresh = refresh
	}
	// RFC 6749 section 5.1: "OPTIONAL, if identical to the scope requested by
	// the client; otherwise, REQUIRED."
	if len(scopes) > 0 {
		g.Scopes = scopes
	}
	return nil
}

// guard returns g, unless it would show a secret: some servers answer with
// what they were sent.
func guard(a answer, g workspace.Grant, others ...workspace.Secret) (workspace.Grant, error) {
	if sealedIn(g.Session, append(others, g.Access, g.Refresh)...) {
		return workspace.Grant{}, workspace.Errorf(workspace.Denied, "%s shows a token where a name should be: it is not to be trusted", a.from)
	}
	return g, nil
}
