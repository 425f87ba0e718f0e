package mcpserver_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/akos/internal/cli"
	"example.com/akos/mcpserver"
	"example.com/akos/tools"
	"github.com/google/jsonschema-go/jsonschema"
)

// rows are what both faces are asked, and what both must say.
var rows = []struct {
	cli  string // words
	tool string
	args string
	exit int
	kind string // "" for a result
	// finding: the exit code is what the result says, and not an error.
	finding bool
	before  func(t *testing.T, h *home)
}{
	{cli: "status", tool: "workspace_status", args: `{}`},
	{cli: "status", tool: "workspace_status", args: `{}`, before: untrust},
	{cli: "status extra", tool: "workspace_status", args: `{"extra":1}`, exit: 2, kind: "invalid"},
	{cli: "auth status", tool: "auth_status", args: `{}`, exit: 4, finding: true},
	{cli: "auth status", tool: "auth_status", args: `{}`, before: setenv("AKOS_TOKEN")},
	{cli: "auth status", tool: "auth_status", args: `{}`, before: setenv("AGENTSKIT_TOKEN")},
	{cli: "auth login", tool: "auth_login", args: `{}`, before: setenv("AGENTSKIT_TOKEN")},
	{cli: "auth login --scope nonsense", tool: "auth_login", args: `{"scope":"nonsense"}`, exit: 8, kind: "unavailable"},
	{cli: "auth logout", tool: "auth_logout", args: `{}`},
	{cli: "auth logout", tool: "auth_logout", args: `{}`, exit: 5, kind: "denied", before: untrust},
	{cli: "tenant list", tool: "tenant_list", args: `{}`, exit: 4, kind: "login_needed"},
	{cli: "tenant use acme", tool: "tenant_use", args: `{"tenantId":"acme"}`, exit: 4, kind: "login_needed"},
	{cli: "tenant use", tool: "tenant_use", args: `{}`, exit: 2, kind: "invalid"},
	{cli: "creds list", tool: "creds_list", args: `{}`},
	{cli: "creds list --kind llm --kind local --air-gap", tool: "creds_list", args: `{"kind":["llm","local"],"airGap":true}`},
	{cli: "creds list --provider slack", tool: "creds_list", args: `{"provider":["slack"]}`},
	{cli: "creds list --provider nonsense", tool: "creds_list", args: `{"provider":["nonsense"]}`, exit: 2, kind: "invalid"},
	{cli: "creds list --kind nonsense", tool: "creds_list", args: `{"kind":["nonsense"]}`, exit: 2, kind: "invalid"},
	{cli: "creds list --kind llm --provider slack", tool: "creds_list", args: `{"kind":["llm"],"provider":["slack"]}`, exit: 2, kind: "invalid"},
	{cli: "creds check", tool: "creds_check", args: `{}`, exit: 7, finding: true},
	{cli: "creds check --provider slack", tool: "creds_check", args: `{"provider":["slack"]}`},
	{cli: "creds check --provider slack --provider github", tool: "creds_check", args: `{"provider":["slack","github"]}`, exit: 7, finding: true},
	{cli: "creds check --provider github --secrets-file .env", tool: "creds_check", args: `{"provider":["github"],"secretsFile":".env"}`},
	{cli: "creds check --air-gap", tool: "creds_check", args: `{"airGap":true}`},
	{cli: "creds check --secrets-file broken", tool: "creds_check", args: `{"secretsFile":"broken"}`, exit: 2, kind: "invalid"},
	{cli: "creds check --secrets-file nowhere", tool: "creds_check", args: `{"secretsFile":"nowhere"}`, exit: 2, kind: "invalid"},
	{cli: "creds check", tool: "creds_check", args: `{}`, exit: 5, kind: "denied", before: untrust},
	{cli: "creds set github", tool: "creds_set", args: `{"provider":"github"}`, exit: 9, kind: "human_needed"},
	{cli: "creds set GITHUB_TOKEN --scope tenant", tool: "creds_set", args: `{"key":"GITHUB_TOKEN","scope":"tenant"}`, exit: 9, kind: "human_needed"},
	{cli: "creds set nonsense", tool: "creds_set", args: `{"provider":"nonsense"}`, exit: 2, kind: "invalid"},
	{cli: "creds set ollama", tool: "creds_set", args: `{"provider":"ollama"}`, exit: 2, kind: "invalid"},
	{cli: "vault list", tool: "vault_list", args: `{}`},
	{cli: "vault list --scope tenant", tool: "vault_list", args: `{"scope":"tenant"}`},
	{cli: "vault list --scope nonsense", tool: "vault_list", args: `{"scope":"nonsense"}`, exit: 2, kind: "invalid"},
	{cli: "vault list", tool: "vault_list", args: `{}`, exit: 5, kind: "denied", before: untrust},
	{cli: "vault put GITHUB_TOKEN", tool: "vault_put", args: `{"key":"GITHUB_TOKEN"}`, exit: 9, kind: "human_needed"},
	{cli: "vault put 1A", tool: "vault_put", args: `{"key":"1A"}`, exit: 2, kind: "invalid"},
	{cli: "vault put", tool: "vault_put", args: `{}`, exit: 2, kind: "invalid"},
	{cli: "vault put K", tool: "vault_put", args: `{"key":"K"}`, exit: 5, kind: "denied", before: readOnly},
	{cli: "vault import .env", tool: "vault_import", args: `{"path":".env"}`},
	{cli: "vault import .env --only GITHUB_TOKEN --scope tenant", tool: "vault_import", args: `{"path":".env","only":["GITHUB_TOKEN"],"scope":"tenant"}`},
	{cli: "vault import .env --rewrite", tool: "vault_import", args: `{"path":".env","rewrite":true}`},
	{cli: "vault import nowhere", tool: "vault_import", args: `{"path":"nowhere"}`, exit: 2, kind: "invalid"},
	{cli: "vault import broken", tool: "vault_import", args: `{"path":"broken"}`, exit: 2, kind: "invalid"},
	{cli: "vault remove SENTRY_AUTH_TOKEN --scope tenant", tool: "vault_remove", args: `{"key":"SENTRY_AUTH_TOKEN","scope":"tenant"}`},
	{cli: "vault remove SLACK_BOT_TOKEN", tool: "vault_remove", args: `{"key":"SLACK_BOT_TOKEN"}`, exit: 6, kind: "conflict"},
	{cli: "vault remove SLACK_BOT_TOKEN --force", tool: "vault_remove", args: `{"key":"SLACK_BOT_TOKEN","force":true}`},
	{cli: "vault remove NOTHING", tool: "vault_remove", args: `{"key":"NOTHING"}`, exit: 3, kind: "not_found"},
	{cli: "connections kinds", tool: "connection_kinds", args: `{}`},
	{cli: "connections kinds slack", tool: "connection_kinds", args: `{"kind":"slack"}`},
	{cli: "connections kinds nonsense", tool: "connection_kinds", args: `{"kind":"nonsense"}`, exit: 2, kind: "invalid"},
	{cli: "connections create sentry --name s --vault-key SENTRY_AUTH_TOKEN --config organization=acme", tool: "connection_create",
		args: `{"kind":"sentry","name":"s","vaultKeys":{"token":"SENTRY_AUTH_TOKEN"},"config":{"organization":"acme"}}`},
	{cli: "connections create slack --name team-chat --vault-key SLACK_BOT_TOKEN", tool: "connection_create",
		args: `{"kind":"slack","name":"team-chat","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`, exit: 6, kind: "conflict"},
	{cli: "connections create slack --name two", tool: "connection_create", args: `{"kind":"slack","name":"two"}`, exit: 2, kind: "invalid"},
	{cli: "connections create github --name gh --vault-key NOTHING", tool: "connection_create",
		args: `{"kind":"github","name":"gh","vaultKeys":{"token":"NOTHING"}}`, exit: 7, kind: "credentials_missing"},
	{cli: "connections create nonsense --name x", tool: "connection_create", args: `{"kind":"nonsense","name":"x"}`, exit: 2, kind: "invalid"},
	{cli: "connections create slack", tool: "connection_create", args: `{"kind":"slack"}`, exit: 2, kind: "invalid"},
	{cli: "connections list", tool: "connection_list", args: `{}`},
	{cli: "connections list --kind github", tool: "connection_list", args: `{"kind":"github"}`},
	{cli: "connections list --kind nonsense", tool: "connection_list", args: `{"kind":"nonsense"}`, exit: 2, kind: "invalid"},
	{cli: "connections inspect team-chat", tool: "connection_inspect", args: `{"name":"team-chat"}`},
	{cli: "connections get team-chat", tool: "connection_inspect", args: `{"name":"team-chat"}`},
	{cli: "connections inspect nothing", tool: "connection_inspect", args: `{"name":"nothing"}`, exit: 3, kind: "not_found"},
	{cli: "connections inspect -- -x", tool: "connection_inspect", args: `{"name":"-x"}`, exit: 2, kind: "invalid"},
	{cli: "connections remove team-chat", tool: "connection_remove", args: `{"name":"team-chat"}`},
	{cli: "connections rm nothing", tool: "connection_remove", args: `{"name":"nothing"}`, exit: 3, kind: "not_found"},
}

