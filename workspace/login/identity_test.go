package login_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/login"
)

// idToken makes the server give an ID token with changed claims.
func idToken(change func(claims map[string]any)) func(*akostest.AuthServer) {
	return func(s *akostest.AuthServer) {
		s.Edit(akostest.Token, func(doc map[string]any) {
			now := time.Now().Unix()
			claims := map[string]any{"iss": s.Issuer, "sub": "ada", "aud": "akos-cli", "iat": now, "exp": now + 300, "tenant_id": "acme", "tenants": s.Tenants}
			change(claims)
			doc["id_token"] = akostest.JWT("JWT", claims)
		})
	}
}

func TestAnIDTokenIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  map[string]any
		text string
	}{
		{"another issuer", map[string]any{"iss": "https://evil.test"}, "from another issuer"},
		{"no issuer", map[string]any{"iss": nil}, "from another issuer"},
		{"another audience", map[string]any{"aud": "other"}, "for another client"},
		{"other audiences", map[string]any{"aud": []string{"a", "b"}}, "for another client"},
		{"another party", map[string]any{"aud": []string{"akos-cli", "b"}, "azp": "b"}, "for another client"},
		{"no audience", map[string]any{"aud": nil}, "for another client"},
		{"no expiry", map[string]any{"exp": nil}, "that has expired"},
		{"expired when it was issued", map[string]any{"iat": 2e9, "exp": 2e9}, "that has expired"},
		{"expired long ago", map[string]any{"iat": 1, "exp": 301}, "that has expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, idToken(func(claims map[string]any) {
					for name, v := range tt.set {
						claims[name] = v
					}
				}))
				d := r.begin()
				r.s.Approve(d.UserCode)
				_, err := r.Wait(t.Context(), d)
				r.check(err, workspace.Denied, tt.text)
			})
		})
	}
}

// TestIdentity: who it is and where, by the claims of many kinds of servers.
func TestIdentity(t *testing.T) {
	names := login.Claims{User: []string{"email", "sub"}, Tenant: []string{"https://akos.test/tenant"}, Tenants: []string{"groups"}}
	for _, tt := range []struct {
		name         string
		names        login.Claims
		set          map[string]any
		user, tenant string
		tenants      []string
		problem      string
	}{
		{"all", login.Claims{}, nil, "ada", "acme", []string{"acme", "zeta"}, ""},
		{"tid", login.Claims{}, map[string]any{"tenant_id": nil, "tid": "t1", "tenants": nil}, "ada", "t1", []string{"t1"}, ""},
		{"org_id", login.Claims{}, map[string]any{"tenant_id": nil, "org_id": "o1"}, "ada", "o1", []string{"acme", "o1", "zeta"}, ""},
		{"no tenant but tenants", login.Claims{}, map[string]any{"tenant_id": nil, "tenants": []string{"zeta", "acme"}}, "ada", "zeta", []string{"acme", "zeta"}, ""},
		{"one tenant as a text", login.Claims{}, map[string]any{"tenant_id": nil, "tenants": "solo"}, "ada", "solo", []string{"solo"}, ""},
		{"none", login.Claims{}, map[string]any{"tenant_id": nil, "tenants": nil}, "ada", "default", []string{"default"}, ""},
		{"tenants of another type", login.Claims{}, map[string]any{"tenants": []any{1, "a"}}, "ada", "acme", []string{"acme"}, ""},
		{"twice", login.Claims{}, map[string]any{"tenants": []string{"acme", "acme"}}, "ada", "acme", []string{"acme"}, ""},
		{"other names", names, map[string]any{"email": "ada@acme.test", "https://akos.test/tenant": "x", "groups": []string{"y"}}, "ada@acme.test", "x", []string{"x", "y"}, ""},
		{"the second name", names, map[string]any{"groups": []string{"y"}}, "ada", "y", []string{"y"}, ""},
		{"letters of any script", login.Claims{}, map[string]any{"sub": "Ада Λ 李"}, "Ада Λ 李", "acme", []string{"acme", "zeta"}, ""},
		{"a user of two lines", login.Claims{}, map[string]any{"sub": "a\nb"}, "", "", nil, "no short printable text"},
		{"a user with an escape", login.Claims{}, map[string]any{"sub": "\x1b]0;x\x07"}, "", "", nil, "no short printable text"},
		{"a user from right to left", login.Claims{}, map[string]any{"sub": "a\u202eb"}, "", "", nil, "no short printable text"},
		{"a user with an isolate", login.Claims{}, map[string]any{"sub": "a\u2066b"}, "", "", nil, "no short printable text"},
		{"a user of no width", login.Claims{}, map[string]any{"sub": "a\u200bb"}, "", "", nil, "no short printable text"},
		{"a user between spaces", login.Claims{}, map[string]any{"sub": " a"}, "", "", nil, "no short printable text"},
		{"a long user", login.Claims{}, map[string]any{"sub": strings.Repeat("a", 257)}, "", "", nil, "no short printable text"},
		{"a tenant of two lines", login.Claims{}, map[string]any{"tenant_id": "a\tb"}, "", "", nil, "no short printable text"},
		{"tenants with an empty one", login.Claims{}, map[string]any{"tenants": []string{"a", ""}}, "", "", nil, "no short printable text"},
		{"very many tenants", login.Claims{}, map[string]any{"tenants": many(1001)}, "", "", nil, "no short printable text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, idToken(func(claims map[string]any) {
					for name, v := range tt.set {
						claims[name] = v
					}
				}))
				r.Client = login.New(login.Options{Transport: r.s.Transport(), Claims: tt.names})
				d := r.begin()
				r.s.Approve(d.UserCode)
				g, err := r.Wait(t.Context(), d)
				if tt.problem != "" {
					r.check(err, workspace.Denied, tt.problem)
					return
				}
				if err != nil || g.UserID != tt.user || g.TenantID != tt.tenant || !slices.Equal(g.Tenants, tt.tenants) {
					t.Errorf("%q at %q of %q, %v", g.UserID, g.TenantID, g.Tenants, err)
				}
			})
		})
	}
}

