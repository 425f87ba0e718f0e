package authserver

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*testing.T, *bench){
		"a session is a cookie that scripts and other sites don't get": func(t *testing.T, b *bench) {
			r := b.browser(t).post(t, "/signin", form("user", "bob", "password", password("bob")))
			c, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
			if err != nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure || len(c.Value) != 43 || c.MaxAge != 12*60*60 {
				t.Errorf("%v %v", c, err)
			}
		},
		"https cookies are bound to the host": func(t *testing.T, _ *bench) {
			b := newBench(t, func(o *Options) { o.TrustProxy = true })
			r := b.browser(t).post(t, "/signin", form("user", "bob", "password", password("bob")), "Origin", "https"+strings.TrimPrefix(b.url, "http"))
			c, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
			if err != nil || c.Name != "__Host-akos" || !c.Secure || c.Path != "/" {
				t.Errorf("%v %v", c, err)
			}
		},
		"it ends after twelve hours, used or not": func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			for range 11 {
				b.pass(time.Hour)
				if r := br.get(t, "/device"); r.status != 200 {
					t.Fatal(r.status)
				}
			}
			b.pass(time.Hour)
			if r := br.get(t, "/device"); r.status != 303 {
				t.Error(r.status)
			}
		},
		"a cookie that was planted is worth nothing after the sign-in": func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			u, _ := url.Parse(b.url)
			old := br.c.Jar.Cookies(u)[0]
			br.post(t, "/signin", form("user", "alice", "password", password("alice")))
			if now := br.c.Jar.Cookies(u)[0]; now.Value == old.Value {
				t.Error("the cookie stays")
			}
			if r := b.browser(t).get(t, "/device", "Cookie", old.String()); r.status != 303 {
				t.Errorf("the old session lives on: %d", r.status)
			}
		},
		"sign-out ends it at the server": func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			u, _ := url.Parse(b.url)
			old := br.c.Jar.Cookies(u)[0]
			if r := br.post(t, "/signout", nil); r.status != 303 || len(br.c.Jar.Cookies(u)) != 0 {
				t.Error(r.status)
			}
			if r := b.browser(t).get(t, "/device", "Cookie", old.String()); r.status != 303 {
				t.Error(r.status)
			}
		},
		"it ends with the account, and with its password": func(t *testing.T, b *bench) {
			for _, end := range []func(){
				func() { b.removeUser("bob") },
				func() { b.removeUser("bob"); b.pass(time.Second); b.addUser("bob", "local") },
				func() {
					_ = b.store.Write(t.Context(), func(tx workspace.Tx) error {
						return tx.PutUser(workspace.User{ID: "bob", Password: "another", Created: b.clock()})
					})
				},
			} {
				b.removeUser("bob")
				b.addUser("bob", "local")
				br, d := b.signedIn(t, "bob"), b.device(t)
				c := b.register(t, callback)
				code := br.allow(t, asking(c), "approve", "").Get("code")
				br.decide(t, d, "approve", "")
				end()
				if r := br.get(t, "/device"); r.status != 303 {
					t.Errorf("the session lives on: %d", r.status)
				}
				// And so does what was approved and not yet fetched.
				b.poll(t, d).is(t, 400, "invalid_grant")
				b.exchange(t, c, code).is(t, 400, "invalid_grant")
			}
		},
		"a failure tells nothing and is counted": func(t *testing.T, b *bench) {
			br := b.browser(t)
			var body string
			for i := range 2 * maxFailures {
				user := []string{"bob", "nobody"}[i%2]
				r := br.post(t, "/signin", form("user", user, "password", "wrong wrong wrong"))
				got := strings.ReplaceAll(r.body, user, "U")
				if r.status != http.StatusUnprocessableEntity || len(r.header["Set-Cookie"]) > 0 || body != "" && got != body || strings.Contains(r.body, "wrong wrong") {
					t.Fatalf("%d: %d %s", i, r.status, r.body)
				}
				body = got
			}
			r := b.browser(t).post(t, "/signin", form("user", "bob", "password", password("bob")))
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
				t.Errorf("after %d failures: %d", maxFailures, r.status)
			}
			if none := b.browser(t).post(t, "/signin", form("user", "nobody", "password", password("bob"))); none.status != r.status || none.body != r.body {
				t.Errorf("a name that is nobody's is told from one that is: %d %s", none.status, none.body)
			}
			b.signedIn(t, "alice")
			b.pass(10 * time.Minute)
			b.signedIn(t, "bob")
		},
		"those that succeed are not counted": func(t *testing.T, b *bench) {
			for range maxFailures + 5 {
				b.signedIn(t, "bob")
			}
			if n := len(b.s.sessions.items); n != maxSessionsEach {
				t.Errorf("%d sessions of one person", n)
			}
		},
		"a proxy's clients are told apart by its word, and not by theirs": func(t *testing.T, _ *bench) {
			b := newBench(t, func(o *Options) { o.TrustProxy = true })
			try := func(forwarded string) int {
				return b.browser(t).post(t, "/signin", form("user", "bob", "password", "wrong wrong wrong"), "X-Forwarded-For", forwarded).status
			}
			for i := range maxFailures {
				if got := try(strings.Repeat("9.9.9.9, ", i) + "203.0.113.7"); got != http.StatusUnprocessableEntity {
					t.Fatal(got)
				}
			}
			if got := try("198.51.100.1, 203.0.113.7"); got != http.StatusTooManyRequests {
				t.Errorf("the same by another first hop: %d", got)
			}
			if got := try("203.0.113.7, 198.51.100.1"); got != http.StatusUnprocessableEntity {
				t.Errorf("another: %d", got)
			}
			for i := range maxFailures {
				try("2001:db8:1:2::" + string(rune('a'+i%6)))
			}
			if got := try("2001:db8:1:2:ffff::1"); got != http.StatusTooManyRequests {
				t.Errorf("another address of the same network: %d", got)
			}
			// Without a proxy the header is worth nothing.
			b = newBench(t, nil)
			for i := range maxFailures {
				b.browser(t).post(t, "/signin", form("user", "bob", "password", "x"), "X-Forwarded-For", "203.0.113."+string(rune('0'+i%10)))
			}
			if r := b.browser(t).post(t, "/signin", form("user", "bob", "password", "x"), "X-Forwarded-For", "203.0.113.77"); r.status != http.StatusTooManyRequests {
				t.Error(r.status)
			}
		},
		"a failing store is no wrong password": func(t *testing.T, _ *bench) {
			b := newBench(t, func(o *Options) {
				o.CheckPassword = func(context.Context, string, workspace.Secret) error {
					return workspace.Errorf(workspace.Unavailable, "the disk is full")
				}
			})
			for range maxFailures + 1 {
				if r := b.browser(t).post(t, "/signin", form("user", "bob", "password", "x")); r.status != http.StatusServiceUnavailable || strings.Contains(r.body, "disk") {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		},
		"names are told in lower case": func(t *testing.T, b *bench) {
			br := b.browser(t)
			if r := br.post(t, "/signin", form("user", "BOB", "password", password("bob"))); r.onward() == "" {
				t.Fatal(r.status)
			}
			if r := br.decide(t, b.device(t), "approve", ""); r.status != 200 {
				t.Error(r.status)
			}
		},
		"nobody in no tenant approves": func(t *testing.T, b *bench) {
			b.store.DropMember("bob", "local")
			d := b.device(t)
			if r := b.signedIn(t, "bob").post(t, "/device", form("user_code", d.text("user_code"))); r.status != http.StatusForbidden {
				t.Error(r.status)
			}
		},
		"the home page says who": func(t *testing.T, b *bench) {
			if r := b.browser(t).get(t, "/"); r.status != 200 || !strings.Contains(r.body, "/signin") {
				t.Error(r.body)
			}
			if r := b.signedIn(t, "bob").get(t, "/"); r.status != 200 || !strings.Contains(r.body, "bob") {
				t.Error(r.body)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, newBench(t, nil))
		})
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	right := form("user", "carol", "password", password("carol"), "again", password("carol"))
	if path, needed, err := b.s.SetupPath(); needed || path != "" || err != nil {
		t.Errorf("there are users: %q %v %v", path, needed, err)
	}
	b.removeUser("alice")
	b.removeUser("bob")
	if r := b.browser(t).post(t, "/setup/", right); r.status != 404 {
		t.Errorf("before there is a link: %d", r.status)
	}
	path, needed, err := b.s.SetupPath()
	again, _, _ := b.s.SetupPath()
	if !needed || err != nil || path != again || len(path) != len("/setup/")+43 {
		t.Fatalf("%q %q %v %v", path, again, needed, err)
	}
	b.keep("a set-up link", strings.TrimPrefix(path, "/setup/"))
	b.keep("a password", password("carol"))
	for _, other := range []string{"/setup/x", path + "x", path[:len(path)-1], "/setup/" + random()} {
		if r := b.browser(t).get(t, other); r.status != 404 || strings.Contains(r.body, path) {
			t.Errorf("%q: %d", other, r.status)
		}
		if r := b.browser(t).post(t, other, right); r.status != 404 {
			t.Errorf("%q: %d", other, r.status)
		}
	}
	// It opens nothing while there is an account that was made otherwise.
	b.addUser("dave", "local")
	if r := b.browser(t).get(t, path); r.status != 404 {
		t.Errorf("with an account: %d", r.status)
	}
	b.removeUser("dave")
	br := b.browser(t)
	if r := br.get(t, path); r.status != 200 || !strings.Contains(r.body, `name="again"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := br.post(t, path, with(right, "again", "another")); r.status != http.StatusUnprocessableEntity || strings.Contains(r.body, password("carol")) {
		t.Errorf("two passwords: %d", r.status)
	}
	if r := br.post(t, path, form("user", "carol", "password", "short", "again", "short")); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "at least 10 characters") {
		t.Errorf("a bad one: %d %s", r.status, r.body)
	}
	if r := br.post(t, path, right); r.status != 303 || r.header.Get("Location") != "/" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := br.get(t, "/"); !strings.Contains(r.body, "carol") {
		t.Error("not signed in")
	}
	if r := b.browser(t).get(t, path); r.status != 404 {
		t.Errorf("it works twice: %d", r.status)
	}
	// Nor does it come back when the account goes.
	b.removeUser("carol")
	if r := b.browser(t).get(t, path); r.status != 404 {
		t.Errorf("it came back: %d", r.status)
	}
	if next, needed, _ := b.s.SetupPath(); !needed || next == path {
		t.Error("the same link again")
	}
}

// TestCheck follows an access token through what may become of it.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *bench, reply){
		"an hour":       func(_ *testing.T, b *bench, _ reply) { b.pass(time.Hour) },
		"lost tenant":   func(_ *testing.T, b *bench, _ reply) { b.store.DropMember("alice", "acme") },
		"removed user":  func(_ *testing.T, b *bench, _ reply) { b.removeUser("alice") },
		"logged out":    func(t *testing.T, b *bench, r reply) { b.revoke(t, r.text("access_token")) },
		"back again":    func(_ *testing.T, b *bench, _ reply) { b.removeUser("alice"); b.addUser("alice", "acme") },
		"family ended":  func(t *testing.T, b *bench, r reply) { b.refresh(t, r); b.refresh(t, r) },
		"another realm": func(_ *testing.T, b *bench, _ reply) { b.s = New(with9(b.s.Options)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			r := b.login(t, "alice", "acme", "scope", "read")
			tok, err := b.s.Check(t.Context(), r.text("access_token"), b.url)
			if err != nil || tok.User != "alice" || tok.Tenant != "acme" || tok.Client != "akos-cli" || strings.Join(tok.Scopes, " ") != "read" {
				t.Fatalf("%+v %v", tok, err)
			}
			end(t, b, r)
			_, err = b.s.Check(t.Context(), r.text("access_token"), b.url)
			if e := workspace.Explain(err); e.Kind != workspace.LoginNeeded || e.Hint == "" {
				t.Errorf("%v", err)
			}
			if name == "lost tenant" || name == "removed user" || name == "family ended" {
				b.refresh(t, r).is(t, 400, "invalid_grant")
			}
		})
	}
	b := newBench(t, nil)
	r := b.login(t, "bob", "")
	for _, text := range []string{"", "x", r.text("refresh_token"), r.text("access_token") + " ", hash(r.text("access_token"))} {
		if _, err := b.s.Check(t.Context(), text, b.url); workspace.Explain(err).Kind != workspace.LoginNeeded {
			t.Errorf("%v", err)
		}
	}
	if _, err := b.s.Check(t.Context(), b.personal(t, workspace.Token{User: "bob", Tenant: "local"}), b.url); err != nil {
		t.Errorf("a personal token: %v", err)
	}
	for audience, want := range map[string]bool{b.url: true, mcp: true, "https://evil.example": false} {
		_, err := b.s.Check(t.Context(), b.personal(t, workspace.Token{User: "bob", Tenant: "local"}), audience)
		if (err == nil) != want {
			t.Errorf("a personal token at %s: %v", audience, err)
		}
		_, err = b.s.Check(t.Context(), b.personal(t, workspace.Token{User: "bob", Tenant: "local", Audience: mcp}), audience)
		if (err == nil) != (audience == mcp) {
			t.Errorf("one for the MCP server at %s: %v", audience, err)
		}
	}
	b.store.Fail(func() error { return workspace.Errorf(workspace.Unavailable, "the disk is gone") })
	if _, err := b.s.Check(t.Context(), r.text("access_token"), b.url); workspace.Explain(err).Kind != workspace.Unavailable {
		t.Errorf("%v", err)
	}
}

// with9 is the same server somewhere else.
func with9(o Options) Options {
	o.Issuer, o.Resources, o.Hosts = "http://127.0.0.1:9", nil, nil
	return o
}

// TestFailingStore has the disk fail at each exchange: nothing is issued, and
// what was not used can be used.
func TestFailingStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	d := b.device(t)
	b.signedIn(t, "bob").decide(t, d, "approve", "")
	r := b.login(t, "bob", "")
	kind := workspace.Unavailable
	fail := func() error { return workspace.Errorf(kind, "the disk at /secret/path is full") }
	b.store.Fail(fail)
	b.poll(t, d).is(t, 503, "temporarily_unavailable")
	b.refresh(t, r).is(t, 503, "temporarily_unavailable")
	b.revoke(t, r.text("access_token")).is(t, 503, "temporarily_unavailable")
	kind = workspace.Internal
	a := b.revoke(t, r.text("access_token"))
	a.is(t, 500, "server_error")
	if strings.Contains(a.body, "path") || !strings.Contains(b.log.String(), "path") {
		t.Error("the reason belongs in the log and nowhere else")
	}
	b.store.Fail(nil)
	b.pass(5 * time.Second)
	b.poll(t, d).is(t, 200, "")
	b.refresh(t, r).is(t, 200, "")
}
