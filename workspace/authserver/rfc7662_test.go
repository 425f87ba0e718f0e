package authserver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// personal makes a personal token, as the domain does.
func (b *bench) personal(t *testing.T, tok workspace.Token) string {
	t.Helper()
	text := b.keep("a personal token", "akos_pt_"+random())
	tok.Hash, tok.Kind, tok.ID, tok.Created = hash(text), workspace.TokenPersonal, random(), b.clock()
	if tok.Expires.IsZero() {
		tok.Expires = b.clock().Add(24 * time.Hour)
	}
	if err := b.store.Write(t.Context(), func(tx workspace.Tx) error { return tx.AddToken(tok) }); err != nil {
		t.Fatal(err)
	}
	return text
}

func (b *bench) introspect(t *testing.T, bearer, token string) reply {
	t.Helper()
	return b.call(t, "/oauth/introspect", form("token", token), "Authorization", "Bearer "+bearer)
}

func TestRFC7662(t *testing.T) {
	server := func(t *testing.T, b *bench) string {
		return b.personal(t, workspace.Token{User: "alice", Tenant: "local", Scopes: []string{"introspect"}})
	}
	hold(t, "7662", []must{
		{"2.1", "To prevent token scanning attacks, the endpoint MUST also require some form of authorization to access this endpoint", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			own := server(t, b)
			old := b.personal(t, workspace.Token{User: "alice", Tenant: "local", Scopes: []string{"introspect"}, Expires: b.clock()})
			left := b.personal(t, workspace.Token{User: "alice", Tenant: "nowhere", Scopes: []string{"introspect"}})
			for _, how := range []string{"", "Bearer", "Bearer ", "Bearer nonsense", "Bearer " + r.text("access_token"), "Bearer " + r.text("refresh_token"), "Bearer " + old, "Bearer " + left, "Basic " + own, own} {
				a := b.call(t, "/oauth/introspect", form("token", r.text("access_token")), "Authorization", how)
				a.is(t, http.StatusUnauthorized, "invalid_token")
				if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%v", a.header)
				}
			}
		}},
		{"2.1", "token REQUIRED", func(t *testing.T, b *bench) {
			b.introspect(t, server(t, b), "").is(t, 400, "invalid_request")
		}},
		{"2.2", "active REQUIRED", func(t *testing.T, b *bench) {
			r := b.login(t, "alice", "acme", "scope", "read write", "resource", mcp)
			a := b.introspect(t, server(t, b), r.text("access_token"))
			want := map[string]any{
				"active": true, "scope": "read write", "client_id": "akos-cli", "username": "alice", "sub": "alice", "token_type": "Bearer", "tenant_id": "acme",
				"aud": mcp, "iss": b.url, "iat": float64(b.clock().Unix()), "exp": float64(b.clock().Add(time.Hour).Unix()),
			}
			if fmt.Sprint(a.json) != fmt.Sprint(want) || a.header.Get("Cache-Control") != "no-store" {
				t.Error(a.body)
			}
		}},
		{"2.2", `If the introspection call is properly authorized but the token is not active, does not exist on this server, or the protected resource is not allowed to introspect this particular token, then the authorization server MUST return an introspection response with the "active" field set to "false".`, func(t *testing.T, b *bench) {
			own := server(t, b)
			r, gone := b.login(t, "bob", ""), b.login(t, "alice", "acme")
			b.store.DropMember("alice", "acme")
			revoked := b.login(t, "bob", "")
			b.revoke(t, revoked.text("access_token"))
			for what, token := range map[string]string{
				"none": "nonsense", "refresh": r.text("refresh_token"), "lost tenant": gone.text("access_token"), "revoked": revoked.text("access_token"),
			} {
				if a := b.introspect(t, own, token); a.status != 200 || strings.TrimSpace(a.body) != `{"active":false}` {
					t.Errorf("%s: %d %s", what, a.status, a.body)
				}
			}
		}},
		{"4", "If the token can expire, the authorization server MUST determine whether or not the token has expired.", func(t *testing.T, b *bench) {
			r, own := b.login(t, "bob", ""), server(t, b)
			b.pass(time.Hour - time.Second)
			if a := b.introspect(t, own, r.text("access_token")); a.json["active"] != true {
				t.Error(a.body)
			}
			b.pass(time.Second)
			if a := b.introspect(t, own, r.text("access_token")); a.json["active"] != false {
				t.Error(a.body)
			}
		}},
		{"4", "If the token can be used only at certain resource servers, the authorization server MUST determine whether or not the token can be used at the resource server making the introspection call.", func(t *testing.T, b *bench) {
			own := b.personal(t, workspace.Token{User: "alice", Tenant: "local", Scopes: []string{"introspect"}, Audience: mcp})
			if a := b.introspect(t, own, b.login(t, "bob", "", "resource", mcp).text("access_token")); a.json["active"] != true {
				t.Error(a.body)
			}
			if a := b.introspect(t, own, b.login(t, "bob", "").text("access_token")); a.json["active"] != false {
				t.Error(a.body)
			}
			// A personal token is for all of them.
			everywhere := b.personal(t, workspace.Token{User: "bob", Tenant: "local"})
			if a := b.introspect(t, own, everywhere); a.json["active"] != true || fmt.Sprint(a.json["aud"]) != fmt.Sprintf("[%s %s]", b.url, mcp) {
				t.Error(a.body)
			}
		}},
	})
}
