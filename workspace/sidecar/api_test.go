package sidecar_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// TestStatuses: each kind of error has one status. Of the vault here a
// stranger learns no more than that it does not work.
func TestStatuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	const told = "tells of /home/op/.local/share/akos"
	// The status of a kind that the Verifier, or the vault for this user,
	// gives; and of the vault for a stranger.
	want := map[workspace.Kind][2]int{
		workspace.Internal:           {500, 503},
		workspace.Invalid:            {400, 400},
		workspace.NotFound:           {404, 404},
		workspace.LoginNeeded:        {401, 503},
		workspace.Denied:             {403, 503},
		workspace.Conflict:           {409, 409},
		workspace.CredentialsMissing: {424, 503},
		workspace.Unavailable:        {503, 503},
		workspace.HumanNeeded:        {503, 503},
		workspace.Canceled:           {503, 503},
	}
	for _, k := range workspace.Kinds() {
		status, ok := want[k]
		if !ok {
			t.Fatalf("%v has no row", k)
		}
		err := workspace.Errorf(k, told).WithHint("akos doctor").Because(errors.New("the cause"))
		r.verifierFails(err)
		if a := r.ask("GET", "/api/v1/secrets", token, nil); a.status != status[0] || a.kind() != k.String() || strings.Contains(a.body, "the cause") {
			t.Errorf("%v of the verifier: %d %s", k, a.status, a.body)
		}
		r.verifierFails(nil)
		r.store.failWith(err)
		for _, do := range [][2]string{{"GET", ""}, {"PUT", "/KEY"}, {"DELETE", "/KEY"}} {
			var body io.Reader
			if do[0] == "PUT" {
				body = strings.NewReader("value")
			}
			if a := r.ask(do[0], "/api/v1/secrets"+do[1], own, body); a.status != status[0] || a.kind() != k.String() || !strings.Contains(a.body, told) || strings.Contains(a.body, "the cause") {
				t.Errorf("%v, %s of this user: %d %s", k, do[0], a.status, a.body)
			}
			if do[0] == "PUT" {
				body = strings.NewReader("value")
			}
			a := r.ask(do[0], "/api/v1/secrets"+do[1], token, body)
			hides := status[1] != status[0] || k == workspace.Unavailable || k == workspace.HumanNeeded
			if a.status != status[1] || hides && (strings.Contains(a.body, "/home/op") || strings.Contains(a.body, "doctor")) {
				t.Errorf("%v, %s of a stranger: %d %s", k, do[0], a.status, a.body)
			}
		}
		r.store.failWith(nil)
	}
	r.store.failWith(errors.New("no kind at all"))
	if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 500 || a.kind() != "internal" || strings.Contains(a.body, "no kind") {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.store.failWith(nil)
	if !strings.Contains(r.log.String(), "the cause") || !strings.Contains(r.log.String(), "no kind at all") {
		t.Error("the log does not say why")
	}
}

