package mcpserver_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// personal are the beginnings of commands for a person.
var personal = regexp.MustCompile(`^(akos [a-z]|export [A-Z]|unset [A-Z])`)

// leads fails the test unless the last line of an error is a hint: a call of
// an offered tool that fits its schema, or a command.
func leads(t *testing.T, r response, offered []string) (hint string) {
	t.Helper()
	if r.Result == nil || !r.Result.IsError {
		t.Errorf("no failure: %.300s", r.raw)
		return ""
	}
	_, hint, ok := strings.Cut(r.text(), "\nhint: ")
	if !ok || strings.Contains(hint, "\n") {
		t.Errorf("no hint, or more than one line: %s", r.text())
		return ""
	}
	call := hintCall.FindStringSubmatch("hint: " + hint)
	if call == nil {
		if !personal.MatchString(hint) {
			t.Errorf("the hint is neither a call nor a command: %s", r.text())
		}
		return hint
	}
	tool, ok := tools.Lookup(call[1])
	if !ok || !slices.Contains(offered, call[1]) {
		t.Fatalf("the hint calls what is not offered: %s", r.text())
	}
	var args any
	resolved, err := tool.In(true).Resolve(nil)
	if err == nil {
		err = json.Unmarshal([]byte(call[2]), &args)
	}
	if err == nil {
		err = resolved.Validate(args)
	}
	if err != nil {
		t.Errorf("the call of the hint is wrong: %v: %s", err, r.text())
	}
	return hint
}

