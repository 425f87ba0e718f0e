package login_test

import (
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

// TestDiscoveryRefuses: what a server may not say of itself, and what is no
// answer at all.
func TestDiscoveryRefuses(t *testing.T) {
	type server = akostest.AuthServer
	edit := func(e akostest.Endpoint, name string, v any) func(*server) {
		return func(s *server) {
			s.Edit(e, func(doc map[string]any) {
				if doc[name] = v; v == nil {
					delete(doc, name)
				}
			})
		}
	}
	answer := func(e akostest.Endpoint, a akostest.Answer) func(*server) {
		return func(s *server) { s.Always(e, a) }
	}
	json := func(text string) akostest.Answer { return akostest.Say(200, "application/json", text) }
	const here, there = "https://vault.test", "https://evil.test"
	for _, tt := range []struct {
		name   string
		change func(*server)
		kind   workspace.Kind
		text   string
	}{
		// RFC 9728 section 3.3
		{"another resource", edit(akostest.Resource, "resource", there), workspace.Denied, "metadata of another server"},
		{"a resource below", edit(akostest.Resource, "resource", here+"/a"), workspace.Denied, "metadata of another server"},
		{"no resource", edit(akostest.Resource, "resource", nil), workspace.Denied, "metadata of another server"},
		{"a resource that is a number", edit(akostest.Resource, "resource", 1), workspace.Denied, "metadata of another server"},
		{"no issuer that is safe", edit(akostest.Resource, "authorization_servers", []string{"http://id.test", "http://127.0.0.1:1", "https://u@id.test", "https://id.test?x", "https://id.test#x", "id.test", ""}), workspace.Denied, "names no authorization server"},
		{"no issuer at all", edit(akostest.Resource, "authorization_servers", []string{}), workspace.Denied, "names no authorization server"},
		{"issuers that are no list", edit(akostest.Resource, "authorization_servers", map[string]any{"a": 1}), workspace.Denied, "names no authorization server"},
		// RFC 8414 section 3.3: the mix-up
		{"another issuer", edit(akostest.Metadata, "issuer", there), workspace.Denied, "another authorization server"},
		{"the issuer but for a slash", edit(akostest.Metadata, "issuer", here+"/"), workspace.Denied, "another authorization server"},
		{"the issuer but for case", edit(akostest.Metadata, "issuer", "https://VAULT.test"), workspace.Denied, "another authorization server"},
		{"no issuer", edit(akostest.Metadata, "issuer", nil), workspace.Denied, "another authorization server"},
		{"another issuer of OpenID", func(s *server) {
			s.Without = []akostest.Endpoint{akostest.Metadata}
			edit(akostest.OpenID, "issuer", there)(s)
		}, workspace.Denied, "another authorization server"},
		{"another issuer without RFC 9728", func(s *server) {
			s.Without = []akostest.Endpoint{akostest.Resource}
			edit(akostest.Metadata, "issuer", here+"//")(s)
		}, workspace.Denied, "another authorization server"},
		{"a device endpoint in clear", edit(akostest.Metadata, "device_authorization_endpoint", "http://vault.test/d"), workspace.Denied, "device_authorization_endpoint"},
		{"a token endpoint in clear", edit(akostest.Metadata, "token_endpoint", "http://vault.test/t"), workspace.Denied, "token_endpoint"},
		{"a token endpoint on this machine", edit(akostest.Metadata, "token_endpoint", "http://127.0.0.1:1/t"), workspace.Denied, "token_endpoint"},
		{"a token endpoint that is a path", edit(akostest.Metadata, "token_endpoint", "/token"), workspace.Denied, "token_endpoint"},
		{"a userinfo endpoint in clear", edit(akostest.Metadata, "userinfo_endpoint", "http://vault.test/u"), workspace.Denied, "userinfo_endpoint"},
		{"a revocation endpoint in clear", edit(akostest.Metadata, "revocation_endpoint", "http://vault.test/u"), workspace.Denied, "revocation_endpoint"},
		{"no device login", edit(akostest.Metadata, "device_authorization_endpoint", nil), workspace.Invalid, "no device login"},
		{"no token endpoint", edit(akostest.Metadata, "token_endpoint", nil), workspace.Invalid, "no device login"},

		{"nothing at all", func(s *server) {
			s.Without = []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID}
		}, workspace.Invalid, "is no authorization server and names none"},
		{"a web site", func(s *server) {
			for _, e := range []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID} {
				s.Always(e, akostest.Page(200))
			}
		}, workspace.Unavailable, "with a web page, not with JSON: is this the right address?"},
		{"in trouble", answer(akostest.Resource, akostest.Page(502)), workspace.Unavailable, "HTTP status 502"},
		{"the issuer in trouble", answer(akostest.Metadata, akostest.Refuse(500, "server_error")), workspace.Unavailable, "HTTP status 500"},
		{"too many requests", answer(akostest.Metadata, akostest.Page(429)), workspace.Unavailable, "HTTP status 429"},
		{"plain text", answer(akostest.Resource, akostest.Say(200, "text/plain", `{"resource":"`+here+`"}`)), workspace.Unavailable, "content type is not JSON"},
		{"no type", answer(akostest.Metadata, akostest.Say(200, "", `{}`)), workspace.Unavailable, "content type is not JSON"},
		{"empty", answer(akostest.Metadata, json("")), workspace.Unavailable, "breaks off"},
		{"half", answer(akostest.Metadata, json(`{"issuer":"`+here)), workspace.Unavailable, "breaks off"},
		{"garbage", answer(akostest.Metadata, json("\x00\x01\x02")), workspace.Unavailable, "is not JSON"},
		{"not UTF-8", answer(akostest.Metadata, json("{\"issuer\":\"\xff\"}")), workspace.Unavailable, "is not JSON"},
		{"something after it", answer(akostest.Metadata, json(`{"issuer":"`+here+`"} {}`)), workspace.Unavailable, "something after"},
		{"a list", answer(akostest.Metadata, json(`[]`)), workspace.Unavailable, "is not a JSON object"},
		{"null", answer(akostest.Metadata, json(`null`)), workspace.Unavailable, "is not a JSON object"},
		{"an issuer twice", answer(akostest.Metadata, json(`{"issuer":"`+here+`","issuer":"`+there+`"}`)), workspace.Unavailable, "twice"},
		{"a name twice below", answer(akostest.Metadata, json(`{"a":[{"b":{"c":1,"\u0063":2}}]}`)), workspace.Unavailable, "twice"},
		{"deep", answer(akostest.Metadata, json(strings.Repeat("[", 100_000))), workspace.Unavailable, "is not JSON"},
		{"two MiB", answer(akostest.Metadata, json(`{"a":"`+strings.Repeat("a", 2<<20)+`"}`)), workspace.Unavailable, "more than 1 MiB"},
		{"a redirect elsewhere", answer(akostest.Metadata, akostest.Redirect(302, there)), workspace.Unavailable, "redirects"},
		{"a redirect to clear text", answer(akostest.Metadata, akostest.Redirect(302, "http://vault.test/x")), workspace.Unavailable, "redirects"},
		{"redirects in a circle", answer(akostest.Metadata, akostest.Redirect(302, string(akostest.Metadata))), workspace.Unavailable, "redirects"},
		{"a reset", answer(akostest.Metadata, akostest.Reset), workspace.Unavailable, "broke off"},
		{"half an answer", answer(akostest.Metadata, akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")), workspace.Unavailable, "broke off"},
		{"no HTTP", answer(akostest.Metadata, akostest.Wire("SSH-2.0-OpenSSH_9.9\r\n")), workspace.Unavailable, "no answer of HTTP"},
		{"no answer", answer(akostest.Metadata, akostest.Hang), workspace.Unavailable, "no answer within 10s"},
		{"an answer that never ends", answer(akostest.Metadata, akostest.Drip(time.Second)), workspace.Unavailable, "no answer within 10s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				start := time.Now()
				_, err := r.Begin(t.Context(), workspace.LoginRequest{Server: r.s.Server})
				r.check(err, tt.kind, tt.text)
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				if n := len(r.s.Requests(akostest.Device)); n > 0 {
					t.Error("a login was begun all the same")
				}
			})
		})
	}
}

func TestTheFirstUsableIssuerIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) {
			s.Edit(akostest.Resource, func(doc map[string]any) {
				doc["authorization_servers"] = []string{"http://id.test", s.Issuer, "https://other.test"}
			})
		})
		r.begin()
	})
}

// A device authorization response (RFC 8628 section 3.2) that is not one.
func TestBeginRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		member string
		v      any
		kind   workspace.Kind
		text   string
	}{
		{"no device code", "device_code", nil, workspace.Unavailable, "no device_code"},
		{"an empty device code", "device_code", "", workspace.Unavailable, "no device_code"},
		{"a device code with a line end", "device_code", "a\nb", workspace.Unavailable, "no device_code"},
		{"a device code of 64 KiB and one", "device_code", strings.Repeat("a", 64<<10+1), workspace.Unavailable, "no device_code"},
		{"no user code", "user_code", nil, workspace.Unavailable, "user_code"},
		{"a user code of many lines", "user_code", "AB\nCD", workspace.Unavailable, "user_code"},
		{"a user code with an escape", "user_code", "\x1b[2JABCD", workspace.Unavailable, "user_code"},
		{"a user code from right to left", "user_code", "AB\u202eCD", workspace.Unavailable, "user_code"},
		{"a user code that nobody types", "user_code", strings.Repeat("A", 65), workspace.Unavailable, "user_code"},
		{"no address", "verification_uri", nil, workspace.Unavailable, "verification_uri"},
		{"an address in clear", "verification_uri", "http://vault.test/device", workspace.Denied, "not to be trusted"},
		{"an address that runs", "verification_uri", "javascript:alert(1)", workspace.Denied, "not to be trusted"},
		{"an address that is a file", "verification_uri", "file:///etc/passwd", workspace.Denied, "not to be trusted"},
		{"an address with a line end", "verification_uri", "https://vault.test/\nX", workspace.Denied, "not to be trusted"},
		{"an address on this machine", "verification_uri", "http://127.0.0.1/device", workspace.Denied, "not to be trusted"},
		{"a complete address that runs", "verification_uri_complete", "vscode://x", workspace.Denied, "not to be trusted"},
		{"no expiry", "expires_in", nil, workspace.Unavailable, "expires_in"},
		{"an expiry in words", "expires_in", "soon", workspace.Unavailable, "expires_in"},
		{"an expiry that has been", "expires_in", 0, workspace.Unavailable, "expires_in"},
		{"an expiry that is no number", "expires_in", "NaN", workspace.Unavailable, "expires_in"},
		{"an interval in words", "interval", "often", workspace.Unavailable, "interval"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, func(s *akostest.AuthServer) {
					s.Edit(akostest.Device, func(doc map[string]any) { doc[tt.member] = tt.v })
				})
				_, err := r.Begin(t.Context(), workspace.LoginRequest{Server: r.s.Server})
				r.check(err, tt.kind, tt.text)
			})
		})
	}
	for _, member := range []string{"user_code", "verification_uri", "verification_uri_complete"} {
		t.Run("the device code in "+member, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, func(s *akostest.AuthServer) {
					s.Edit(akostest.Device, func(doc map[string]any) {
						code := doc["device_code"].(string)
						if doc[member] = code; member != "user_code" {
							doc[member] = "https://vault.test/?c=" + strings.ReplaceAll(code, "-", "%2D")
						}
					})
				})
				_, err := r.Begin(t.Context(), workspace.LoginRequest{Server: r.s.Server})
				r.check(err, workspace.Denied, "shows its device code")
			})
		})
	}
}

