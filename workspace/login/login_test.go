package login_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"github.com/google/go-cmp/cmp"
)

func equal(s workspace.Secret, text string) bool {
	return secret.Equal(s, secret.New([]byte(text)))
}

// TestLogin walks from an address to tokens over servers that differ in all
// that the standards leave open.
func TestLogin(t *testing.T) {
	type server = akostest.AuthServer
	for _, tt := range []struct {
		name   string
		change func(*server)
		asked  []akostest.Endpoint // of those where it could be asked, all that were
	}{
		{"RFC 9728 and 8414", nil, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"the issuer elsewhere", func(s *server) { s.Issuer = "https://id.test" }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"paths on both", func(s *server) { s.Server, s.Issuer = "https://vault.test/a/b", "https://id.test/realm/c" }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"an issuer with a last slash", func(s *server) { s.Issuer = "https://id.test/realm/" }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"the server is the issuer", func(s *server) { s.Without = []akostest.Endpoint{akostest.Resource} }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"the server is an issuer with a last slash", func(s *server) {
			s.Without = []akostest.Endpoint{akostest.Resource}
			s.Issuer += "/"
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"a page for every address", func(s *server) {
			s.Always(akostest.Resource, akostest.Page(200))
			s.Always(akostest.Metadata, akostest.Page(200))
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID, akostest.Userinfo}},
		{"OpenID alone", func(s *server) {
			s.Issuer = "https://id.test/realm"
			s.Without = []akostest.Endpoint{akostest.Metadata}
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID, akostest.Userinfo}},
		{"PKCE", func(s *server) { s.PKCE = true }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"an ID token", func(s *server) { s.IDToken = true }, []akostest.Endpoint{akostest.Resource, akostest.Metadata}},
		{"a clock an hour behind", func(s *server) { s.IDToken, s.Skew = true, -time.Hour-time.Minute }, []akostest.Endpoint{akostest.Resource, akostest.Metadata}},
		{"a clock an hour ahead", func(s *server) { s.IDToken, s.Skew = true, time.Hour+time.Minute }, []akostest.Endpoint{akostest.Resource, akostest.Metadata}},
		{"whoami", func(s *server) { s.Without = []akostest.Endpoint{akostest.Userinfo} }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Whoami}},
		{"userinfo refuses", func(s *server) { s.Always(akostest.Userinfo, akostest.Refuse(403, "insufficient_scope")) }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo, akostest.Whoami}},
		{"userinfo is in trouble for a moment", func(s *server) { s.Next(akostest.Userinfo, akostest.Refuse(503, ""), akostest.Reset) }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"a redirect within the origin", func(s *server) {
			s.Next(akostest.Metadata, akostest.Redirect(302, string(akostest.OpenID)))
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID, akostest.Userinfo}},
		{"http on this machine", func(s *server) { s.Server, s.Issuer = "http://127.0.0.1:7717", "http://[::1]:9000" }, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"nothing is told", func(s *server) {
			s.Interval = 0
			s.Edit(akostest.Token, func(doc map[string]any) {
				delete(doc, "scope")
				delete(doc, "expires_in")
				doc["unknown"] = []any{map[string]any{"a": 1}}
			})
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
		{"seconds in strings", func(s *server) {
			s.Edit(akostest.Device, func(doc map[string]any) { doc["expires_in"] = "600" })
			s.Edit(akostest.Token, func(doc map[string]any) { doc["expires_in"] = "3600" })
		}, []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Userinfo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				start := time.Now()
				d := r.begin()
				if d.Server != r.s.Server || d.ClientID != "akos-cli" || d.Scope != "cli" || d.Interval != 5*time.Second || d.ExpiresAt.Sub(start) != 10*time.Minute {
					t.Errorf("%+v", d.LoginRequest)
				}
				if d.VerificationURI != r.s.Issuer+"/device" || !strings.HasSuffix(d.VerificationURIComplete, d.UserCode) {
					t.Errorf("%s %s", d.VerificationURI, d.VerificationURIComplete)
				}
				r.after(12*time.Second, r.s.Approve, d.UserCode)
				g, err := r.Wait(t.Context(), d)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(workspace.Session{
					Server: r.s.Server, Issuer: r.s.Issuer, ClientID: "akos-cli", UserID: "ada", TenantID: "acme",
					Tenants: []string{"acme", "zeta"}, Scopes: []string{"cli"}, ExpiresAt: g.ExpiresAt,
				}, g.Session); diff != "" {
					t.Error(diff)
				}
				if life := time.Until(g.ExpiresAt).Round(10 * time.Second); life != time.Hour {
					t.Errorf("expires in %v", life)
				}
				r.is("access", g.Access)
				r.is("refresh", g.Refresh)
				if got := r.times(akostest.Token, start); !slices.Equal(got, []time.Duration{5e9, 5e9, 5e9}) {
					t.Errorf("polled after %v", got)
				}
				for _, e := range []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.OpenID, akostest.Userinfo, akostest.Whoami} {
					if asked := len(r.s.Requests(e)) > 0; asked != slices.Contains(tt.asked, e) {
						t.Errorf("%s: asked %v", e, asked)
					}
				}
			})
		})
	}
}

