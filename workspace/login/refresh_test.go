package login_test

import (
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"github.com/google/go-cmp/cmp"
)

func TestRefresh(t *testing.T) {
	type server = akostest.AuthServer
	for _, tt := range []struct {
		name   string
		change func(*server)
		rotate bool
	}{
		{"rotation", nil, true},
		{"rotation with ID tokens", func(s *server) { s.IDToken = true }, true},
		{"no rotation", func(s *server) { s.NoRotation = true }, false},
		{"a null for a token", func(s *server) {
			s.NoRotation = true
			s.Edit(akostest.Token, func(doc map[string]any) {
				if doc["refresh_token"] == nil {
					doc["refresh_token"] = nil
				}
			})
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				old := r.login()
				old.TenantID = "zeta" // chosen since
				time.Sleep(time.Hour)
				g, err := r.Refresh(t.Context(), old)
				if err != nil {
					t.Fatal(err)
				}
				if secret.Equal(g.Access, old.Access) || secret.Equal(g.Refresh, old.Refresh) == tt.rotate {
					t.Error("the tokens")
				}
				r.is("access", g.Access)
				r.is("refresh", g.Refresh)
				want := old.Session
				want.ExpiresAt = time.Now().Add(time.Hour)
				if diff := cmp.Diff(want, g.Session); diff != "" {
					t.Error(diff)
				}
				if g, err = r.Refresh(t.Context(), g); err != nil {
					t.Error(err)
				}
				if _, err := r.Refresh(t.Context(), old); tt.rotate {
					r.check(err, workspace.LoginNeeded, "the session has ended at https://vault.test")
				} else if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRefreshFails(t *testing.T) {
	type server = akostest.AuthServer
	answer := func(e akostest.Endpoint, a akostest.Answer) func(*server) {
		return func(s *server) { s.Always(e, a) }
	}
	for _, tt := range []struct {
		name   string
		change func(*server)
		kind   workspace.Kind
		text   string
		hint   string
	}{
		{"invalid_grant", answer(akostest.Token, akostest.Refuse(400, "invalid_grant")), workspace.LoginNeeded, "has ended", "akos auth login"},
		{"invalid_request", answer(akostest.Token, akostest.Refuse(400, "invalid_request")), workspace.LoginNeeded, "has ended", "akos auth login"},
		{"unauthorized_client", answer(akostest.Token, akostest.Refuse(400, "unauthorized_client")), workspace.LoginNeeded, "has ended", "akos auth login"},
		{"invalid_client", answer(akostest.Token, akostest.Refuse(401, "invalid_client")), workspace.Denied, "does not let the client", ""},
		{"trouble", answer(akostest.Token, akostest.Page(503)), workspace.Unavailable, "HTTP status 503", ""},
		{"a reset", answer(akostest.Token, akostest.Reset), workspace.Unavailable, "broke off", ""},
		{"silence", answer(akostest.Token, akostest.Hang), workspace.Unavailable, "no answer within 10s", ""},
		{"a page", answer(akostest.Token, akostest.Page(200)), workspace.Unavailable, "web page", ""},
		{"a page of an error", answer(akostest.Token, akostest.Page(403)), workspace.Unavailable, "web page", ""},
		{"a redirect", answer(akostest.Token, akostest.Redirect(308, "/token2")), workspace.Unavailable, "redirects", ""},
		{"no token", answer(akostest.Token, akostest.Say(200, "application/json", "{}")), workspace.Unavailable, "no access_token", ""},
		{"discovery in trouble", answer(akostest.Resource, akostest.Page(502)), workspace.Unavailable, "HTTP status 502", ""},
		{"another issuer", func(s *server) { s.Issuer = "https://evil.test" }, workspace.Denied, "names another authorization server than the one you logged in at", "akos auth login"},
		{"no issuer any more", func(s *server) { s.Without = []akostest.Endpoint{akostest.Resource}; s.Issuer += "/" }, workspace.Denied, "names another authorization server", "akos auth login"},
		{"another user", func(s *server) { s.IDToken, s.User = true, "eve" }, workspace.Denied, "another user", "akos auth login"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, nil)
				g := r.login()
				tt.change(r.s)
				before := len(r.s.Requests(akostest.Token))
				_, err := r.Refresh(t.Context(), g)
				r.check(err, tt.kind, tt.text)
				if e := workspace.Explain(err); e.Hint != tt.hint {
					t.Errorf("the hint is %q", e.Hint)
				}
				// A refresh token that comes twice ends the session.
				if n := len(r.s.Requests(akostest.Token)) - before; n > 1 {
					t.Errorf("the refresh token was sent %d times", n)
				}
			})
		})
	}
}

func TestNothingToRefresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(s *akostest.AuthServer) { s.NoRefresh = true })
		g := r.login()
		if !secret.Empty(g.Refresh) {
			t.Error("a refresh token from nowhere")
		}
		before := len(r.s.Requests(akostest.Resource))
		_, err := r.Refresh(t.Context(), g)
		r.check(err, workspace.LoginNeeded, "can't be renewed")
		if len(r.s.Requests(akostest.Resource)) != before {
			t.Error("the server was asked")
		}
	})
}

func TestRevoke(t *testing.T) {
	type server = akostest.AuthServer
	for _, tt := range []struct {
		name   string
		change func(*server)
		sent   int
		kind   workspace.Kind
		text   string // "" if it works
	}{
		{"both", nil, 2, 0, ""},
		{"the answer is no matter", func(s *server) { s.Always(akostest.Revoke, akostest.Page(200)) }, 2, 0, ""},
		{"not offered", func(s *server) { s.Without = []akostest.Endpoint{akostest.Revoke} }, 0, 0, ""},
		{"not for access tokens", func(s *server) { s.Next(akostest.Revoke, nil, akostest.Refuse(400, "unsupported_token_type")) }, 2, 0, ""},
		{"refused", func(s *server) { s.Always(akostest.Revoke, akostest.Refuse(401, "invalid_client")) }, 1, workspace.Unavailable, "did not revoke the session: HTTP status 401"},
		{"trouble", func(s *server) { s.Always(akostest.Revoke, akostest.Refuse(503, "")) }, 1, workspace.Unavailable, "HTTP status 503"},
		{"a reset", func(s *server) { s.Always(akostest.Revoke, akostest.Reset) }, 1, workspace.Unavailable, "broke off"},
		{"silence", func(s *server) { s.Always(akostest.Resource, akostest.Hang) }, 0, workspace.Unavailable, "no answer within 10s"},
		{"a redirect", func(s *server) { s.Always(akostest.Revoke, akostest.Redirect(307, "https://evil.test/")) }, 1, workspace.Unavailable, "redirects"},
		{"another issuer", func(s *server) { s.Issuer = "https://evil.test" }, 0, workspace.Denied, "another authorization server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, nil)
				g := r.login()
				if tt.change != nil {
					tt.change(r.s)
				}
				err := r.Revoke(t.Context(), g)
				if tt.text != "" {
					r.check(err, tt.kind, tt.text)
				} else if err != nil {
					t.Fatal(err)
				}
				sent := r.s.Requests(akostest.Revoke)
				if len(sent) != tt.sent {
					t.Fatalf("%d requests", len(sent))
				}
				for i, name := range []string{"refresh_token", "access_token"}[:len(sent)] {
					if sent[i].Form.Get("token_type_hint") != name {
						t.Errorf("%d. is not the %s", i, name)
					}
				}
				if tt.change == nil {
					_, err := r.Refresh(t.Context(), g)
					r.check(err, workspace.LoginNeeded, "has ended")
				}
			})
		})
	}
}
