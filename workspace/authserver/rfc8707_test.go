package authserver

import (
	"net/url"
	"strings"
	"testing"
)

func TestRFC8707(t *testing.T) {
	hold(t, "8707", []must{
		{"2", `invalid_target: The requested resource is invalid, missing, unknown, or malformed.`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, bad := range []string{"https://evil.example/", "x", "/mcp", mcp + "/", mcp + "#f", mcp + "?q", b.url + "/api", "http://127.0.0.1:7718", "https" + strings.TrimPrefix(mcp, "http")} {
				b.call(t, "/oauth/device_authorization", form("client_id", "akos-cli", "resource", bad)).is(t, 400, "invalid_target")
				if v := br.get(t, "/oauth/authorize?"+asking(c, "resource", bad).Encode()).redirected(t); v.Get("error") != "invalid_target" {
					t.Errorf("%q: %v", bad, v)
				}
			}
		}},
		{"2", "Multiple resource parameters MAY be used (ours: a token is for one)", func(t *testing.T, b *bench) {
			b.call(t, "/oauth/device_authorization", url.Values{"client_id": {"akos-cli"}, "resource": {b.url, mcp}}).is(t, 400, "invalid_target")
			req := asking(b.register(t, callback))
			req["resource"] = []string{mcp, b.url}
			if v := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+req.Encode()).redirected(t); v.Get("error") != "invalid_target" {
				t.Error(v)
			}
		}},
		{"2", "The authorization server SHOULD audience-restrict issued access tokens to the resource(s) indicated by the \"resource\" parameter.", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "", "resource", mcp)
			if !b.live(r, mcp) || b.live(r, b.url) || b.live(r, "") || b.live(r, "https://evil.example/") {
				t.Error("the token is not for the MCP server alone")
			}
			r = b.login(t, "bob", "")
			if b.live(r, mcp) || !b.live(r, b.url) || !b.live(r, "") {
				t.Error("the token is not for the default alone")
			}
			// Other names of the API are names of the API.
			for _, alias := range []string{b.url + "/", strings.Replace(b.url, "127.0.0.1", "localhost", 1), strings.ToUpper(b.url)} {
				if r := b.login(t, "bob", "", "resource", alias); !b.live(r, b.url) || !b.live(r, alias) || b.live(r, mcp) {
					t.Errorf("%q is not the API", alias)
				}
			}
		}},
		{"2.2", "ours: an exchange and a refresh keep the audience that was granted", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			v := br.allow(t, asking(c, "resource", mcp), "approve", "")
			b.exchange(t, c, v.Get("code"), "resource", b.url).is(t, 400, "invalid_target")
			v = br.allow(t, asking(c, "resource", mcp), "approve", "")
			r := b.exchange(t, c, v.Get("code"), "resource", mcp)
			if !b.live(r, mcp) {
				t.Error(r.body)
			}
			b.refresh(t, r, "client_id", c, "resource", b.url).is(t, 400, "invalid_target")
			b.refresh(t, r, "client_id", c, "resource", "x").is(t, 400, "invalid_target")
			r = b.refresh(t, r, "client_id", c, "resource", mcp)
			if !b.live(r, mcp) || b.live(r, b.url) {
				t.Error("a refresh changed the audience")
			}
			if r = b.refresh(t, r, "client_id", c); !b.live(r, mcp) {
				t.Error("a refresh changed the audience")
			}
			v = br.allow(t, asking(c, "resource", mcp), "approve", "")
			if r := b.exchange(t, c, v.Get("code")); !b.live(r, mcp) || b.live(r, b.url) {
				t.Error("an exchange changed the audience")
			}
		}},
	})
}
