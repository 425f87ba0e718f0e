package authserver

import (
	"testing"

	"example.com/akos/workspace"
)

func (b *bench) revoke(t *testing.T, token string, pairs ...string) reply {
	t.Helper()
	return b.call(t, "/oauth/revoke", with(form("client_id", "akos-cli", "token", token), pairs...))
}

func TestRFC7009(t *testing.T) {
	hold(t, "7009", []must{
		{"2", "Implementations MUST support the revocation of refresh tokens and SHOULD support the revocation of access tokens", func(t *testing.T, b *bench) {
			for _, kind := range []string{"refresh_token", "access_token"} {
				r, other := b.login(t, "bob", ""), b.login(t, "bob", "")
				if a := b.revoke(t, r.text(kind)); a.status != 200 || a.body != "" {
					t.Errorf("%s: %d %q", kind, a.status, a.body)
				}
				b.refresh(t, r).is(t, 400, "invalid_grant")
				if b.live(r, b.url) {
					t.Errorf("%s: the access token lives on", kind)
				}
				if !b.live(other, b.url) {
					t.Errorf("%s: another login ended too", kind)
				}
			}
			if !b.audited("auth.revoke", "bob", "akos-cli") {
				t.Error("no audit")
			}
		}},
		{"2.1", "token REQUIRED", func(t *testing.T, b *bench) {
			b.revoke(t, "").is(t, 400, "invalid_request")
		}},
		{"2.1", "The authorization server first validates the client credentials (in case of a confidential client) and then verifies whether the token was issued to the client making the revocation request. If this validation fails, the request is refused and the client is informed of the error", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			b.revoke(t, r.text("refresh_token"), "client_id", b.register(t, callback)).is(t, 400, "invalid_grant")
			b.revoke(t, r.text("refresh_token"), "client_id", "nobody").is(t, 400, "invalid_client")
			b.revoke(t, r.text("refresh_token"), "client_id", "").is(t, 400, "invalid_request")
			if !b.live(r, b.url) {
				t.Error("it was revoked all the same")
			}
			// Nor can a client end what a person made by hand.
			personal := b.personal(t, workspace.Token{User: "bob", Tenant: "local", Client: "akos-cli"})
			b.revoke(t, personal).is(t, 400, "invalid_grant")
		}},
		{"2.1", "If the server is unable to locate the token using the given hint, it MUST extend its search across all of its supported token types.", func(t *testing.T, b *bench) {
			for _, hint := range []string{"access_token", "refresh_token", "something_else"} {
				r := b.login(t, "bob", "")
				b.revoke(t, r.text("refresh_token"), "token_type_hint", hint).is(t, 200, "")
				b.refresh(t, r).is(t, 400, "invalid_grant")
			}
		}},
		{"2.2", "The authorization server responds with HTTP status code 200 if the token has been revoked successfully or if the client submitted an invalid token.", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			for _, token := range []string{"nonsense", "akos_at_x", r.text("access_token"), r.text("access_token")} {
				b.revoke(t, token).is(t, 200, "")
			}
		}},
	})
}
