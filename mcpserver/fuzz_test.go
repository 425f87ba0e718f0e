package mcpserver_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzStdio: whatever lines come in, what goes out is JSON-RPC that answers
// them or asks for the client's roots, a ping at the end is answered, and no
// stored value is in it.
func FuzzStdio(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add([]byte(seed))
	}
	h := newHome(f)
	canary := fakeToken()
	h.env["GITHUB_TOKEN"] = canary
	// What a run changes the next one finds; the canaries come back.
	plant := func(t testing.TB) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(h.dir, ".env"), []byte("LINEAR_API_KEY="+canary+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		h.store(t, "SLACK_BOT_TOKEN", workspace.ScopeWorkspace, canary)
	}
	plant(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte(canary)) {
			t.Skip() // a client may get back what it sent
		}
		changes := bytes.Contains(in, []byte("vault_")) || bytes.Contains(in, []byte("connection_"))
		if changes {
			plant(t)
		}
		var log safeBuffer
		p := serveLines(t, h, &log, append(slices.Clone(in), "\n"+ping+"\n"...))
		ids := idsOf(in)
		ids[`"ping"`], ids["null"] = true, true
		pinged := false
		for line := range bytes.Lines(p) {
			var m struct {
				JSONRPC string
				ID      any
				Method  string
				Result  json.RawMessage
				Error   json.RawMessage
			}
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			if err := d.Decode(&m); err != nil || !bytes.HasSuffix(line, []byte("\n")) || !json.Valid(line) {
				t.Fatalf("no line of JSON: %q", line)
			}
			id, err := json.Marshal(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			switch isNote := strings.HasPrefix(m.Method, "notifications/"); {
			case m.Method == "roots/list" && strings.HasPrefix(string(id), `"akos-`) && m.JSONRPC == "2.0" && m.Result == nil && m.Error == nil:
			case m.JSONRPC != "2.0", isNote && (m.ID != nil || m.Result != nil || m.Error != nil),
				!isNote && (m.Method != "" || (m.Result == nil) == (m.Error == nil)):
				t.Errorf("no JSON-RPC: %s", line)
			case !isNote && !ids[string(id)]:
				t.Errorf("an answer to an id that nobody sent: %s", line)
			}
			pinged = pinged || string(id) == `"ping"` && m.Error == nil
		}
		if !pinged {
			t.Errorf("no answer to the ping:\n%s", p)
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("something went wrong inside: %s", &log)
		}
		for _, out := range [][]byte{p, []byte(log.String())} {
			for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary)), canary[8:24]} {
				if bytes.Contains(out, []byte(form)) {
					t.Errorf("a stored value comes out:\n%s", out)
				}
			}
		}
	})
}

// serveLines returns what a server in h answers to in.
func serveLines(t *testing.T, h *home, log io.Writer, in []byte) []byte {
	t.Helper()
	logged := *h
	logged.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var out safeBuffer
	if err := logged.server(t, mcpserver.Options{}).ServeStdio(t.Context(), bytes.NewReader(in), &out); err != nil {
		t.Error(err)
	}
	return []byte(out.String())
}

// idsOf returns the ids of the lines of in, in the one form that
// json.Marshal gives them.
func idsOf(in []byte) map[string]bool {
	ids := map[string]bool{}
	for line := range bytes.Lines(in) {
		var m struct{ ID json.RawMessage }
		if json.Unmarshal(line, &m) != nil && m.ID == nil {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(m.ID))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			continue
		}
		if b, err := json.Marshal(v); err == nil {
			ids[string(b)] = true
		}
	}
	return ids
}

// seeds returns what the clients of the stories send, each line and each
// story, and some that no client sends.
func seeds(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	all := []string{
		"", "\n\n", "\r\n", "null", "[]", "{", "\xff", "\x00", strings.Repeat("[", 20_000), ping, list, ping + "\n" + ping,
		`{"jsonrpc":"2.0","method":"ping"}`, `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"vault_import","arguments":{"path":".env"}}}`,
		`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`,
		`{"JSONRPC":"2.0","Id":1,"METHOD":"ping"}`,
		`{"jsonrpc":"2.0","id":"\ud800<&>","method":"ping"}`,
		`{"jsonrpc":"2.0","id":1e999,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":-0.0,"method":"tools/call","params":{"name":"auth_status"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status","Name":"vault_list","arguments":{},"Arguments":{"scope":"tenant"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"creds_check","arguments":{"secretsFile":".env"},"task":{"ttl":1}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tasks/list"}`,
		`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"a","value":"b"}}}`,
		request(1, "vault_remove", `{"key":"SLACK_BOT_TOKEN","force":true}`),
		request(1, "connection_inspect", `{"name":"team-chat"}`),
	}
	for _, file := range files {
		story, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var whole strings.Builder
		for _, section := range story.Files {
			if section.Name == "client" {
				whole.Write(section.Data)
				for line := range strings.Lines(string(section.Data)) {
					all = append(all, line)
				}
			}
		}
		all = append(all, whole.String())
	}
	return all
}
