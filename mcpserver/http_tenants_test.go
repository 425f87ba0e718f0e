package mcpserver_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// TestHTTPBegins: a workspace begins with what is first kept in it. Reading in
// one that nobody used finds nothing, says which it is, and keeps nothing.
func TestHTTPBegins(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "local")
	w := overHTTP(t, h, mcpserver.Options{})
	a := w.connect(h.token(t, "ada", "local", "cli"))
	there := func(tool, args string) response {
		t.Helper()
		return w.send("POST", "/mcp?workspace=typo", request(1, tool, args), a.headers...).is(200, 0).rpc()
	}
	known := func() bool {
		t.Helper()
		open, closeAll, err := h.open("cli", "typo", h.log)
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll()
		_, err = open.List(t.Context(), "")
		if kind := workspace.Explain(err).Kind; err != nil && kind != workspace.NotFound {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, tool := range []string{"workspace_status", "vault_list", "creds_check", "connection_list", "creds_list"} {
		r := there(tool, `{}`)
		if r.Result.IsError || strings.Contains(r.raw, "team-chat") || tool == "workspace_status" && !strings.Contains(r.raw, `"typo"`) {
			t.Errorf("%s: %s", tool, r.raw)
		}
	}
	if known() {
		t.Error("reading has made the workspace")
	}
	if r := there("connection_create", `{"kind":"cron","name":"x","config":{"schedule":"@daily"}}`); r.Result.IsError {
		t.Fatal(r.raw)
	}
	if !known() {
		t.Error("what is kept has not made the workspace")
	}
}

// TestHTTPTenants: two tenants have the same names for everything, and
// neither sees the other's.
func TestHTTPTenants(t *testing.T) {
	h := newHome(t)
	h.env["LINEAR_API_KEY"] = "fake-value-of-this-process"
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	h.account(t, "eve", "")
	w := overHTTP(t, h, mcpserver.Options{})
	ada, bob, eve := w.connect(h.token(t, "ada", "acme", "cli")), w.connect(h.token(t, "bob", "beta", "cli")), w.connect(h.token(t, "eve", "", "cli"))
	create := `{"kind":"slack","name":"chat","vaultKeys":{"token":"SHARED_NAME"},"config":{}}`
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	for _, tenant := range []string{"acme", "beta"} {
		served, err := open.Served("default", &workspace.Identity{UserID: "x", TenantID: tenant})
		if err != nil {
			t.Fatal(err)
		}
		for key, scope := range map[string]workspace.Scope{"SHARED_NAME": workspace.ScopeWorkspace, strings.ToUpper(tenant) + "_ONLY": workspace.ScopeWorkspace, strings.ToUpper(tenant) + "_TENANT": workspace.ScopeTenant} {
			if _, err := served.Put(t.Context(), workspace.PutRequest{Key: key, Scope: scope, Value: workspace.NewSecret([]byte("fake-value-of-" + tenant))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := ada.call("connection_create", create); r.Result == nil || r.Result.IsError {
		t.Fatalf("%s", r.raw)
	}
	if r := bob.call("connection_list", `{}`); strings.Contains(r.text(), "chat") {
		t.Errorf("bob sees ada's connection: %s", r.text())
	}
	for who, a := range map[string]*agent{"ada": ada, "bob": bob} {
		for what, body := range map[string]string{
			"a resource":   `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://connections/chat"}}`,
			"a completion": `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"akos://connections/{name}"},"argument":{"name":"name","value":"ch"}}}`,
		} {
			if res := a.post(body); strings.Contains(res.body, `SHARED_NAME`) || strings.Contains(res.body, `"chat"`) {
				if who == "bob" {
					t.Errorf("bob sees ada's connection in %s: %s", what, res.body)
				}
			} else if who == "ada" {
				t.Errorf("ada does not see her connection in %s: %s", what, res.body)
			}
		}
	}
	if r := bob.call("connection_create", create); r.Result == nil || r.Result.IsError {
		t.Errorf("bob can't use a name that ada has: %s", r.raw)
	}
	if r := bob.call("vault_remove", `{"key":"ACME_ONLY"}`); !strings.Contains(r.text(), "not_found") {
		t.Errorf("%s", r.raw)
	}
	for who, a := range map[string]*agent{"ada acme": ada, "bob beta": bob, "eve local": eve} {
		user, tenant, _ := strings.Cut(who, " ")
		var all string
		for _, tool := range []string{"vault_list", "connection_list", "workspace_status", "auth_status", "tenant_list", "creds_check"} {
			r := a.call(tool, `{}`)
			if r.Result == nil || r.Result.IsError {
				t.Errorf("%s: %s: %s", who, tool, r.raw)
			}
			all += r.text() + "\n"
		}
		for _, other := range []string{"acme", "beta"} {
			if other != tenant && strings.Contains(strings.ToLower(all), other) {
				t.Errorf("%s sees %s:\n%.3000s", who, other, all)
			}
		}
		// What is this process's own is nobody else's.
		if strings.Contains(all, h.dir) || strings.Contains(all, h.data) || strings.Contains(all, "team-chat") || strings.Contains(all, `"LINEAR_API_KEY":"`) {
			t.Errorf("%s sees the home:\n%.3000s", who, all)
		}
		if s := a.call("auth_status", `{}`).text(); !strings.Contains(s, `"userId":"`+user+`"`) || !strings.Contains(s, `"tenantId":"`+tenant+`"`) {
			t.Errorf("%s is %s", who, s)
		}
		if s := a.call("tenant_list", `{}`).text(); s != `{"tenants":[{"tenantId":"`+tenant+`","current":true}]}` {
			t.Errorf("%s: %s", who, s)
		}
	}
	// Another workspace of the same tenant is empty, and of an impossible name
	// there is none.
	res := w.send("POST", "/mcp?workspace=other", request(1, "vault_list", `{}`), ada.headers...)
	if text := res.rpc().text(); strings.Contains(text, "ACME_ONLY") || !strings.Contains(text, "ACME_TENANT") {
		t.Errorf("%s", text)
	}
	for _, id := range []string{"..", "BETA", "%00", "%zz", "other;", "other&workspace=another"} {
		w.send("POST", "/mcp?workspace="+id, request(1, "vault_list", `{}`), ada.headers...).is(403, -32600)
	}
	w.send("POST", "/mcp?workspace=beta%2Fdefault", request(1, "vault_list", `{}`), ada.headers...).is(403, -32600)
}

// TestHTTPMembers: a token is worth what its user is in its tenant now. One who
// is no member any more, or no user, gets nothing there, session or not.
func TestHTTPMembers(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "ada", "beta")
	h.account(t, "bob", "acme")
	w := overHTTP(t, h, mcpserver.Options{})
	acme, beta, bobs := h.token(t, "ada", "acme", "cli"), h.token(t, "ada", "beta", "cli"), h.token(t, "bob", "acme", "cli")
	a, b, bob := w.connect(acme), w.connect(beta), w.connect(bobs)
	gone := func(a *agent, token string) {
		t.Helper()
		for _, body := range []string{
			ping, list, request(1, "vault_list", `{}`), initialize,
			`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://guide"}}`,
			`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"akos://connections/{name}"},"argument":{"name":"name","value":""}}}`,
		} {
			a.post(body).is(401, -32600)
		}
		w.modern(token, "tools/call", "vault_list", `"name":"vault_list","arguments":{}`).is(401, -32600)
		a.send("DELETE", "/mcp", "", a.headers...).is(401, -32600)
	}
	for _, a := range []*agent{a, b, bob} {
		a.post(ping).is(200, 0)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.data, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`DELETE FROM member WHERE user = 'ada' AND tenant = 'acme'`); err != nil {
		t.Fatal(err)
	}
	gone(a, acme)
	b.post(ping).is(200, 0) // of the other tenant she still is
	bob.post(ping).is(200, 0)
	// Her other token does not get her into the session that she had.
	w.send("POST", "/mcp", ping, "Authorization", "Bearer "+beta, "Mcp-Session-Id", a.headers[3]).is(404, -32600)
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	if _, err := open.RemoveUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	gone(b, beta)
	bob.post(ping).is(200, 0)
	// Another of the same name is another, whom the old token does not serve.
	h.account(t, "ada", "acme")
	gone(a, acme)
}

// TestHTTPRevoked: what the server remembers of a token is worth nothing once
// the token is revoked, by another process, whatever else goes on.
func TestHTTPRevoked(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	h.account(t, "bob", "")
	w := overHTTP(t, h, mcpserver.Options{})
	other := w.connect(h.token(t, "bob", "", "cli"))
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // others read, and write in this process
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			other.post(ping).is(200, 0)
			other.call("connection_create", fmt.Sprintf(`{"kind":"slack","name":"n%d","vaultKeys":{"token":"SLACK_BOT_TOKEN"},"config":{}}`, i%50))
		}
	})
	for range 40 {
		a := w.connect(h.token(t, "ada", "", "read"))
		for range 5 {
			a.post(ping).is(200, 0)
		}
		if _, err := open.RevokeToken(t.Context(), "read ada "); err != nil {
			t.Fatal(err)
		}
		a.post(ping).is(401, -32600)
	}
	close(stop)
	wg.Wait()
}

// TestHTTPPlace: nobody who comes with a token is told where this process
// works.
func TestHTTPPlace(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "eve", "")
	w := overHTTP(t, h, mcpserver.Options{Exclude: []string{"vault_put", "connection_create"}})
	for who, a := range map[string]*agent{"ada": w.connect(h.token(t, "ada", "acme", "cli")), "eve": w.connect(h.token(t, "eve", "", "cli"))} {
		for _, body := range []string{
			`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://guide"}}`,
			`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://providers/nobody"}}`,
			`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"fix-missing-credentials"}}`,
			request(1, "creds_check", `{}`), request(1, "creds_check", `{"secretsFile":".env"}`), request(1, "connection_inspect", `{"name":"nobody"}`),
			request(1, "vault_remove", `{"key":"NONE"}`), request(1, "workspace_status", `{}`),
		} {
			res := a.post(body).is(200, a.post(body).rpc().code())
			if strings.Contains(res.body, h.dir) || strings.Contains(res.body, h.data) {
				t.Errorf("%s learns it from %.80s: %s", who, body, res.body)
			}
		}
	}
	// A hint is for the workspace that was asked for.
	res := w.send("POST", "/mcp?workspace=shop", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://guide"}}`,
		w.connect(h.token(t, "eve", "", "read")).headers...).is(200, 0)
	if !strings.Contains(res.body, "--workspace shop") {
		t.Errorf("%s", res.body)
	}
}

