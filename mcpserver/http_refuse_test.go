package mcpserver_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

// TestHTTPRefused: a value is refused in an argument of whoever has stored it,
// and nobody learns from a refusal what another tenant or this process holds.
// A caller in a loop does not fill the audit.
func TestHTTPRefused(t *testing.T) {
	h := newHome(t)
	values := map[string]string{}
	for _, who := range []string{"local", "acme", "beta", "process"} {
		values[who] = nondescript()
	}
	h.env["OPENAI_API_KEY"] = values["process"]
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	for _, tenant := range []string{"local", "acme", "beta"} {
		served, err := open.Served("default", &workspace.Identity{UserID: "x", TenantID: tenant})
		if err == nil {
			_, err = served.Put(t.Context(), workspace.PutRequest{Key: "A", Scope: workspace.ScopeTenant, Value: workspace.NewSecret([]byte(values[tenant]))})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.account(t, "ada", "acme")
	w := overHTTP(t, h, mcpserver.Options{})
	ada := w.connect(h.token(t, "ada", "acme", "read"))
	for who, v := range values {
		for what, body := range map[string]string{
			"a tool":       request(1, "creds_check", `{"provider":["`+v+`"]}`),
			"a prompt":     `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"onboard-provider","arguments":{"provider":"` + v + `"}}}`,
			"a completion": `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"onboard-provider"},"argument":{"name":"provider","value":"` + v + `"}}}`,
		} {
			if refused := strings.Contains(ada.post(body).body, "looks like a credential"); refused != (who == "acme") {
				t.Errorf("acme gives the value of %s to %s: refused %v", who, what, refused)
			}
		}
	}
	for i := range 30 {
		w.send("POST", fmt.Sprint("/mcp?workspace=w", i), request(1, "creds_check", `{"provider":["`+values["acme"]+`"]}`), ada.headers...).is(200, 0)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.data, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM audit WHERE op = 'argument.refuse'`).Scan(&n); err != nil || n < 1 || n > 3 {
		t.Errorf("%d notes of one caller in a loop, %v", n, err)
	}
}

// nondescript returns a text that nobody guesses and that has the form of no
// credential: only who knows it knows what it is.
func nondescript() string {
	for {
		s := "fake" + strings.ToLower(rand.Text())
		if !catalog.Guessable(s) && !catalog.LooksLikeCredential(s) {
			return s
		}
	}
}

// unguessable returns a text that nobody guesses, and that looks like no
// credential: only a vault that has it can know it.
func unguessable() string {
	var s strings.Builder
	for i, c := range rand.Text()[:18] {
		fmt.Fprintf(&s, "%c%d", c, 2+i%8)
	}
	return s.String()
}

// TestHTTPAddress: the address that was asked for comes back, as the newest
// revision wants, but not if a stored value is in it, however it is put there.
func TestHTTPAddress(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	value, words := unguessable(), unguessable()+" "+unguessable()
	h.store(t, "ONE_KEY", workspace.ScopeWorkspace, value)
	h.store(t, "OTHER_KEY", workspace.ScopeTenant, words)
	token := h.token(t, "ada", "", "read")
	w := overHTTP(t, h, mcpserver.Options{})
	read := func(uri string) answer {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":%q,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, uri)
		return w.send("POST", "/mcp?workspace=app", body, modernHeaders(token, "resources/read", uri)...)
	}
	for _, uri := range []string{"x://nothing/%20there", "x://" + unguessable()} {
		if a := read(uri).is(400, -32602); strings.Contains(a.body, uri) == strings.Contains(uri, "%20") {
			t.Errorf("%s: %s", uri, a.body)
		}
	}
	for _, v := range []string{value, words} {
		for _, uri := range []string{v, "x://" + v, "akos://connections/" + v, "akos://nothing/a=" + v, "x://y/" + strings.ReplaceAll(v, " ", "%20"), "x://y/%" + hex.EncodeToString([]byte(v[:1])) + v[1:]} {
			if a := read(uri).is(400, -32602); strings.Contains(a.body, v[4:20]) {
				t.Errorf("%s: %s", uri, a.body)
			}
		}
	}
}

// TestHTTPGuesses: what another tenant has stored, and what the environment of
// this process holds, is answered as what nobody has, wherever it is guessed.
func TestHTTPGuesses(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	h.account(t, "bob", "beta")
	value, env := unguessable(), unguessable()
	h.store(t, "ONE_KEY", workspace.ScopeWorkspace, value)
	h.env["LINEAR_API_KEY"] = env
	w := overHTTP(t, h, mcpserver.Options{})
	ada, bob := w.connect(h.token(t, "ada", "", "cli")), w.connect(h.token(t, "bob", "beta", "cli"))
	// Both have a workspace of this name.
	ask := func(a *agent, body string) string {
		return w.send("POST", "/mcp?workspace=app", body, a.headers...).body
	}
	for what, body := range map[string]string{
		"an argument":           request(1, "connection_inspect", `{"name":"@"}`),
		"a prompt":              `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"fix-missing-credentials","arguments":{"provider":"@"}}}`,
		"a completion":          `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"onboard-provider"},"argument":{"name":"provider","value":"@"}}}`,
		"an address":            `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://providers/@"}}`,
		"an address of nothing": `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://@"}}`,
	} {
		answer := func(a *agent, v string) string {
			return strings.ReplaceAll(ask(a, strings.ReplaceAll(body, "@", v)), v, "@")
		}
		nobodys := unguessable()
		if answer(ada, value) == answer(ada, nobodys) {
			t.Errorf("%s: ada's own value is not refused", what)
		}
		for _, v := range []string{value, env} {
			if got, want := answer(bob, v), answer(bob, nobodys); got != want {
				t.Errorf("%s: bob is told %s and %s", what, got, want)
			}
		}
	}
}