func TestUnauthorized(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"none", nil, 401},
		{"another token", []string{"Bearer nobody"}, 401},
		{"no token", []string{"Bearer "}, 401},
		{"basic", []string{"Basic " + token}, 401},
		{"the token alone", []string{token}, 401},
		{"two", []string{"Bearer nobody", "Bearer " + token}, 401},
		{"any case", []string{"bEARER " + token}, 200},
		{"spaces", []string{"Bearer   " + token + " "}, 200},
	} {
		for _, path := range []string{"/api/v1/whoami", "/api/v1/secrets", "/api/v1/nothing"} {
			a := r.ask("GET", path, "", nil, func(req *http.Request) { req.Header["Authorization"] = tt.header })
			want := tt.status
			if want == 200 && path == "/api/v1/nothing" {
				want = 404
			}
			if a.status != want {
				t.Errorf("%s, %s: %d", tt.name, path, a.status)
			}
			if challenge := a.header.Get("WWW-Authenticate"); (a.status == 401) != (challenge == `Bearer resource_metadata="`+r.url+`/.well-known/oauth-protected-resource"`) {
				t.Errorf("%s: %s", tt.name, challenge)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v", tt.name, a.header)
			}
		}
	}
	// A token in a query or a cookie is none (RFC 9700 section 4.3.2).
	if a := r.ask("GET", "/api/v1/whoami?access_token="+token, "", nil, func(req *http.Request) { req.AddCookie(&http.Cookie{Name: "token", Value: token}) }); a.status != 401 {
		t.Errorf("a token in the query: %d", a.status)
	}
	// Over the socket this user needs none, and one that is given counts.
	bad := func(req *http.Request) { req.Header.Set("Authorization", "Bearer nobody") }
	if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 200 {
		t.Errorf("the socket: %d %s", a.status, a.body)
	}
	if a := r.ask("GET", "/api/v1/secrets", own, nil, bad); a.status != 401 {
		t.Errorf("the socket with a token: %d", a.status)
	}
	basic := func(req *http.Request) { req.SetBasicAuth("ada", "fake") }
	if a := r.ask("GET", "/api/v1/secrets", own, nil, basic); a.status != 401 {
		t.Errorf("the socket with a password: %d", a.status)
	}
	if a := r.ask("GET", "/api/v1/whoami", own, nil); a.status != 401 {
		t.Errorf("whoami on the socket: %d", a.status)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	all := r.token("acme", "cli")
	for _, tt := range []struct {
		scopes                    []string
		whoami, list, put, remove int
	}{
		{nil, 200, 403, 403, 403},
		{[]string{"read"}, 200, 200, 403, 403},
		{[]string{"write"}, 200, 403, 200, 403},
		{[]string{"admin"}, 200, 403, 403, 200},
		{[]string{"cli"}, 200, 200, 200, 200},
		{[]string{"read", "write"}, 200, 200, 200, 403},
		{[]string{"introspect"}, 200, 403, 403, 403},
		{[]string{"CLI", "readwrite", "*", ""}, 200, 403, 403, 403},
	} {
		token := r.token("acme", tt.scopes...)
		r.put(all, "KEPT", "", "a fake value")
		if a := r.ask("GET", "/api/v1/whoami", token, nil); a.status != tt.whoami {
			t.Errorf("%q: whoami %d", tt.scopes, a.status)
		}
		for _, scope := range []string{"", "?scope=workspace", "?scope=tenant"} {
			if a := r.ask("GET", "/api/v1/secrets"+scope, token, nil); a.status != tt.list || tt.list != 200 && strings.Contains(a.body, "KEPT") {
				t.Errorf("%q: list %d %s", tt.scopes, a.status, a.body)
			}
		}
		if a := r.ask("PUT", "/api/v1/secrets/NEW", token, strings.NewReader("a fake value")); a.status != tt.put {
			t.Errorf("%q: put %d", tt.scopes, a.status)
		}
		if a := r.ask("DELETE", "/api/v1/secrets/KEPT", token, nil); a.status != tt.remove {
			t.Errorf("%q: remove %d", tt.scopes, a.status)
		}
		if _, there := r.value(workspace.ScopeWorkspace, "acme/default", "KEPT"); there == (tt.remove == 200) {
			t.Errorf("%q: KEPT is there: %v", tt.scopes, there)
		}
		r.ask("DELETE", "/api/v1/secrets/NEW", all, nil)
	}
}