// commandLine returns the words of a command with the flags of a script.
func commandLine(words string) []string {
	words, rest, _ := strings.Cut(words+" ", " -- ")
	args := append(strings.Fields(words), "--no-input", "--json", "--")
	return append(args, strings.Fields(rest)...)
}

// untrust changes the workspace file.
func untrust(t *testing.T, h *home) {
	f, err := os.OpenFile(filepath.Join(h.dir, "akos.config.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("# changed\n"); err != nil {
		t.Fatal(err)
	}
}

func setenv(name string) func(*testing.T, *home) {
	return func(_ *testing.T, h *home) { h.env[name] = "fake" }
}

func readOnly(_ *testing.T, h *home) { h.env["AKOS_VAULT"] = "env" }

var connID = regexp.MustCompile(`conn_[0-9a-f]{24}`)

// TestFaces asks both faces the same, each in the same home made anew.
func TestFaces(t *testing.T) {
	used := map[string]bool{}
	for _, row := range rows {
		used[row.tool] = true
		t.Run(row.cli, func(t *testing.T) {
			h := newHome(t)
			if row.before != nil {
				row.before(t, h)
			}
			var out, errs bytes.Buffer
			exit := cli.Run(cli.System{
				In: strings.NewReader(""), Out: &out, Err: &errs, Args: commandLine(row.cli),
				Open: h.open, LookupEnv: func(string) (string, bool) { return "", false }, Executable: os.Executable,
			})
			h.env = map[string]string{"AKOS_VAULT": "file"}
			h.fill(t)
			if row.before != nil {
				row.before(t, h)
			}
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.ask(initialize)
			c.send(initialized + "\n")
			r := c.ask(request(1, row.tool, row.args))
			if rest := c.end(); len(rest) > 0 {
				t.Errorf("more answers: %q", rest)
			}

			if exit != row.exit {
				t.Errorf("exit %d, want %d\n%s", exit, row.exit, &errs)
			}
			if r.Error != nil {
				t.Fatalf("JSON-RPC error: %s", r.raw)
			}
			if r.Result.IsError != (exit != 0 && !row.finding) {
				t.Errorf("exit %d, isError %v: %.500s", exit, r.Result.IsError, r.text())
			}
			var failed struct {
				Error struct{ Kind, Message string }
			}
			if exit != 0 {
				if err := json.Unmarshal(errs.Bytes(), &failed); err != nil {
					t.Errorf("stderr: %v: %s", err, &errs)
				}
			}
			if row.kind != "" {
				kind, _ := r.Result.Meta["akos/kind"].(string)
				if failed.Error.Kind != row.kind || kind != row.kind {
					t.Errorf("the kinds are %q and %q, want %q", failed.Error.Kind, kind, row.kind)
				}
				if !strings.HasPrefix(r.text(), row.kind+": ") {
					t.Errorf("text %q", r.text())
				}
				if out.Len() > 0 || r.Result.Structured != nil {
					t.Errorf("a failure with a result: %s %s", &out, r.Result.Structured)
				}
				return
			}
			want := connID.ReplaceAllString(strings.TrimSuffix(out.String(), "\n"), "conn_ID")
			got := connID.ReplaceAllString(string(r.Result.Structured), "conn_ID")
			if got != want {
				t.Errorf("the faces differ\ncli %.500s\nmcp %.500s", want, got)
			}
			if text := connID.ReplaceAllString(r.text(), "conn_ID"); text != got {
				t.Errorf("text and structuredContent differ\n%.500s\n%.500s", text, got)
			}
			fits(t, row.tool, r.Result.Structured)
		})
	}
	for _, tool := range tools.Catalog() {
		if tool.CLIOnly == "" && !used[tool.ID()] {
			t.Errorf("no row for %s", tool.ID())
		}
	}
}

// fits checks a result against the output schema of its tool, as clients do.
func fits(t *testing.T, id string, result json.RawMessage) {
	t.Helper()
	tool, ok := tools.Lookup(id)
	if !ok {
		t.Fatal(id)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(tool.Encoded().Out, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(result, &v); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(v); err != nil {
		t.Errorf("%s: the result does not fit its output schema: %v", id, err)
	}
}
