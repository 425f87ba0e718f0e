package authserver

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRFC9700(t *testing.T) {
	hold(t, "9700", []must{
		{"2.1", "authorization servers MUST utilize exact string matching except for port numbers in localhost redirection URIs of native apps", func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			for registered, asked := range map[string]map[string]bool{
				"http://127.0.0.1/cb":        {"http://127.0.0.1/cb": true, "http://127.0.0.1:3000/cb": true, "http://127.0.0.1:3000/cb/": false, "http://localhost:3000/cb": false, "http://127.0.0.1:3000/cb?x": false},
				"http://127.0.0.1:9/cb?a=1":  {"http://127.0.0.1:3000/cb?a=1": true, "http://127.0.0.1:3000/cb?a=2": false, "http://127.0.0.1:3000/cb": false},
				"http://localhost:8080/":     {"http://localhost:3000/": true, "http://localhost:3000": false},
				"http://[::1]/cb":            {"http://[::1]:3000/cb": true, "http://[::1]/cb": true, "http://127.0.0.1/cb": false},
				"https://app.example/cb":     {"https://app.example/cb": true, "https://app.example:443/cb": false, "https://app.example:8443/cb": false},
				"https://app.example:444/cb": {"https://app.example:444/cb": true, "https://app.example:445/cb": false, "https://app.example/cb": false},
			} {
				c := b.register(t, registered)
				for uri, want := range asked {
					r := br.get(t, "/oauth/authorize?"+asking(c, "redirect_uri", uri).Encode())
					if got := r.status == 200; got != want {
						t.Errorf("%s for %s: %d", uri, registered, r.status)
					}
				}
			}
		}},
		{"2.1", "Clients and authorization servers MUST NOT expose URLs that forward the user's browser to arbitrary URIs obtained from a query parameter (open redirectors)", func(t *testing.T, b *bench) {
			for _, next := range []string{
				"https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "/\t/evil.example", "http:/evil.example", "http:evil.example", "javascript:alert(1)",
				"/device@evil.example", "/device/../..//evil.example", "//evil.example/device", "https://evil.example/device", "/device#x", "/\r\nLocation: https://evil.example", "/signout", "/setup/x", "/oauth/authorize/approve",
				"/device\\..\\evil", "device", "?x", "/device" + strings.Repeat("x", 9000), "/%64evice",
			} {
				br := b.browser(t)
				r := br.post(t, "/signin", form("user", "bob", "password", password("bob"), "next", next))
				if to := r.onward(); to != "/" || r.header.Get("Location") != "" {
					t.Errorf("%q leads to %d %q", next, r.status, to)
				}
				if r := br.get(t, "/signin?next="+url.QueryEscape(next)); strings.Contains(r.body, "evil") {
					t.Errorf("%q is in the form", next)
				}
			}
			for _, path := range []string{"//evil.example/", "//evil.example/..", "/\\evil.example", "/%5cevil.example/", "/.//evil.example", "/device/..//evil.example/"} {
				r := b.browser(t).get(t, path)
				if to, err := url.Parse(r.header.Get("Location")); err != nil || to.Host != "" || strings.HasPrefix(r.header.Get("Location"), "//") || strings.Contains(to.Path, `\`) {
					t.Errorf("%s leads to %q", path, r.header.Get("Location"))
				}
			}
		}},
		{"2.1.1", "If a client sends a valid PKCE code_challenge parameter in the authorization request, the authorization server MUST enforce the correct usage of code_verifier at the token endpoint.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			b.exchange(t, c, v.Get("code"), "code_verifier", "").is(t, 400, "invalid_request")
			b.exchange(t, c, v.Get("code"), "code_verifier", strings.Repeat("x", 50)).is(t, 400, "invalid_grant")
			b.exchange(t, c, v.Get("code")).is(t, 400, "invalid_grant")
		}},
		{"2.1.2", "clients … SHOULD NOT use the implicit grant", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			r := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+asking(c, "response_type", "token").Encode())
			if got := r.redirected(t).Get("error"); got != "unsupported_response_type" {
				t.Error(got)
			}
		}},
		{"2.4", "The resource owner password credentials grant [RFC6749] MUST NOT be used.", func(t *testing.T, b *bench) {
			b.call(t, "/oauth/token", form("client_id", "akos-cli", "grant_type", "password", "username", "bob", "password", password("bob"))).is(t, 400, "unsupported_grant_type")
		}},
		{"4.5.3", "ours: a failed exchange uses the code up", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			b.exchange(t, c, v.Get("code"), "redirect_uri", "http://127.0.0.1:1/callback").is(t, 400, "invalid_grant")
			b.exchange(t, c, v.Get("code")).is(t, 400, "invalid_grant")
		}},
		{"4.11.2", "The authorization server MUST always authenticate the user first and, with the exception of the silent authentication use case, prompt the user for credentials when needed, before redirecting the user.", func(t *testing.T, b *bench) {
			c := b.register(t, callback, "https://app.example/cb")
			for _, pairs := range [][]string{{"scope", "x"}, {"response_type", "token"}, {"code_challenge", ""}, {"resource", "x"}} {
				r := b.browser(t).get(t, "/oauth/authorize?"+asking(c, pairs...).Encode())
				if !strings.HasPrefix(r.header.Get("Location"), "/signin?") {
					t.Errorf("%q: %q", pairs, r.header.Get("Location"))
				}
				// Nor is anybody sent far away for nothing but a link.
				far := with(asking(c, pairs...), "redirect_uri", "https://app.example/cb")
				if r := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+far.Encode()); r.status != 400 || r.header.Get("Location") != "" {
					t.Errorf("%q: %d %q", pairs, r.status, r.header.Get("Location"))
				}
			}
		}},
		{"4.12", "authorization servers that redirect a request that potentially contains the user's credentials MUST NOT use the HTTP 307 (Temporary Redirect) status code for redirection", func(t *testing.T, b *bench) {
			r := b.browser(t).post(t, "/signin", form("user", "bob", "password", password("bob"), "next", "/device"))
			if r.onward() != "/device" {
				t.Error(r.status)
			}
		}},
		{"4.14.2", "Authorization servers MUST utilize one of these methods to detect refresh token replay by malicious actors for public clients", func(t *testing.T, b *bench) {
			first, other := b.login(t, "bob", ""), b.login(t, "bob", "")
			second := b.refresh(t, first)
			third := b.refresh(t, second)
			third.is(t, 200, "")
			b.refresh(t, first).is(t, 400, "invalid_grant")
			for what, r := range map[string]reply{"first": first, "second": second, "third": third} {
				if b.live(r, b.url) {
					t.Errorf("the %s access token lives on", what)
				}
				b.refresh(t, r).is(t, 400, "invalid_grant")
			}
			if !b.live(other, b.url) {
				t.Error("another login ended")
			}
			if !b.audited("auth.reuse", "bob", "akos-cli") {
				t.Error("no audit")
			}
		}},
		{"4.14.2", "Refresh tokens SHOULD expire if the client has been inactive for some time", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			for range 3 {
				b.pass(29 * 24 * time.Hour)
				r = b.refresh(t, r)
				r.is(t, 200, "")
			}
			b.pass(30 * 24 * time.Hour)
			b.refresh(t, r).is(t, 400, "invalid_grant")
		}},
		{"4.14.2", "ours: the reuse is noticed for as long as the token would have lived, whatever is forgotten meanwhile", func(t *testing.T, b *bench) {
			first := b.login(t, "bob", "")
			second := b.refresh(t, first)
			b.pass(29 * 24 * time.Hour)
			b.login(t, "alice", "acme") // forgets what has expired
			b.refresh(t, first).is(t, 400, "invalid_grant")
			b.refresh(t, second).is(t, 400, "invalid_grant")
			if !b.audited("auth.reuse", "bob", "akos-cli") {
				t.Error("no audit")
			}
		}},
		{"4.16", "Authorization servers MUST prevent clickjacking attacks.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			h := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+asking(c).Encode()).header
			if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Error(h)
			}
		}},
	})
}
