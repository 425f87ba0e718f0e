package login

import (
	"context"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

// Revoke ends g at the server (RFC 7009): its refresh token first, from which
// more would come. A server that offers no revocation is left alone.
func (c *Client) Revoke(ctx context.Context, g workspace.Grant) error {
	m, err := c.rediscover(ctx, g.Session)
	if err != nil || m.revoke == "" {
		return err
	}
	for _, t := range []struct {
		hint  string
		token workspace.Secret
	}{{"refresh_token", g.Refresh}, {"access_token", g.Access}} {
		if secret.Empty(t.token) {
			continue
		}
		f := newForm(g.ClientID, "")
		f.plain.Set("token_type_hint", t.hint)
		f.sealed["token"] = t.token
		a, err := c.post(ctx, m.revoke, f)
		if err != nil {
			return err
		}
		// "The authorization server does not support the revocation of the
		// presented token type" (RFC 7009 section 2.2.1): some access tokens
		// can't be, and end by themselves. The content of a success is of no
		// meaning (section 2.2).
		if !a.ok() && a.doc.text("error") != "unsupported_token_type" {
			return workspace.Errorf(workspace.Unavailable, "%s did not revoke the session: HTTP status %d", a.from, a.status)
		}
	}
	return nil
}
