package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/agefile"
	"example.com/akos/workspace/project"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

// agent returns the session of an agent in a workspace of its own, with a
// real state and values sealed under a key in a file.
func agent(t testing.TB) Session {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	env := func(name string) (string, bool) {
		if name == "AKOS_VAULT" {
			return "file", true
		}
		return "", false
	}
	db := state.New(home)
	t.Cleanup(func() { db.Close() })
	w := workspace.New(workspace.Options{
		Project: &project.Finder{Dir: dir}, Store: db, Courier: agefile.Courier{},
		Keys: vault.New(vault.Options{Home: home, LookupEnv: env}), LookupEnv: env,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Log: slog.New(slog.DiscardHandler), Actor: "mcp", Version: "test", Home: home,
	})
	if _, err := w.Init(t.Context(), workspace.InitRequest{Dir: dir, ID: "app"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("SLACK_BOT_TOKEN=a-value-for-tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Session{Workspace: w, Human: NoHuman{}, Agent: true}
}

// fake returns what looks like a credential and is none: it is made here, so
// that no file of the repository holds one.
func fake(mark string) string { return mark + strings.Repeat("FAKE0fake1", 4) }

// call calls a tool as an agent.
func call(ctx context.Context, s Session, id, args string) error {
	tool, ok := Lookup(id)
	if !ok {
		return fmt.Errorf("no tool %s", id)
	}
	_, err := tool.Call(ctx, s, json.RawMessage(args))
	return err
}

func TestCheck(t *testing.T) {
	s := agent(t)
	deep := func(n int) string {
		return `{"kind":"cron","name":"x","config":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + `}`
	}
	for _, tt := range []struct{ name, tool, args, says string }{
		{"unknown argument", "vault_list", `{"needle-one":1}`, "unknown argument; the arguments are scope"},
		{"no arguments at all", "auth_status", `{"needle-one":1}`, "takes no arguments"},
		{"missing", "vault_put", `{}`, "the argument key is missing"},
		{"missing beside others", "connection_create", `{"name":"needle-one"}`, "the argument kind is missing"},
		{"wrong type", "vault_put", `{"key":12345678}`, "key must be a string"},
		{"null member", "vault_list", `{"scope":null}`, "scope must be one of workspace, tenant"},
		{"bool for a list", "vault_import", `{"path":".env","only":true}`, "only must be a list, each a string"},
		{"string for a list", "creds_check", `{"kind":"needle-one"}`, "kind must be a list, each one of"},
		{"string for a bool", "vault_remove", `{"key":"A","force":"needle-one"}`, "force must be a boolean"},
		{"list for an object", "connection_create", `{"kind":"cron","name":"x","vaultKeys":["needle-one"]}`, "vaultKeys must be an object"},
		{"enum", "vault_list", `{"scope":"needle-one"}`, "scope must be one of workspace, tenant"},
		{"enum in a list", "creds_list", `{"kind":["llm","needle-one"]}`, "kind must be a list, each one of"},
		{"no case folding", "vault_put", `{"Key":"needle-one"}`, "key is missing"},
		{"no case folding beside", "vault_put", `{"key":"A","KEY":"needle-one"}`, "unknown argument"},
		{"duplicate", "vault_list", `{"scope":"workspace","scope":"tenant"}`, "a member twice"},
		{"escaped duplicate", "vault_list", `{"scope":"workspace","\u0073cope":"tenant"}`, "a member twice"},
		{"deep duplicate", "connection_create", `{"kind":"cron","name":"x","config":{"a":[{"b":1,"b":2}]}}`, "a member twice"},
		{"duplicate after a list", "connection_create", `{"kind":"cron","name":"x","config":{"a":[1,{}],"a":2}}`, "a member twice"},
		{"array", "vault_list", `["needle-one"]`, "not a JSON object"},
		{"string", "vault_list", `"needle-one"`, "not a JSON object"},
		{"number", "vault_list", `12345678`, "not a JSON object"},
		{"two documents", "vault_list", `{} {"needle-one":1}`, "not a JSON object"},
		{"cut off", "vault_list", `{"scope":"needle-one`, "not a JSON object"},
		{"NaN", "connection_create", `{"kind":"cron","name":"x","config":{"a":NaN}}`, "not a JSON object"},
		{"infinite", "connection_create", `{"kind":"cron","name":"x","config":{"a":1e999}}`, "not a JSON object"},
		{"no UTF-16", "vault_put", `{"key":"\ud800needle-one"}`, "a key name is"},
		{"huge integer", "connection_create", `{"kind":"cron","name":"x","config":{"a":` + strings.Repeat("9", 400) + `}}`, "not a JSON object"},
		{"too deep", "connection_create", deep(100_000), "not a JSON object"},
		{"deep", "connection_create", deep(9_000), "there is no field a"},
		{"only brackets", "vault_list", strings.Repeat("[", 1<<20), "not a JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			err := call(t.Context(), s, tt.tool, tt.args)
			if err == nil {
				t.Fatal("no error")
			}
			e := workspace.Explain(err)
			if e.Kind != workspace.Invalid || !strings.Contains(e.Msg, tt.says) {
				t.Errorf("%s: %s, want %q", e.Kind, e.Msg, tt.says)
			}
			for _, echo := range []string{"needle-one", "12345678"} {
				if strings.Contains(e.Msg+e.Hint+err.Error(), echo) {
					t.Errorf("echoes %s: %v", echo, err)
				}
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
	for _, tt := range []struct{ tool, args string }{
		{"vault_list", ``}, {"vault_list", `null`}, {"vault_list", ` null `}, {"vault_list", `{}`}, {"vault_list", ` {} `},
		{"vault_list", `{"scope":"tenant"}`},
		{"creds_check", `{"provider":["slack"],"kind":["integration"],"airGap":false}`},
		{"connection_create", `{"kind":"cron","name":"nightly","config":{"schedule":"0 3 * * *"}}`},
	} {
		if err := call(t.Context(), s, tt.tool, tt.args); err != nil {
			t.Errorf("%s %s: %v", tt.tool, tt.args, err)
		}
	}
}

// TestCheckCredentials: what looks like a credential is refused wherever it
// stands, before anything happens, and is repeated nowhere.
func TestCheckCredentials(t *testing.T) {
	s := agent(t)
	for _, mark := range []string{"xoxb-", "ghp_", "sk-proj-", "AKIA", "postgres://u:"} {
		v := fake(mark)
		switch mark {
		case "AKIA":
			v = mark + strings.ToUpper(strings.Repeat("FAKE", 4))
		case "postgres://u:":
			v = mark + "fakefake@localhost/db"
		}
		escaped := ""
		for _, r := range v {
			escaped += fmt.Sprintf(`\u%04x`, r)
		}
		for _, tt := range []struct{ tool, args string }{
			{"vault_put", `{"key":%q}`},
			{"vault_put", `{"key":"A","reason":"it is %s, I think"}`},
			{"vault_put", `{"key":"A","value":%q}`},
			{"vault_put", `{%q:"A"}`},
			{"vault_put", `{"key":"` + escaped + `","reason":"x"}`},
			{"auth_status", `{"token":%q}`},
			{"vault_import", `{"path":%q}`},
			{"vault_import", `{"path":".env","only":["A",%q]}`},
			{"connection_create", `{"kind":"slack","name":"x","vaultKeys":{"token":%q}}`},
			{"connection_create", `{"kind":"slack","name":"x","vaultKeys":{%q:"A"}}`},
			{"connection_create", `{"kind":"cron","name":"x","config":{"a":[{"b":[%q]}]}}`},
			{"connection_create", `{"kind":%q,"name":"x"}`},
			{"connection_inspect", `{"name":%q}`},
			{"creds_set", `{"provider":%q}`},
			{"creds_check", `{"provider":[%q]}`},
			{"creds_check", `{"secretsFile":%q}`},
			{"vault_list", `{"scope":%q}`},
		} {
			args := tt.args
			if strings.Contains(args, "%q") {
				args = fmt.Sprintf(args, v)
			} else if strings.Contains(args, "%s") {
				args = fmt.Sprintf(args, v)
			}
			err := call(t.Context(), s, tt.tool, args)
			if err == nil {
				t.Errorf("%s takes a %s credential: %s", tt.tool, mark, tt.args)
				continue
			}
			e := workspace.Explain(err)
			if e.Kind != workspace.Invalid || !strings.Contains(e.Msg, "rotate it") || e.Hint == "" {
				t.Errorf("%s %s: %s: %s, hint %q", tt.tool, tt.args, e.Kind, e.Msg, e.Hint)
			}
			for i := 8; i <= len(v); i++ { // no eight bytes of it in a row
				if part := v[i-8 : i]; strings.Contains(err.Error()+e.Hint, part) {
					t.Errorf("%s %s: echoes %s", tt.tool, tt.args, part)
				}
			}
		}
	}
	// None of it was done.
	keys, err := s.Workspace.List(t.Context(), "")
	if err != nil || len(keys) > 0 {
		t.Errorf("keys %v, %v", keys, err)
	}
}

func TestAgentHint(t *testing.T) {
	for _, tt := range []struct {
		kind       workspace.Kind
		hint, want string
	}{
		{workspace.Invalid, "akos vault list", "vault_list {}"},
		{workspace.Invalid, "akos vault list --scope tenant", `vault_list {"scope":"tenant"}`},
		{workspace.Conflict, "akos vault remove K --force", `vault_remove {"force":true,"key":"K"}`},
		{workspace.Conflict, "akos vault remove K --scope tenant --force", `vault_remove {"force":true,"key":"K","scope":"tenant"}`},
		{workspace.CredentialsMissing, "akos vault put SLACK_BOT_TOKEN", `vault_put {"key":"SLACK_BOT_TOKEN"}`},
		{workspace.HumanNeeded, "akos vault put SLACK_BOT_TOKEN", "akos vault put SLACK_BOT_TOKEN"},
		{workspace.LoginNeeded, "akos auth login --server http://127.0.0.1:9000", "auth_login {}"},
		{workspace.LoginNeeded, "akos auth login --server", "akos auth login --server"},
		{workspace.NotFound, "akos connections list", "connection_list {}"},
		{workspace.Invalid, "akos connections kinds slack", `connection_kinds {"kind":"slack"}`},
		{workspace.Invalid, "akos connections create slack --name team --vault-key token=SLACK_BOT_TOKEN", `connection_create {"kind":"slack","name":"team","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`},
		{workspace.Invalid, "akos connections create twilio --name sms --vault-key accountSid=A --vault-key authToken=B", `connection_create {"kind":"twilio","name":"sms","vaultKeys":{"accountSid":"A","authToken":"B"}}`},
		{workspace.Invalid, "akos connections create slack --name team --vault-key SLACK_BOT_TOKEN", "akos connections create slack --name team --vault-key SLACK_BOT_TOKEN"},
		{workspace.Invalid, "akos connections create slack --name team --vault-key", "akos connections create slack --name team --vault-key"},
		{workspace.Invalid, "akos connections create cron --name n --config schedule=@daily", "akos connections create cron --name n --config schedule=@daily"},
		{workspace.Invalid, "akos creds list", "creds_list {}"},
		{workspace.Invalid, "akos creds list --provider slack", `creds_list {"provider":["slack"]}`},
		{workspace.Invalid, "akos creds check --provider slack --provider s3", `creds_check {"provider":["slack","s3"]}`},
		{workspace.Invalid, "akos creds list --provider", "akos creds list --provider"},
		{workspace.Invalid, "akos creds list --kind llm", "akos creds list --kind llm"}, // no rule for it
		{workspace.Denied, "akos trust /src/app", "akos trust /src/app"},                // a person's
		{workspace.Conflict, "akos vault history K", "akos vault history K"},            // CLI only
		{workspace.Internal, "akos doctor", "akos doctor"},
		{workspace.Invalid, "akos vault listing", "akos vault listing"},
		{workspace.Invalid, "akos status", "workspace_status {}"},
		{workspace.Invalid, "akos status extra", "akos status extra"},
		{workspace.Invalid, "export AKOS_VAULT=auto", "export AKOS_VAULT=auto"},
		{workspace.Invalid, "", ""},
	} {
		got, _ := AgentHint(workspace.Error{Kind: tt.kind, Hint: tt.hint})
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.hint, got, tt.want)
		}
		// What says a tool call has to be one that the tool takes.
		if id, args, ok := strings.Cut(got, " "); ok && got != tt.hint {
			tool, ok := Lookup(id)
			if !ok || tool.CLIOnly != "" || tool.agentIn().check(t.Context(), nil, json.RawMessage(args)) != nil {
				t.Errorf("%q is not a right call", got)
			}
		}
	}
}

// allowed are the arguments that an operation may name in an error: they are
// names by then, not values.
var allowed = map[string]bool{"key": true, "name": true, "path": true, "secretsFile": true, "only": true, "vaultKeys": true, "provider": true}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,31}$`)

// FuzzCall: no arguments make a tool panic, or fail as Internal, or repeat a
// string that is no name.
func FuzzCall(f *testing.F) {
	for _, tool := range forAgents() {
		for _, args := range []string{`{}`, `null`, `{"key":"OPENAI_API_KEY"}`, `{"name":"team-chat"}`, `{"scope":"tenant"}`,
			`{"provider":["slack"],"kind":["llm"]}`, `{"path":".env","only":["SLACK_BOT_TOKEN"],"rewrite":true}`,
			`{"kind":"cron","name":"n","config":{"schedule":"0 3 * * *"}}`,
			`{"kind":"twilio","name":"n","vaultKeys":{"accountSid":"SLACK_BOT_TOKEN","x y z w q":"correct horse"}}`,
			`{"kind":"webhook","name":"n","config":{"url":"https://example.com/secretpath","method":"hunter22 hunter22"}}`,
			`{"kind":"correct horse battery"}`, `{"correct horse battery":1}`} {
			f.Add(tool.ID(), args)
		}
	}
	s := agent(f)
	f.Fuzz(func(t *testing.T, id, args string) {
		tool, ok := Lookup(id)
		if !ok || tool.CLIOnly != "" {
			t.Skip()
		}
		_, err := tool.Call(t.Context(), s, json.RawMessage(args))
		if err == nil {
			return
		}
		e := workspace.Explain(err)
		if e.Kind == workspace.Internal {
			t.Fatalf("%s %s: internal: %v", id, args, err)
		}
		var v map[string]any
		if json.Unmarshal([]byte(args), &v) != nil {
			return
		}
		hint, _ := AgentHint(e)
		shown := e.Msg + "\n" + hint
		for name := range v {
			if allowed[name] {
				continue
			}
			for _, text := range texts(map[string]any{name: v[name]}) {
				if name == "config" && fieldName.MatchString(text) {
					continue // what could be the name of a field is repeated
				}
				if len(text) >= 8 && strings.Contains(shown, text) && echoes(t.Context(), s, tool, v, name, text, shown) {
					t.Errorf("%s %s: repeats %q: %s", id, args, text, shown)
				}
			}
		}
	})
}

// texts returns every string in v, names of members too.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, e := range v {
			all = append(all, texts(e)...)
		}
	case map[string]any:
		for name, e := range v {
			all = append(append(all, name), texts(e)...)
		}
	}
	return all
}

// echoes reports whether the error has text because the arguments do: with
// another in its place the error is another.
func echoes(ctx context.Context, s Session, tool *Tool, v map[string]any, name, text, shown string) bool {
	b, err := json.Marshal(map[string]any{name: v[name]})
	if err != nil {
		return false
	}
	quoted, _ := json.Marshal(text)
	other := strings.Repeat("q", len(text))
	b = []byte(strings.ReplaceAll(string(b), strings.Trim(string(quoted), `"`), other))
	changed := map[string]any{}
	for n, e := range v {
		changed[n] = e
	}
	delete(changed, name)
	var part map[string]any
	if json.Unmarshal(b, &part) != nil {
		return false
	}
	for n, e := range part {
		changed[n] = e
	}
	args, err := json.Marshal(changed)
	if err != nil {
		return false
	}
	_, err = tool.Call(ctx, s, args)
	if err == nil {
		return false
	}
	e := workspace.Explain(err)
	hint, _ := AgentHint(e)
	again := e.Msg + "\n" + hint
	return again == strings.ReplaceAll(shown, text, other)
}

// FuzzKeyName: a name that is taken as a key is one line of few letters, and
// one that is refused is not repeated.
func FuzzKeyName(f *testing.F) {
	for _, seed := range []string{"", "A", "OPENAI_API_KEY", "a.b-c", "1A", "A B", "A\nB", "ключ", strings.Repeat("A", 129), "--force", "${vault:a}", fake("ghp_")} {
		f.Add(seed)
	}
	s := agent(f)
	f.Fuzz(func(t *testing.T, key string) {
		args, err := json.Marshal(map[string]string{"key": key})
		if err != nil {
			t.Skip()
		}
		err = call(t.Context(), s, "vault_put", string(args))
		if err == nil {
			t.Fatalf("%q: stored without a person", key)
		}
		e := workspace.Explain(err)
		valid := len(key) > 0 && len(key) <= 128 && strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_.-") == "" &&
			!strings.ContainsAny(key[:1], "0123456789.-")
		switch {
		case e.Kind == workspace.HumanNeeded:
			if !valid || e.Hint != "akos vault put "+key {
				t.Errorf("%q is taken; hint %q", key, e.Hint)
			}
		case e.Kind != workspace.Invalid:
			t.Errorf("%q: %s: %v", key, e.Kind, err)
		case valid && !strings.Contains(e.Msg, "looks like a credential"):
			t.Errorf("%q is refused: %v", key, err)
		case len(key) >= 8 && strings.Contains(e.Msg+e.Hint, key):
			t.Errorf("repeats %q: %v", key, err)
		}
	})
}