// TestTenants: a token of one tenant can't learn that a key of another exists,
// whatever either is called.
func TestTenants(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	tenants := []string{
		"acme", "local", "default", "ACME", "acme/default", "local/default", "../acme", "acme\x00", "%61cme", "acme ", "/", "..", "аcme", // the last with a Cyrillic а
	}
	tokens := map[string]string{}
	for _, tenant := range tenants {
		tokens[tenant] = r.token(tenant, "cli")
	}
	for _, holder := range []string{"acme", "local", "acme/default", "../acme"} {
		a := tokens[holder]
		for _, query := range []string{"", "?workspace=other", "?scope=tenant"} {
			r.put(a, "SHARED", query, "a fake value of "+holder)
		}
		// A connection of the home, made in that tenant, uses its key.
		if err := r.store.Store.Write(t.Context(), func(tx workspace.Tx) error {
			return tx.AddConnection("elsewhere", holder, workspace.Connection{
				ID: "con_1", Name: "chat", Kind: "slack", Config: map[string]any{},
				Auth: workspace.Auth{Type: "vault", Keys: []workspace.KeyUse{{Field: "token", Key: "SHARED"}}}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			})
		}); err != nil {
			t.Fatal(err)
		}
		if a := r.ask("DELETE", "/api/v1/secrets/SHARED?scope=tenant", a, nil); a.status != 409 || !strings.Contains(a.body, "chat") {
			t.Errorf("%q: in use: %d %s", holder, a.status, a.body)
		}
		for _, stranger := range tenants {
			if stranger == holder {
				continue
			}
			b := tokens[stranger]
			for _, query := range []string{"?", "?workspace=other", "?scope=tenant", "?workspace=default&scope=workspace"} {
				if got := r.ask("GET", "/api/v1/secrets"+query, b, nil); got.status != 200 || got.body != "{\"keys\":[]}\n" {
					t.Errorf("%q sees of %q with %q: %s", stranger, holder, query, got.body)
				}
				// What exists elsewhere and what exists nowhere are answered alike,
				// after the same transactions.
				var there, nowhere answer
				one := r.store.during(func() { there = r.ask("DELETE", "/api/v1/secrets/SHARED"+query, b, nil) })
				two := r.store.during(func() { nowhere = r.ask("DELETE", "/api/v1/secrets/NOBODY"+query, b, nil) })
				if there.status != 404 || nowhere.status != 404 || strings.ReplaceAll(there.body, "SHARED", "NOBODY") != nowhere.body ||
					!equal(there.header, nowhere.header) || !slices.Equal(one, two) {
					t.Errorf("%q can tell of %q with %q: %d %s %v, %d %s %v", stranger, holder, query, there.status, there.body, one, nowhere.status, nowhere.body, two)
				}
			}
			// A key of the same name is a new one, and nobody else's.
			for _, query := range []string{"?workspace=default", "?scope=tenant"} {
				var there, nowhere answer
				one := r.store.during(func() { there = r.put(b, "SHARED", query, "another fake value") })
				two := r.store.during(func() { nowhere = r.put(b, "NOBODY", query, "another fake value") })
				if strings.ReplaceAll(there.body, "SHARED", "NOBODY") != nowhere.body || !slices.Equal(one, two) {
					t.Errorf("%q can tell of %q by storing: %s %v, %s %v", stranger, holder, there.body, one, nowhere.body, two)
				}
				if got := r.ask("GET", "/api/v1/secrets"+query, b, nil); strings.Contains(got.body, "chat") || !strings.Contains(got.body, `"usedBy":[]`) {
					t.Errorf("%q sees who uses a key of %q: %s", stranger, holder, got.body)
				}
				for _, key := range []string{"SHARED", "NOBODY"} {
					if got := r.ask("DELETE", "/api/v1/secrets/"+key+query, b, nil); got.status != 200 || !strings.Contains(got.body, `"usedBy":[]`) {
						t.Errorf("%q removes its own %s: %d %s", stranger, key, got.status, got.body)
					}
				}
			}
		}
		if _, err := r.conn(t, func(tx workspace.Tx) (bool, error) { return tx.DeleteConnection("elsewhere", "chat") }); err != nil {
			t.Fatal(err)
		}
		if got := r.ask("GET", "/api/v1/secrets?workspace=other", a, nil).keys(); !slices.Equal(got, []string{"tenant SHARED", "workspace SHARED"}) {
			t.Errorf("%q: %q", holder, got)
		}
		for _, query := range []string{"", "?workspace=other", "?scope=tenant"} {
			if got := r.ask("DELETE", "/api/v1/secrets/SHARED"+query, a, nil); got.status != 200 {
				t.Errorf("%q: %d %s", holder, got.status, got.body)
			}
		}
	}
}

func (r *rig) conn(t *testing.T, fn func(workspace.Tx) (bool, error)) (ok bool, err error) {
	err = r.store.Store.Write(t.Context(), func(tx workspace.Tx) error { ok, err = fn(tx); return err })
	return ok, err
}

// TestOwnTenant: the home's own tenant is at home in its workspaces; nobody
// else is, and a token that is for no tenant opens nothing.
func TestOwnTenant(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	local, acme := r.token(workspace.LocalTenant, "cli"), r.token("acme", "cli")
	r.put(own, "HOME", "", "a fake value")
	r.put(own, "HOME", "?workspace=shop", "a fake value")
	for query, want := range map[string][]string{"": {"workspace HOME"}, "?workspace=shop": {"workspace HOME"}, "?workspace=else": {}} {
		for _, token := range []string{own, local} {
			if got := r.ask("GET", "/api/v1/secrets"+query, token, nil).keys(); !slices.Equal(got, want) {
				t.Errorf("%s %q: %q", token, query, got)
			}
		}
		if got := r.ask("GET", "/api/v1/secrets"+query, acme, nil).keys(); len(got) != 0 {
			t.Errorf("acme %q: %q", query, got)
		}
	}
	r.put(local, "NEW", "?workspace=shop", "a fake value of local")
	if v, ok := r.value(workspace.ScopeWorkspace, "shop", "NEW"); !ok || v != "a fake value of local" {
		t.Errorf("%q %v", v, ok)
	}
	for _, id := range []workspace.Identity{{UserID: "ada", Scopes: []string{"cli"}}, {TenantID: "acme", Scopes: []string{"cli"}}} {
		token := r.token("", "cli")
		r.mu.Lock()
		r.tokens[token] = id
		r.mu.Unlock()
		if a := r.ask("GET", "/api/v1/secrets", token, nil); a.status != 403 {
			t.Errorf("%+v: %d %s", id, a.status, a.body)
		}
	}
}

