package authserver

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCanary plays every part once and then looks where each secret was seen:
// in the one answer that is for it, and nowhere else.
func TestCanary(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.removeUser("alice")
	b.removeUser("bob")
	path, _, err := b.s.SetupPath()
	if err != nil {
		t.Fatal(err)
	}
	b.keep("a set-up link", strings.TrimPrefix(path, "/setup/"))
	b.keep("a password", password("carol"))
	br := b.browser(t)
	br.get(t, path)
	br.post(t, path, form("user", "carol", "password", password("carol"), "again", "x"))
	br.post(t, path, form("user", "carol", "password", password("carol"), "again", password("carol")))
	br.post(t, "/signin", form("user", "carol", "password", password("carol")+"x"))
	br = b.signedIn(t, "carol")

	d := b.device(t)
	br.get(t, "/device?user_code="+d.text("user_code"))
	b.poll(t, d)
	b.poll(t, d)
	br.decide(t, d, "approve", "")
	b.pass(time.Minute)
	r := b.poll(t, d)
	r.is(t, 200, "")
	next := b.refresh(t, r, "scope", "read")
	b.refresh(t, next, "scope", "nonsense")
	b.introspect(t, next.text("access_token"), next.text("access_token"))
	b.call(t, "/oauth/introspect", form("token", next.text("access_token")), "Authorization", "Basic "+next.text("access_token"))
	b.revoke(t, next.text("access_token"))
	b.refresh(t, r)
	b.poll(t, d)
	b.call(t, "/oauth/token?access_token="+r.text("access_token"), form("grant_type", r.text("access_token"), "client_id", r.text("refresh_token")))
	br.get(t, "/"+r.text("access_token"))
	br.get(t, "/signin?next=/device?user_code="+d.text("user_code"))

	c := b.register(t, callback)
	v := br.allow(t, asking(c), "approve", "")
	b.exchange(t, c, v.Get("code"), "code_verifier", strings.Repeat("x", 43))
	v = br.allow(t, asking(c), "approve", "")
	b.exchange(t, c, v.Get("code")).is(t, 200, "")
	b.exchange(t, c, v.Get("code"))
	br.allow(t, asking(c), "deny", "")
	br.get(t, "/oauth/authorize?"+asking(c, "state", "x", "scope", "bad").Encode())
	b.store.Fail(func() error { panic("a bug") })
	_, _ = br.c.Get(b.url + "/device") // the panic ends the connection
	b.store.Fail(nil)
	br.post(t, "/signout", nil)

	belongs := map[string][]string{
		"a set-up link": nil, "a password": nil, "a personal token": nil,
		"a cookie":              {"POST /signin", "POST " + path},
		"a device code":         {"POST /oauth/device_authorization"},
		"a user code":           {"POST /oauth/device_authorization", "GET /device", "POST /device", "GET /signin"},
		"an access token":       {"POST /oauth/token"},
		"a refresh token":       {"POST /oauth/token"},
		"an authorization code": {"POST /oauth/authorize/approve"},
	}
	seen := map[string]int{}
	for _, s := range b.seen {
		for text := range b.find(s.answer) {
			what := b.secrets[text]
			seen[what]++
			if !slices.Contains(belongs[what], s.request) {
				t.Errorf("%s is in the answer to %s:\n%s", what, s.request, s.answer)
			}
		}
	}
	for what, places := range belongs {
		if len(places) > 0 && seen[what] == 0 {
			t.Errorf("%s was never seen: the search does not find it", what)
		}
	}
	for _, tok := range b.store.AllTokens() {
		for text := range b.secrets {
			if tok.Hash == text {
				t.Error("a secret is stored as it is")
			}
		}
	}
	if !strings.Contains(b.log.String(), "POST /oauth/token") {
		t.Error("nothing was logged")
	}
}
