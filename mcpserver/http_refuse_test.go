package mcpserver_test

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// TestHTTPRefused: a value is refused in an argument of whoever has stored it,
// and nobody learns from a refusal what another tenant or this process holds.
// A caller in a loop does not fill the audit.
func TestHTTPRefused(t *testing.T) {
	h := newHome(t)
	values := map[string]string{}
	for _, who := range []string{"local", "acme", "beta", "process"} {
		values[who] = "fake" + strings.ToLower(rand.Text())
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