// TestServerEnvironment: what the environment of the server holds is told to
// this user alone.
func TestServerEnvironment(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.env["AKOS_VAULT"], r.env["OPENAI_API_KEY"] = "env", "fake"
	if got := r.ask("GET", "/api/v1/secrets", own, nil).keys(); !slices.Equal(got, []string{"workspace OPENAI_API_KEY"}) {
		t.Errorf("%q", got)
	}
	for _, tenant := range []string{"acme", "local"} {
		token := r.token(tenant, "cli")
		if a := r.ask("GET", "/api/v1/secrets", token, nil); a.status != 200 || len(a.keys()) != 0 {
			t.Errorf("%s: %d %s", tenant, a.status, a.body)
		}
		if a := r.ask("PUT", "/api/v1/secrets/KEY", token, strings.NewReader("value")); a.status != 503 {
			t.Errorf("%s: %d %s", tenant, a.status, a.body)
		}
	}
}

func TestNoticeIsTheServers(t *testing.T) {
	r := newRig(t, "")
	r.env["AKOS_VAULT"] = "auto"
	r.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	if a := r.put(r.token("acme", "cli"), "KEY", "", "value"); strings.Contains(a.body, r.home) {
		t.Errorf("a stranger is told of the files of the server: %s", a.body)
	}
	if !strings.Contains(r.log.String(), "vault.identity") {
		t.Error("nobody is told where the key is")
	}
}

func TestWorkspaceIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	for _, id := range []string{
		"a%2Fb", "..", "../default", "..%2Fdefault", "Default", "a%00", "a%0A", "-a", "a-", "acme/default", "a.b", "a+b", "%C3%A9", strings.Repeat("a", 64),
		"a%2", "%zz", "a;workspace=b", "sk-" + "proj-" + strings.Repeat("Ab3", 20),
	} {
		for _, tok := range []string{token, own} {
			if a := r.ask("GET", "/api/v1/secrets?workspace="+id, tok, nil); a.status != 400 || a.kind() != "invalid" || strings.Contains(a.body, "Ab3") {
				t.Errorf("%s: %d %s", id, a.status, a.body)
			}
			if a := r.ask("PUT", "/api/v1/secrets/KEY?workspace="+id, tok, strings.NewReader("value")); a.status != 400 {
				t.Errorf("%s: %d %s", id, a.status, a.body)
			}
		}
	}
	for _, q := range []string{"?scope=else", "?scope=Tenant", "?scope=tenant%00", "?scope=%"} {
		if a := r.ask("GET", "/api/v1/secrets"+q, token, nil); a.status != 400 {
			t.Errorf("%s: %d %s", q, a.status, a.body)
		}
	}
	for _, key := range []string{"", "a/b", "a%2Fb", "%2e%2e%2fx", "1A", "K%20", "K%00", "%C3%A9", strings.Repeat("K", 129), "ghp_" + strings.Repeat("aB3dE6", 6)} {
		a := r.ask("PUT", "/api/v1/secrets/"+key, token, strings.NewReader("value"))
		if a.status != 400 || strings.Contains(a.body, "aB3d") {
			t.Errorf("%s: %d %s", key, a.status, a.body)
		}
	}
	if got := r.ask("GET", "/api/v1/secrets", token, nil).keys(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	// A path is not taken for another that it looks like.
	for _, path := range []string{"/api/v1/secrets/../secrets/KEY", "/api//v1/secrets/KEY", "/api/v1/./secrets/KEY", "/API/v1/secrets/KEY"} {
		if a := r.ask("PUT", path, token, strings.NewReader("value")); a.status < 300 || a.status == 401 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if got := r.ask("GET", "/api/v1/secrets", token, nil).keys(); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