// TestHTTPCancel: who cancels a request cancels their own, whatever ids others
// have chosen.
func TestHTTPCancel(t *testing.T) {
	h := entryHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	w := overHTTP(t, h, mcpserver.Options{})
	adas, bobs := h.token(t, "ada", "acme", "cli"), h.token(t, "bob", "beta", "cli")
	waits := func(call func() answer) chan answer {
		done := make(chan answer, 1)
		go func() { done <- call() }()
		return done
	}
	still := func(done chan answer, what string) {
		t.Helper()
		select {
		case res := <-done:
			t.Fatalf("%s: the call does not wait: %s", what, res.body)
		case <-time.After(300 * time.Millisecond):
		}
	}

	// Of the older revisions: ada's client was asked to open a page.
	ada, bob := w.connectAs(adas, `{"elicitation":{"url":{}}}`), w.connect(bobs)
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`
	hearing, asked := ada.hearing("elicitation/create")
	done := waits(func() answer { return hearing.post(request(7, "vault_put", `{"key":"GITHUB_TOKEN"}`)) })
	soon(t, "ada is asked", asked)
	still(done, "older")
	bob.post(cancel).is(202, 0)
	still(done, "older, bob cancels")
	ada.post(cancel).is(202, 0)
	select {
	case <-done:
	case <-time.After(10 * time.Second): // without it she waits for 15
		t.Error("ada can't cancel her own")
	}

	// Of the newest: ada has said that she goes to the page, which is waited for.
	call := func(more string) answer {
		return w.modernCall(adas, "vault_put", `{"key":"LINEAR_API_KEY"}`, more)
	}
	state := call("").asks()
	done = waits(func() answer {
		return call(`,"requestState":"` + state + `","inputResponses":{"page":{"action":"accept"}}`)
	})
	still(done, "newest")
	for _, token := range []string{bobs, adas} { // there are no sessions: this may be another client of hers
		w.send("POST", "/mcp", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
			modernHeaders(token, "notifications/cancelled", "")...).is(202, 0)
	}
	still(done, "newest, others cancel")
	if e := entryOf(t, (<-done).rpc()); e.Status != "pending" {
		t.Errorf("%+v", e)
	}
}

// A beside is the client of a home whose sidecar runs.
type beside struct{ workspace.Remote }

func (beside) Local(context.Context) (string, bool) { return "http://127.0.0.1:7717", true }

// TestHTTPSidecar: somebody at another place is told that the sidecar runs, and
// not where.
func TestHTTPSidecar(t *testing.T) {
	h := newHome(t)
	h.with = func(o *workspace.Options) { o.Remote = beside{o.Remote} }
	h.account(t, "ada", "acme")
	r := overHTTP(t, h, mcpserver.Options{}).connect(h.token(t, "ada", "acme", "read")).call("workspace_status", `{}`)
	if !strings.Contains(r.text(), `"sidecar":{"running":true}`) || strings.Contains(r.text(), "7717") {
		t.Errorf("%s", r.raw)
	}
}