func many(n int) (list []string) {
	for i := range n {
		list = append(list, "t"+strings.Repeat("x", i%7)+string(rune('0'+i%10))+time.Duration(i).String())
	}
	return list
}

func TestNobodySaysWhoLoggedIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) { s.Without = []akostest.Endpoint{akostest.Userinfo, akostest.Whoami} })
		d := r.begin()
		r.s.Approve(d.UserCode)
		_, err := r.Wait(t.Context(), d)
		r.check(err, workspace.Denied, "says who logged in")
	})
}

// An access token is asked last, and only if it is one that tells (RFC 9068).
func TestAnAccessTokenTells(t *testing.T) {
	for _, tt := range []struct {
		typ, iss string
		ok       bool
	}{{"at+jwt", "https://vault.test", true}, {"application/at+JWT", "https://vault.test", true}, {"JWT", "https://vault.test", false}, {"at+jwt", "https://evil.test", false}} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, func(s *akostest.AuthServer) {
				s.Without = []akostest.Endpoint{akostest.Userinfo, akostest.Whoami}
				s.Edit(akostest.Token, func(doc map[string]any) {
					doc["access_token"] = akostest.JWT(tt.typ, map[string]any{"iss": tt.iss, "sub": "ada"})
				})
			})
			d := r.begin()
			r.s.Approve(d.UserCode)
			if g, err := r.Wait(t.Context(), d); (err == nil) != tt.ok || tt.ok && g.UserID != "ada" {
				t.Errorf("%+v: %q, %v", tt, g.UserID, err)
			}
		})
	}
}

// A server that is silent when it is asked who logged in ends the login: with
// another name from elsewhere the user would be two.
func TestUserinfoIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) { s.Always(akostest.Userinfo, akostest.Page(503)) })
		d := r.begin()
		r.s.Approve(d.UserCode)
		_, err := r.Wait(t.Context(), d)
		r.check(err, workspace.Unavailable, "HTTP status 503")
		if n := len(r.s.Requests(akostest.Userinfo)); n != 3 || len(r.s.Requests(akostest.Whoami)) != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A server that gives a token for a name is not believed.
func TestATokenForAName(t *testing.T) {
	for _, member := range []string{"sub", "tenant_id", "tenants", "scope"} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, func(s *akostest.AuthServer) {
				var token string
				s.Edit(akostest.Token, func(doc map[string]any) {
					token = doc["refresh_token"].(string)
					if member == "scope" {
						doc[member] = "cli x" + token
					}
				})
				s.Edit(akostest.Userinfo, func(doc map[string]any) {
					if doc[member] = "x" + token; member == "tenants" {
						doc[member] = []string{token}
					}
				})
			})
			d := r.begin()
			r.s.Approve(d.UserCode)
			g, err := r.Wait(t.Context(), d)
			r.check(err, workspace.Denied, "shows a token where a name should be")
			r.silent("the session", strings.Join(append(append(g.Tenants, g.Scopes...), g.UserID, g.TenantID), " "))
		})
	}
}