// What a server refuses in its own words is told in ours.
func TestBeginIsRefused(t *testing.T) {
	for _, tt := range []struct {
		code string
		kind workspace.Kind
		text string
	}{
		{"invalid_client", workspace.Denied, "does not let the client akos-cli log in"},
		{"unauthorized_client", workspace.Denied, "does not let the client akos-cli log in"},
		{"invalid_scope", workspace.Denied, "does not grant the scopes"},
		{"invalid_target", workspace.Denied, "gives no tokens for this workspace server"},
		{"invalid_request", workspace.Denied, "does not understand"},
		{"temporarily_unavailable", workspace.Unavailable, "is in trouble"},
		{"of_its_own", workspace.Unavailable, "HTTP status 400"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, func(s *akostest.AuthServer) { s.Always(akostest.Device, akostest.Refuse(400, tt.code)) })
				_, err := r.Begin(t.Context(), workspace.LoginRequest{Server: r.s.Server})
				r.check(err, tt.kind, tt.text)
				if strings.Contains(err.Error(), "of_its_own") || strings.Contains(err.Error(), "client_id=") {
					t.Error("the words of the server are repeated")
				}
			})
		})
	}
}

func TestALongExpiryIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) {
			s.Edit(akostest.Device, func(doc map[string]any) { doc["expires_in"] = 1e300 })
		})
		if d := r.begin(); time.Until(d.ExpiresAt) > time.Hour {
			t.Error(d.ExpiresAt)
		}
	})
}