// wrongs returns arguments of tool that break each rule of its schema once.
func wrongs(tool *tools.Tool) map[string]string {
	s := tool.In(true)
	right := map[string]any{}
	for _, name := range s.Required {
		right[name] = "slack" // no tool requires another type
	}
	encode := func(change string, v any) string {
		args := maps.Clone(right)
		if args[change] = v; v == nil {
			delete(args, change)
		}
		b, err := json.Marshal(args)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	all := map[string]string{
		"no object":           `["slack"]`,
		"an unknown argument": encode("value", "hush"),
		"a doubled member":    `{"a":1,"a":2}`,
		"a credential":        encode("x", fakeToken()),
	}
	for _, name := range s.Required {
		all[name+" is missing"] = encode(name, nil)
	}
	for name, p := range s.Properties {
		all[name+" of another type"] = encode(name, 1)
		switch {
		case len(p.Enum) > 0:
			all[name+" is none of them"] = encode(name, "hush")
		case p.Items != nil:
			all["an element of another type in "+name] = encode(name, []int{1})
			if len(p.Items.Enum) > 0 {
				all["an element of "+name+" is none of them"] = encode(name, []string{"hush"})
			}
		}
	}
	return all
}

// TestEveryErrorLeadsOn breaks every rule of every schema: whatever the
// operator's flags are, each error says the next call or command, and nothing
// of what was sent.
func TestEveryErrorLeadsOn(t *testing.T) {
	all := map[string]mcpserver.Options{"everything": {}, "read-only": {ReadOnly: true}}
	for _, tool := range tools.Catalog() {
		if tool.CLIOnly == "" {
			all[tool.ID()+" alone"] = mcpserver.Options{Tools: []string{tool.ID()}}
		}
	}
	for name, opts := range all {
		t.Run(name, func(t *testing.T) {
			c := connect(t, newHome(t).server(t, opts))
			var offered []string
			for _, d := range c.ask(list).Result.Tools {
				var named struct{ Name string }
				if err := json.Unmarshal(d, &named); err != nil {
					t.Fatal(err)
				}
				offered = append(offered, named.Name)
			}
			if len(offered) == 0 {
				t.Fatal("no tools")
			}
			for _, id := range offered {
				tool, _ := tools.Lookup(id)
				for what, args := range wrongs(tool) {
					t.Run(id+"/"+what, func(t *testing.T) {
						r := c.ask(request(1, id, args))
						leads(t, r, offered)
						if strings.Contains(r.text(), "hush") {
							t.Errorf("it repeats what was sent: %s", r.text())
						}
					})
				}
			}
		})
	}
}

// TestHints says where some errors lead.
func TestHints(t *testing.T) {
	for _, row := range []struct {
		tool, args, hint string
		readOnly         string // the hint of a server that only looks; "" where it has no such tool
	}{
		{"vault_put", `{"value":"hush"}`, `vault_put {"key":"NAME"}`, ""},
		{"vault_put", `{"key":"A","value":"hush"}`, `vault_put {"key":"NAME"}`, ""},
		{"vault_put", `{"key":"` + fakeToken() + `"}`, `vault_put {"key":"NAME"}`, ""},
		{"creds_set", `{"value":"hush"}`, `creds_check {}`, ""},
		{"creds_set", `{"provider":"ollama"}`, `creds_list {"provider":["ollama"]}`, ""}, // it has none
		{"creds_set", `{"provider":"twilio"}`, `akos creds set twilio`, ""},              // it has two keys
		{"creds_set", `{"provider":"twilio","scope":"tenant"}`, `akos creds set twilio --scope tenant`, ""},
		{"creds_list", `{"kind":["hush"]}`, `creds_list {}`, `creds_list {}`},
		{"creds_list", `{"provider":["` + fakeToken() + `"]}`, `vault_put {"key":"NAME"}`, `akos vault put NAME`},
		{"creds_check", `{"secretsFile":"nowhere"}`, `creds_check {}`, `creds_check {}`},
		{"vault_list", `{"scope":"hush"}`, `vault_list {}`, `vault_list {}`},
		{"vault_import", `{"path":".env","only":["ZZ"]}`, `vault_import {"path":".env"}`, ""},
		{"auth_login", `{"scope":"bogus"}`, `workspace_status {}`, ""}, // no server can be reached
		{"connection_kinds", `{"kind":"hush"}`, `connection_kinds {}`, `connection_kinds {}`},
		{"connection_list", `{"kind":"hush"}`, `connection_kinds {}`, `connection_kinds {}`},
		{"connection_inspect", `{}`, `connection_list {}`, `connection_list {}`},
		{"connection_create", `{"kind":"hush","name":"x"}`, `connection_kinds {}`, ""},
		{"tenant_use", `{}`, `tenant_list {}`, ""},
	} {
		t.Run(fmt.Sprintf("%s %.60s", row.tool, row.args), func(t *testing.T) {
			for _, readOnly := range []bool{false, true} {
				want := row.hint
				if readOnly {
					want = row.readOnly
				}
				if want == "" {
					continue
				}
				h := newHome(t)
				r := connect(t, h.server(t, mcpserver.Options{ReadOnly: readOnly})).ask(request(1, row.tool, row.args))
				_, got, _ := strings.Cut(r.text(), "\nhint: ")
				if got, _, _ = strings.Cut(got, " --workspace "); got != want {
					t.Errorf("read-only %v: want %s\n%s", readOnly, want, r.text())
				}
			}
		})
	}
}

// TestNextCalls: what a result says to do next is a call for an agent, where
// there is a tool for it, and the command beside it is for its person.
func TestNextCalls(t *testing.T) {
	type status struct{ Next, NextCall string }
	type check struct {
		Results []struct {
			Status  string
			Missing []struct{ Next string }
			Invalid []struct{ Next string }
		}
	}
	h := newHome(t)
	if err := os.WriteFile(filepath.Join(h.dir, ".env"), []byte("GITHUB_TOKEN=' fake'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const look = `creds_check {"provider":["github"],"secretsFile":".env"}` // once the file is edited
	for name, row := range map[string]struct {
		opts           mcpserver.Options
		call, put, bad string
	}{
		"everything":     {mcpserver.Options{}, `creds_check {}`, `creds_set {"key":"LINEAR_API_KEY"}`, look},
		"read-only":      {mcpserver.Options{ReadOnly: true}, `creds_check {}`, `akos vault put LINEAR_API_KEY`, look},
		"no creds_check": {mcpserver.Options{Tools: []string{"workspace_status"}}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, h.server(t, row.opts))
			var st status
			if err := json.Unmarshal(c.ask(request(1, "workspace_status", `{}`)).Result.Structured, &st); err != nil {
				t.Fatal(err)
			}
			if st.Next != "akos creds check" || st.NextCall != row.call {
				t.Errorf("%+v", st)
			}
			if row.put == "" {
				return
			}
			var got check
			if err := json.Unmarshal(c.ask(request(2, "creds_check", `{"provider":["linear","github"],"secretsFile":".env"}`)).Result.Structured, &got); err != nil {
				t.Fatal(err)
			}
			var next []string
			for _, r := range got.Results {
				for _, m := range append(r.Missing, r.Invalid...) {
					call, _, _ := strings.Cut(m.Next, " --workspace ")
					next = append(next, call)
				}
			}
			if want := []string{row.bad, row.put}; !slices.Equal(next, want) {
				t.Errorf("%q, want %q", next, want)
			}
		})
	}
}

// TestGuideConnects makes the call with which the guide connects what is
// stored; once made, it is named no more.
func TestGuideConnects(t *testing.T) {
	h := newHome(t)
	h.store(t, "STRIPE_SECRET_KEY", workspace.ScopeWorkspace, "fake")
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(initialize)
	const args = `{"kind":"stripe","name":"stripe","vaultKeys":{"token":"STRIPE_SECRET_KEY"}}`
	named := func() bool {
		return strings.Contains(c.read1("akos://guide").Result.Contents[0].Text, "\nconnection_create "+args+"\n")
	}
	if !named() {
		t.Fatal("the guide does not name it")
	}
	if r := c.ask(request(1, "connection_create", args)); r.Result == nil || r.Result.IsError {
		t.Fatal(r.raw)
	}
	if named() {
		t.Error("the guide names it again")
	}
}