// TestWhatIsSent compares each request with what its RFC wants in it.
func TestWhatIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) { s.PKCE = true })
		g := r.login()
		if _, err := r.Refresh(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if err := r.Revoke(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		names := func(req akostest.Request) (list []string) {
			for name := range req.Form {
				list = append(list, name)
			}
			slices.Sort(list)
			return list
		}
		for _, tt := range []struct {
			e      akostest.Endpoint
			params [][]string
		}{
			{akostest.Device, [][]string{{"client_id", "code_challenge", "code_challenge_method", "resource", "scope"}}},
			{akostest.Token, [][]string{{"client_id", "code_verifier", "device_code", "grant_type", "resource"}, {"client_id", "grant_type", "refresh_token", "resource"}}},
			{akostest.Revoke, [][]string{{"client_id", "token", "token_type_hint"}, {"client_id", "token", "token_type_hint"}}},
		} {
			var got [][]string
			for _, req := range r.s.Requests(tt.e) {
				got = append(got, names(req))
				if req.Header.Get("User-Agent") != "akos/1.2.3" || req.Header.Get("Accept") != "application/json" || req.Header.Get("Authorization") != "" {
					t.Errorf("%s: the headers", tt.e)
				}
			}
			if diff := cmp.Diff(tt.params, got); diff != "" {
				t.Errorf("%s: %s", tt.e, diff)
			}
		}
		if sent := r.s.Requests(akostest.Device)[0].Form; sent.Get("resource") != r.s.Server || sent.Get("scope") != "cli" {
			t.Error("the device authorization request")
		}
		for _, e := range []akostest.Endpoint{akostest.Resource, akostest.Metadata} {
			for _, req := range r.s.Requests(e) {
				if req.Header.Get("Authorization") != "" || len(req.Form) > 0 {
					t.Errorf("%s was sent more than the question", e)
				}
			}
		}
	})
}

func TestNeitherResourceNorChallengeIsSentWhereNobodyKnowsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) { s.Without = []akostest.Endpoint{akostest.Resource} })
		if _, err := r.Refresh(t.Context(), r.login()); err != nil {
			t.Fatal(err)
		}
		for _, e := range []akostest.Endpoint{akostest.Device, akostest.Token} {
			for _, req := range r.s.Requests(e) {
				if req.Form.Has("resource") || req.Form.Has("code_challenge") || req.Form.Has("code_verifier") {
					t.Errorf("%s: %v", e, req.Form.Has("resource"))
				}
			}
		}
	})
}

func TestALoginRequestThatCantBeMade(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, nil)
		for _, req := range []workspace.LoginRequest{
			{Scope: "a\nb\x00"}, {Scope: `a"b`}, {Scope: " "}, {Scope: "é"}, {Scope: strings.Repeat("a ", 5000)},
			{ClientID: "a\r\nb"}, {ClientID: " a"}, {ClientID: strings.Repeat("a", 300)},
		} {
			req.Server = r.s.Server
			_, err := r.Begin(t.Context(), req)
			r.check(err, workspace.Invalid, "printable ASCII")
		}
		if n := len(r.s.Requests(akostest.Resource)); n > 0 {
			t.Errorf("%d requests", n)
		}
	})
}
