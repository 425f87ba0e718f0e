package authserver

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

func TestRFC6749(t *testing.T) {
	hold(t, "6749", []must{
		{"2.3.1", "The parameters can only be transmitted in the request-body and MUST NOT be included in the request URI.", func(t *testing.T, b *bench) {
			d := b.device(t)
			b.call(t, "/oauth/token?client_id=akos-cli", form("grant_type", grantDevice, "device_code", d.text("device_code"))).is(t, 400, "invalid_request")
		}},
		{"3.1", `The authorization server MUST support the use of the HTTP "GET" method [RFC2616] for the authorization endpoint`, func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			if v := b.signedIn(t, "bob").allow(t, asking(c), "approve", ""); v.Get("code") == "" {
				t.Error(v)
			}
		}},
		{"3.1", "the authorization server MUST first verify the identity of the resource owner", func(t *testing.T, b *bench) {
			req := "/oauth/authorize?" + asking(b.register(t, callback)).Encode()
			r := b.browser(t).get(t, req)
			to, _ := url.Parse(r.header.Get("Location"))
			if r.status != 303 || to.Path != "/signin" || to.Query().Get("next") != req {
				t.Errorf("%d %q", r.status, to)
			}
			// and then it goes on where it was.
			br := b.browser(t)
			r = br.post(t, "/signin", form("user", "bob", "password", password("bob"), "next", to.Query().Get("next")))
			if r.onward() != req {
				t.Errorf("goes on at %q", r.onward())
			}
		}},
		{"3.1", "Parameters sent without a value MUST be treated as if they were omitted from the request. The authorization server MUST ignore unrecognized request parameters.", func(t *testing.T, b *bench) {
			req := asking(b.register(t, callback))
			req["scope"], req["colour"], req["state"] = []string{""}, []string{"green"}, []string{""}
			v := b.signedIn(t, "bob").allow(t, req, "approve", "")
			if v.Get("code") == "" || v.Has("state") {
				t.Error(v)
			}
		}},
		{"3.1", "Request and response parameters MUST NOT be included more than once.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			br := b.signedIn(t, "bob")
			for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "code_challenge", "colour"} {
				req := asking(c, "scope", "read", "colour", "green")
				req.Add(name, req.Get(name))
				r := br.get(t, "/oauth/authorize?"+req.Encode())
				if name == "client_id" || name == "redirect_uri" && r.status != 303 {
					if r.status != 400 {
						t.Errorf("%s: %d", name, r.status)
					}
					continue
				}
				if got := r.redirected(t).Get("error"); got != "invalid_request" {
					t.Errorf("%s: %q", name, got)
				}
			}
		}},
		{"3.1.1", `If an authorization request is missing the "response_type" parameter, or if the response type is not understood, the authorization server MUST return an error response`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for kind, want := range map[string]string{"": "invalid_request", "token": "unsupported_response_type", "code token": "unsupported_response_type"} {
				v := br.get(t, "/oauth/authorize?"+asking(c, "response_type", kind).Encode()).redirected(t)
				if v.Get("error") != want || v.Get("state") != "the state" || v.Get("iss") != b.url {
					t.Errorf("%q: %v", kind, v)
				}
			}
		}},
		{"3.1.2", "The endpoint URI MUST NOT include a fragment component … which MUST be retained when adding additional query parameters", func(t *testing.T, b *bench) {
			c := b.register(t, "http://127.0.0.1/callback?a=b%20c&d")
			v := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+asking(c, "redirect_uri", "http://127.0.0.1:99/callback?a=b%20c&d", "response_type", "").Encode())
			if got := v.header.Get("Location"); !strings.HasPrefix(got, "http://127.0.0.1:99/callback?a=b%20c&d&") {
				t.Error(got)
			}
		}},
		{"3.1.2.3", "If multiple redirection URIs have been registered … the client MUST include a redirection URI with the authorization request using the \"redirect_uri\" request parameter.", func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			two := b.register(t, callback, "https://app.example/cb")
			if r := br.get(t, "/oauth/authorize?"+asking(two, "redirect_uri", "").Encode()); r.status != 400 {
				t.Errorf("two registered, none given: %d", r.status)
			}
			one := b.register(t, callback)
			v := br.allow(t, asking(one, "redirect_uri", ""), "approve", "")
			b.exchange(t, one, v.Get("code"), "redirect_uri", "").is(t, 200, "")
		}},
		{"3.1.2.4", "the authorization server … MUST NOT automatically redirect the user-agent to the invalid redirection URI", func(t *testing.T, b *bench) {
			c := b.register(t, callback, "https://app.example/cb")
			br := b.signedIn(t, "bob")
			for _, uri := range []string{
				"https://evil.example/", "https://app.example/cb/", "https://app.example/cb?x", "https://app.example/CB", "https://app.example:444/cb", "http://app.example/cb",
				"https://app.example/cb#f", "https://app.example@evil.example/cb", "https://app.example\\@evil.example/cb", "//app.example/cb", "/cb", "javascript:alert(1)",
				"http://127.0.0.1:80/callback/x", "http://127.0.0.1:0/callback", "http://127.0.0.1:99999/callback", "http://127.0.0.1:1@evil.example/callback", "http://localhost:80/callback",
				"http://127.0.0.1.evil.example/callback", "http://127.1/callback", "http://[::1]/callback", "https://127.0.0.1/callback", "http://127.0.0.1:1/callback\r\nX-Evil: 1", "http://127.0.0.1:/callback?",
			} {
				for _, who := range []*browser{br, b.browser(t)} {
					if r := who.get(t, "/oauth/authorize?"+asking(c, "redirect_uri", uri).Encode()); r.status != 400 || r.header.Get("Location") != "" || r.header.Get("X-Evil") != "" {
						t.Errorf("%q: %d %q", uri, r.status, r.header.Get("Location"))
					}
				}
			}
			for _, id := range []string{"", "nobody", "akos-cli", c + " "} {
				if r := br.get(t, "/oauth/authorize?"+asking(id).Encode()); r.status != 400 || r.header.Get("Location") != "" {
					t.Errorf("client %q: %d %q", id, r.status, r.header.Get("Location"))
				}
			}
		}},
		{"3.2", `The client MUST use the HTTP "POST" method when making access token requests.`, func(t *testing.T, b *bench) {
			d := b.device(t)
			if r := b.browser(t).get(t, "/oauth/token?grant_type="+url.QueryEscape(grantDevice)+"&client_id=akos-cli&device_code="+d.text("device_code")); r.status != http.StatusMethodNotAllowed {
				t.Error(r.status)
			}
		}},
		{"3.2", "Request and response parameters MUST NOT be included more than once.", func(t *testing.T, b *bench) {
			for _, name := range []string{"grant_type", "client_id", "refresh_token", "scope", "colour"} {
				f := form("grant_type", "refresh_token", "client_id", "akos-cli", "refresh_token", "x", "scope", "cli", "colour", "green")
				f.Add(name, "")
				b.call(t, "/oauth/token", f).is(t, 400, "invalid_request")
			}
		}},
		{"3.3", "If the issued access token scope is different from the one requested by the client, the authorization server MUST include the \"scope\" response parameter", func(t *testing.T, b *bench) {
			for asked, want := range map[string]string{"": "cli", "cli": "cli", "write read read": "read write", "admin": "admin"} {
				if got := b.login(t, "bob", "", "scope", asked).text("scope"); got != want {
					t.Errorf("%q: %q, want %q", asked, got, want)
				}
			}
		}},
		{"3.3", "MUST either process the request using a pre-defined default value or fail the request indicating an invalid scope", func(t *testing.T, b *bench) {
			for _, asked := range []string{"introspect", "cli introspect", "root", "CLI", "read  write", " read", "read,write", "read\twrite"} {
				b.call(t, "/oauth/device_authorization", form("client_id", "akos-cli", "scope", asked)).is(t, 400, "invalid_scope")
			}
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+asking(c, "scope", "introspect").Encode()).redirected(t)
			if v.Get("error") != "invalid_scope" {
				t.Error(v)
			}
		}},
		{"4.1.2", "The authorization code MUST expire shortly after it is issued to mitigate the risk of leaks.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			br := b.signedIn(t, "bob")
			v := br.allow(t, asking(c), "approve", "")
			b.pass(59 * time.Second)
			b.exchange(t, c, v.Get("code")).is(t, 200, "")
			v = br.allow(t, asking(c), "approve", "")
			b.pass(60 * time.Second)
			b.exchange(t, c, v.Get("code")).is(t, 400, "invalid_grant")
		}},
		{"4.1.2", "The client MUST NOT use the authorization code more than once. If an authorization code is used more than once, the authorization server MUST deny the request and SHOULD revoke (when possible) all tokens previously issued based on that authorization code.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			first := b.exchange(t, c, v.Get("code"))
			first.is(t, 200, "")
			b.pass(2 * time.Minute) // also when it would have expired
			b.exchange(t, c, v.Get("code")).is(t, 400, "invalid_grant")
			if b.live(first, b.url) {
				t.Error("the access token lives on")
			}
			b.refresh(t, first, "client_id", c).is(t, 400, "invalid_grant")
			if !b.audited("auth.reuse", "bob", c) {
				t.Error("no audit of the reuse")
			}
		}},
		{"4.1.2", `state REQUIRED if the "state" parameter was present in the client authorization request. The exact value received from the client.`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, state := range []string{"x", "a b&c=d#e%20+é", "\r\nSet-Cookie: x=y", strings.Repeat("s", 2000)} {
				for _, decision := range []string{"approve", "deny"} {
					if v := br.allow(t, asking(c, "state", state), decision, ""); v.Get("state") != state || len(v["state"]) != 1 {
						t.Errorf("%q came back as %q", state, v["state"])
					}
				}
			}
			if v := br.allow(t, asking(c, "state", ""), "approve", ""); v.Has("state") {
				t.Error("a state was made up")
			}
		}},
		{"4.1.2.1", "access_denied: The resource owner or authorization server denied the request.", func(t *testing.T, b *bench) {
			c := b.register(t, "https://app.example/cb")
			v := b.signedIn(t, "bob").allow(t, asking(c, "redirect_uri", "https://app.example/cb"), "deny", "")
			if v.Get("error") != "access_denied" || v.Has("code") {
				t.Error(v)
			}
		}},
		{"4.1.3", "ensure that the authorization code was issued to the authenticated confidential client, or if the client is public, ensure that the code was issued to \"client_id\" in the request", func(t *testing.T, b *bench) {
			c, other := b.register(t, callback), b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			b.exchange(t, other, v.Get("code")).is(t, 400, "invalid_grant")
			// It has leaked, so it is used up.
			b.exchange(t, c, v.Get("code")).is(t, 400, "invalid_grant")
		}},
		{"4.1.3", "ensure that the \"redirect_uri\" parameter is present if the \"redirect_uri\" parameter was included in the initial authorization request … and if included ensure that their values are identical", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, uri := range []string{"", callback + "/", "http://127.0.0.1:81/callback"} {
				v := br.allow(t, asking(c), "approve", "")
				b.exchange(t, c, v.Get("code"), "redirect_uri", uri).is(t, 400, "invalid_grant")
			}
			port := "http://127.0.0.1:49152/callback"
			v := br.allow(t, asking(c, "redirect_uri", port), "approve", "")
			b.exchange(t, c, v.Get("code"), "redirect_uri", port).is(t, 200, "")
		}},
		{"4.1.3", "code REQUIRED", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			b.exchange(t, c, "").is(t, 400, "invalid_request")
			b.exchange(t, c, "guessed").is(t, 400, "invalid_grant")
		}},
		{"5.1", "access_token REQUIRED … token_type REQUIRED … expires_in RECOMMENDED", func(t *testing.T, b *bench) {
			r := b.login(t, "alice", "acme")
			if !strings.HasPrefix(r.text("access_token"), "akos_at_") || !strings.HasPrefix(r.text("refresh_token"), "akos_rt_") ||
				r.text("token_type") != "Bearer" || r.json["expires_in"] != 3600.0 {
				t.Error(r.body)
			}
			// Ours, beside the standard ones.
			tenants, _ := r.json["tenants"].([]any)
			if r.text("user_id") != "alice" || r.text("tenant_id") != "acme" || len(tenants) != 2 || tenants[0] != "acme" {
				t.Error(r.body)
			}
			for _, tok := range b.store.AllTokens() {
				if len(tok.Hash) != 64 || strings.Contains(r.body, tok.Hash) {
					t.Error("a token is not stored by its hash")
				}
			}
			if !b.audited("auth.login", "alice", "akos-cli") {
				t.Error("no audit of the login")
			}
		}},
		{"5.1", `The authorization server MUST include the HTTP "Cache-Control" response header field [RFC2616] with a value of "no-store" in any response containing tokens, credentials, or other sensitive information, as well as the "Pragma" response header field [RFC2616] with a value of "no-cache".`, func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Pragma") != "no-cache" || r.header.Get("Content-Type") != "application/json" {
				t.Error(r.header)
			}
		}},
		{"5.2", "unsupported_grant_type: The authorization grant type is not supported by the authorization server.", func(t *testing.T, b *bench) {
			for _, kind := range []string{"password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "x"} {
				b.call(t, "/oauth/token", form("client_id", "akos-cli", "grant_type", kind, "username", "bob", "password", password("bob"))).is(t, 400, "unsupported_grant_type")
			}
		}},
		{"5.2", "invalid_client … If the client attempted to authenticate via the \"Authorization\" request header field, the authorization server MUST respond with an HTTP 401 (Unauthorized) status code and include the \"WWW-Authenticate\" response header field matching the authentication scheme used by the client.", func(t *testing.T, b *bench) {
			for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/device_authorization"} {
				r := b.call(t, path, form("client_id", "akos-cli", "token", "x"), "Authorization", "Basic YWtvcy1jbGk6eA==")
				r.is(t, 401, "invalid_client")
				if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ") {
					t.Error(r.header)
				}
				b.call(t, path, form("client_id", "akos-cli", "client_secret", "x", "token", "x")).is(t, 400, "invalid_client")
				b.call(t, path, form("client_id", "nobody", "token", "x")).is(t, 400, "invalid_client")
			}
		}},
		{"5.2", "Values for the \"error_description\" parameter MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E.", func(t *testing.T, b *bench) {
			b.call(t, "/oauth/token", form("grant_type", "\"\\\x01é<script>"))
			b.call(t, "/oauth/token", form("client_id", "\"\\\x01é", "grant_type", "\"\\"))
			b.call(t, "/oauth/token", url.Values{"a": {"1", "2"}})
			b.call(t, "/oauth/token", nil, "Content-Type", "text/plain")
			b.postJSON(t, `{"redirect_uris":["\"\\\u0001"]}`)
			right := regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`)
			n := 0
			for _, s := range b.seen {
				if _, desc, ok := strings.Cut(s.answer, `"error_description":"`); ok {
					n++
					if desc, _, _ = strings.Cut(desc, `"}`); !right.MatchString(desc) {
						t.Errorf("%q", desc)
					}
				}
			}
			if n != 5 {
				t.Errorf("%d descriptions", n)
			}
		}},
		{"6", "The requested scope MUST NOT include any scope not originally granted by the resource owner", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "", "scope", "read")
			b.refresh(t, r, "scope", "read write").is(t, 400, "invalid_scope")
			b.refresh(t, r, "scope", "cli").is(t, 400, "invalid_scope")
			b.refresh(t, r, "scope", "nonsense").is(t, 400, "invalid_scope")
			b.refresh(t, r, "scope", "read").is(t, 200, "") // and none of these used it up
			r = b.login(t, "bob", "", "scope", "cli")
			b.refresh(t, r, "scope", "introspect").is(t, 400, "invalid_scope")
		}},
		{"6", "If a new refresh token is issued, the refresh token scope MUST be identical to that of the refresh token included by the client in the request.", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "", "scope", "read write")
			narrow := b.refresh(t, r, "scope", "read")
			if narrow.text("scope") != "read" || b.scopes(narrow) != "read" {
				t.Error(narrow.body)
			}
			if again := b.refresh(t, narrow); again.text("scope") != "read write" || b.scopes(again) != "read write" {
				t.Error(again.body)
			}
		}},
		{"6", "the refresh token is bound to the client to which it was issued", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			b.refresh(t, r, "client_id", b.register(t, callback)).is(t, 400, "invalid_grant")
			b.refresh(t, r, "refresh_token", r.text("access_token")).is(t, 400, "invalid_grant")
			b.refresh(t, r, "refresh_token", "").is(t, 400, "invalid_request")
			b.refresh(t, r).is(t, 200, "")
		}},
		{"6", "ours: a refresh may go on in another tenant of the user's, and in no other", func(t *testing.T, b *bench) {
			r := b.login(t, "alice", "acme")
			b.refresh(t, r, "tenant_id", "other").is(t, 400, "invalid_grant")
			r = b.refresh(t, r, "tenant_id", "local")
			if r.text("tenant_id") != "local" {
				t.Error(r.body)
			}
			if r = b.refresh(t, r); r.text("tenant_id") != "local" {
				t.Errorf("it went back: %s", r.body)
			}
			r = b.login(t, "bob", "")
			b.refresh(t, r, "tenant_id", "acme").is(t, 400, "invalid_grant")
		}},
		{"10.5", "Authorization codes MUST be short lived and single-use.", func(t *testing.T, b *bench) {
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			wins := race(func() bool { return b.exchange(t, c, v.Get("code")).status == 200 })
			if wins != 1 {
				t.Errorf("%d of 50 won", wins)
			}
		}},
		{"10.10", "The probability of an attacker guessing generated tokens … MUST be less than or equal to 2^(-128)", func(t *testing.T, b *bench) {
			r := b.login(t, "bob", "")
			for _, text := range []string{r.text("access_token"), r.text("refresh_token")} {
				if len(text) != len("akos_at_")+43 { // 256 bits
					t.Errorf("%d characters", len(text))
				}
			}
		}},
		{"10.12", "The authorization server MUST implement CSRF protection for its authorization endpoint and ensure that a malicious client cannot obtain authorization without the awareness and explicit consent of the resource owner.", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			tx := br.get(t, "/oauth/authorize?"+asking(c).Encode()).transaction(t)
			d := b.device(t)
			dtx := br.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
			for _, from := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
				{"Sec-Fetch-Site", "", "Origin", "null"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:1"},
			} {
				for path, f := range map[string]url.Values{
					"/oauth/authorize/approve": form("transaction", tx, "decision", "approve"),
					"/device/approve":          form("transaction", dtx, "decision", "approve"),
					"/device":                  form("user_code", d.text("user_code")),
					"/signin":                  form("user", "alice", "password", password("alice")),
					"/signout":                 nil,
					"/setup/x":                 form("user", "eve", "password", password("eve"), "again", password("eve")),
				} {
					if r := br.post(t, path, f, from...); r.status != http.StatusForbidden || len(r.header["Set-Cookie"]) > 0 {
						t.Errorf("%s from %q: %d", path, from, r.status)
					}
				}
			}
			// Nor with the question of another person's session.
			if r := b.signedIn(t, "alice").post(t, "/oauth/authorize/approve", form("transaction", tx, "decision", "approve", "tenant", "acme")); r.status != http.StatusConflict {
				t.Errorf("another session: %d", r.status)
			}
			// Nor at the wrong desk.
			if r := br.post(t, "/device/approve", form("transaction", tx, "decision", "approve")); r.status != http.StatusConflict {
				t.Errorf("the wrong desk: %d", r.status)
			}
			// And all of that used nothing up.
			r := br.post(t, "/oauth/authorize/approve", form("transaction", tx, "decision", "approve"))
			if r.redirected(t).Get("code") == "" {
				t.Error("not answered")
			}
			// Twice is once.
			if r := br.post(t, "/oauth/authorize/approve", form("transaction", tx, "decision", "approve")); r.status != http.StatusConflict {
				t.Errorf("twice: %d", r.status)
			}
		}},
		{"10.13", "To prevent this form of attack, native applications SHOULD use external browsers … avoidance of iframes can be enforced by the authorization server using the (non-standard) \"x-frame-options\" header", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, path := range []string{"/", "/signin", "/device", "/setup/x", "/oauth/authorize?" + asking(c).Encode(), "/oauth/authorize", "/.well-known/oauth-authorization-server", "/nothing"} {
				h := br.get(t, path).header
				if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s: %v", path, h)
				}
			}
		}},
	})
}

func (b *bench) audited(op, user, client string) bool {
	return slices.ContainsFunc(b.store.Events(), func(e workspace.Event) bool {
		return e.Actor == "server" && e.Op == op && e.Subject == user && e.Detail == client
	})
}

// scopes returns those of the access token of r.
func (b *bench) scopes(r reply) string {
	tok, _ := b.s.Check(b.t.Context(), r.text("access_token"), b.url)
	return strings.Join(tok.Scopes, " ")
}
