package clientconfig

import (
	"os"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

var shortEntry = Entry{Command: "/x"}

// TestJSONForms holds the text that each way of writing a file leads to.
func TestJSONForms(t *testing.T) {
	for _, tt := range []struct{ name, in, out string }{
		{"new", "", "{\n  \"mcpServers\": {\n    \"akos\": {\n      \"command\": \"/x\",\n      \"args\": []\n    }\n  }\n}\n"},
		{"minified", `{"a":1}`, `{"a":1,"mcpServers":{"akos":{"command":"/x","args":[]}}}`},
		{"one line", `{"a": 1, "mcpServers": {}}`, `{"a": 1, "mcpServers": {"akos": {"command": "/x", "args": []}}}`},
		{"tabs", "{\n\t\"mcpServers\": {}\n}", "{\n\t\"mcpServers\": {\n\t\t\"akos\": {\n\t\t\t\"command\": \"/x\",\n\t\t\t\"args\": []\n\t\t}\n\t}\n}"},
		{"trailing comma", "{\n \"a\": 1,\n}", "{\n \"a\": 1,\n \"mcpServers\": {\n  \"akos\": {\n   \"command\": \"/x\",\n   \"args\": []\n  }\n },\n}"},
		{"comment at the end", "{\"a\":1 // one\n}", "{\"a\":1, // one\n  \"mcpServers\": {\n    \"akos\": {\n      \"command\": \"/x\",\n      \"args\": []\n    }\n  }\n}"},
		{"comment in braces", "{\"mcpServers\":{/* none */}}", "{\"mcpServers\":{/* none */\n    \"akos\": {\n      \"command\": \"/x\",\n      \"args\": []\n    }\n  }}"},
		{"not an object", `{"mcpServers":{"akos":null}}`, `{"mcpServers":{"akos":{"command":"/x","args":[]}}}`},
		{"no args", `{"mcpServers":{"akos":{"command":"/x"}}}`, `{"mcpServers":{"akos":{"command":"/x"}}}`},
		{"only command", `{"mcpServers":{"akos":{"args":["a"],"command":"\u002fx","env":{}}}}`, `{"mcpServers":{"akos":{"args":["a"],"command":"\u002fx","env":{}}}}`},
		{"wrong type", `{"mcpServers":{"akos":{"type":"http","command":"/x"}}}`, `{"mcpServers":{"akos":{"type":"stdio","command":"/x"}}}`},
		{"escaped key", `{"mcp\u0053ervers":{}}`, `{"mcp\u0053ervers":{"akos":{"command":"/x","args":[]}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, r := mergeJSON([]byte(tt.in), keyOf(t, "cursor"), shortEntry)
			if r != nil {
				t.Fatal(r.in("f", client{}))
			}
			if string(out) != tt.out {
				t.Errorf("got\n%s\nwant\n%s", out, tt.out)
			}
		})
	}
}

func TestJSONAddsWhatIsMissing(t *testing.T) {
	in := "{\"servers\": {\n    \"akos\": {\n        \"env\": {} // mine\n    }\n}}"
	want := "{\"servers\": {\n    \"akos\": {\n        \"env\": {}, // mine\n        \"type\": \"stdio\",\n        \"command\": \"/x\"\n    }\n}}"
	if out, _, r := mergeJSON([]byte(in), keyOf(t, "vscode"), shortEntry); r != nil || string(out) != want {
		t.Errorf("%v\n%s", r, out)
	}
}

// envEntry has one variable that counts and one that must not.
var envEntry = Entry{Command: "/x", Env: []Variable{{"AKOS_HOME", "/h"}, {"AKOS_VAULT", ""}}}

// TestJSONEnv holds the text for each state that the environment of an entry
// can be in.
func TestJSONEnv(t *testing.T) {
	for _, tt := range []struct{ name, in, out string }{
		{"new", `{"a":1}`, `{"a":1,"mcpServers":{"akos":{"command":"/x","args":[],"env":{"AKOS_HOME":"/h"}}}}`},
		{"none", "{\n \"mcpServers\": {\n  \"akos\": {\n   \"command\": \"/x\"\n  }\n }\n}", "{\n \"mcpServers\": {\n  \"akos\": {\n   \"command\": \"/x\",\n   \"env\": {\n    \"AKOS_HOME\": \"/h\"\n   }\n  }\n }\n}"},
		{"empty", "{\n \"mcpServers\": {\n  \"akos\": {\n   \"command\": \"/x\",\n   \"env\": {}\n  }\n }\n}", "{\n \"mcpServers\": {\n  \"akos\": {\n   \"command\": \"/x\",\n   \"env\": {\n    \"AKOS_HOME\": \"/h\"\n   }\n  }\n }\n}"},
		{"null", `{"mcpServers":{"akos":{"command":"/x","env":null}}}`, `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_HOME":"/h"}}}}`},
		{"others", `{"mcpServers":{"akos":{"command":"/x","env":{/* a */"A":"1"}}}}`, `{"mcpServers":{"akos":{"command":"/x","env":{/* a */"A":"1","AKOS_HOME":"/h"}}}}`},
		{"old", `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_HOME":"/old","A":"1"}}}}`, `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_HOME":"/h","A":"1"}}}}`},
		{"not set any more", `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_VAULT":"file","AKOS_HOME":7}}}}`, `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_VAULT":"","AKOS_HOME":"/h"}}}}`},
		{"same", `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_VAULT":"","AKOS_HOME":"/h"}}}}`, `{"mcpServers":{"akos":{"command":"/x","env":{"AKOS_VAULT":"","AKOS_HOME":"/h"}}}}`},
		{"and the command", `{"mcpServers":{"akos":{"env":{}}}}`, `{"mcpServers":{"akos":{"env":{"AKOS_HOME":"/h"},"command":"/x"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, r := mergeJSON([]byte(tt.in), keyOf(t, "cursor"), envEntry)
			if r != nil {
				t.Fatal(r.in("f", client{}))
			}
			if string(out) != tt.out {
				t.Errorf("got\n%s\nwant\n%s", out, tt.out)
			}
		})
	}
}

// TestTOMLEnv: the same in each form that TOML has for it.
func TestTOMLEnv(t *testing.T) {
	const table, own = "[mcp_servers.akos]\ncommand = \"/x\"\nargs = []\n", "[mcp_servers.akos]\ncommand = \"/x\"\n"
	for _, tt := range []struct{ name, in, out string }{
		{"new", "", table + "\n[mcp_servers.akos.env]\nAKOS_HOME = \"/h\"\n"},
		{"none", own + "z = 1\n[t]\n", own + "env = { AKOS_HOME = \"/h\" }\nz = 1\n[t]\n"},
		{"bare table", "[mcp_servers.akos]", "[mcp_servers.akos]\ncommand = \"/x\"\nenv = { AKOS_HOME = \"/h\" }"},
		{"table", own + "[mcp_servers.akos.env]\n  A = '1' # a\n\n[t]\n", own + "[mcp_servers.akos.env]\n  A = '1' # a\n  AKOS_HOME = \"/h\"\n\n[t]\n"},
		{"empty table", own + "[mcp_servers.akos.env] # e\n[t]\n", own + "[mcp_servers.akos.env] # e\nAKOS_HOME = \"/h\"\n[t]\n"},
		{"dotted key in the table", own + "[mcp_servers.akos.env]\nA.b = 1\n", own + "[mcp_servers.akos.env]\nAKOS_HOME = \"/h\"\nA.b = 1\n"},
		{"only the table", "[mcp_servers.akos.env]\nA = '1'", "[mcp_servers.akos.env]\nA = '1'\nAKOS_HOME = \"/h\"\n\n" + table},
		{"inline", own + "env = { A = '1' }\n", own + "env = { A = '1', AKOS_HOME = \"/h\" }\n"},
		{"empty inline", own + "env = {}\n", own + "env = { AKOS_HOME = \"/h\" }\n"},
		{"dotted", own + "env.A = '1'\n", own + "env.A = '1'\nenv.AKOS_HOME = \"/h\"\n"},
		{"inline entry", "mcp_servers.akos = { command = '/x' }\n", "mcp_servers.akos = { command = '/x', env = { AKOS_HOME = \"/h\" } }\n"},
		{"old", own + "[mcp_servers.akos.env]\nAKOS_HOME = '/old' # o\nA = '1'\n", own + "[mcp_servers.akos.env]\nAKOS_HOME = \"/h\" # o\nA = '1'\n"},
		{"not set any more", own + "env = { AKOS_VAULT = 'file', AKOS_HOME = 7 }\n", own + "env = { AKOS_VAULT = \"\", AKOS_HOME = \"/h\" }\n"},
		{"same", own + "env = { AKOS_VAULT = '', AKOS_HOME = '/h' }\n", own + "env = { AKOS_VAULT = '', AKOS_HOME = '/h' }\n"},
		{"crlf", "[mcp_servers.akos.env]\r\nA = '1'\r\n[mcp_servers.akos]\r\ncommand = '/x'\r\n", "[mcp_servers.akos.env]\r\nA = '1'\r\nAKOS_HOME = \"/h\"\r\n[mcp_servers.akos]\r\ncommand = '/x'\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, r := mergeTOML([]byte(tt.in), keyOf(t, "codex"), envEntry)
			if r != nil {
				t.Fatal(r.in("f", client{}))
			}
			if string(out) != tt.out {
				t.Errorf("got\n%s\nwant\n%s", out, tt.out)
			}
		})
	}
}

// TestTOMLForms holds the text for each form in which TOML can say the same.
func TestTOMLForms(t *testing.T) {
	e := Entry{Command: `C:\it\akos-mcp.exe`, Workspace: "a"}
	const cmd, args = `'C:\it\akos-mcp.exe'`, `["--workspace", "a"]`
	table := "[mcp_servers.akos]\ncommand = " + cmd + "\nargs = " + args + "\n"
	for _, tt := range []struct{ name, in, out string }{
		{"new", "", table},
		{"append", "a = 1", "a = 1\n\n" + table},
		{"nan", "a = nan\n", "a = nan\n\n" + table},
		{"table", "[mcp_servers.akos]\ncommand='x' # c\n  args=[]\nz=1\n", "[mcp_servers.akos]\ncommand=" + cmd + " # c\n  args=" + args + "\nz=1\n"},
		{"quoted", "[ mcp_servers . \"akos\" ]\n  command = \"x\"\n", "[ mcp_servers . \"akos\" ]\n  command = " + cmd + "\n  args = " + args + "\n"},
		{"bare table", "[mcp_servers.akos] # c", "[mcp_servers.akos] # c\ncommand = " + cmd + "\nargs = " + args},
		{"dotted", "[mcp_servers]\nakos.command = 'x' # c\nb.command = 'b'\n", "[mcp_servers]\nakos.command = " + cmd + " # c\nakos.args = " + args + "\nb.command = 'b'\n"},
		{"dotted at the top", "mcp_servers.akos.command = 'x'\n[t]\n", "mcp_servers.akos.command = " + cmd + "\nmcp_servers.akos.args = " + args + "\n[t]\n"},
		{"inline", "mcp_servers = { akos = { command = 'x', z = 1 }, b = {} }\n", "mcp_servers = { akos = { command = " + cmd + ", args = " + args + ", z = 1 }, b = {} }\n"},
		{"env only", "[mcp_servers.akos.env]\nA.b = '1'\n", "[mcp_servers.akos.env]\nA.b = '1'\n\n" + table},
		{"in a string", "a = '''\n[mcp_servers.akos]\n'''\n", "a = '''\n[mcp_servers.akos]\n'''\n\n" + table},
		{"same", "[mcp_servers.akos]\nargs = [ '--workspace=a' ]\ncommand = \"C:\\\\it\\\\akos-mcp.exe\"\n", "[mcp_servers.akos]\nargs = [ '--workspace=a' ]\ncommand = \"C:\\\\it\\\\akos-mcp.exe\"\n"},
		{"crlf", "[mcp_servers.akos]\r\ncommand='x'\r\n", "[mcp_servers.akos]\r\ncommand=" + cmd + "\r\nargs = " + args + "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, r := mergeTOML([]byte(tt.in), keyOf(t, "codex"), e)
			if r != nil {
				t.Fatal(r.in("f", client{}))
			}
			if string(out) != tt.out {
				t.Errorf("got\n%s\nwant\n%s", out, tt.out)
			}
		})
	}
}

// TestOnlyOurs: an edit that does not do what it should is seen.
func TestOnlyOurs(t *testing.T) {
	for _, tt := range []struct {
		before, after string
		want          bool
	}{
		{"", "[s.akos]\ncommand = '/x'\nenv.AKOS_HOME = '/h'", true},
		{"", "[s.akos]\ncommand = '/x'\nenv = { AKOS_HOME = '/h', AKOS_VAULT = '' }", true},
		{"", "[s.akos]\ncommand = '/x'", false},
		{"", "[s.akos]\ncommand = '/x'\nenv.AKOS_HOME = '/old'", false},
		{"", "[s.akos]\ncommand = '/x'\nenv = { AKOS_HOME = '/h', AKOS_VAULT = 'file' }", false},
		{"", "[s.akos]\ncommand = '/x'\nenv = { AKOS_HOME = '/h', A = '1' }", false},
		{"[s.akos]\nenv.A = '1'", "[s.akos]\ncommand = '/x'\nenv.AKOS_HOME = '/h'", false},
	} {
		before, r := decode([]byte(tt.before))
		after, r2 := decode([]byte(tt.after))
		if r != nil || r2 != nil {
			t.Fatal(r, r2)
		}
		if got := onlyOurs(before, after, "s", envEntry); got != tt.want {
			t.Errorf("%q is %v", tt.after, got)
		}
	}
}

func TestTOMLString(t *testing.T) {
	for _, s := range []string{"", "a", `C:\a'b`, "a\nb\x00\x7f\t", `"`, "é\u2028", `C:\ü`} {
		out, _, r := mergeTOML(nil, keyOf(t, "codex"), Entry{Command: s, Workspace: s})
		if r != nil {
			t.Errorf("%q: %v\n%s", s, r, out)
		}
	}
}

// TestRefused holds the files that are left alone, and why.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1)
	for _, tt := range []struct {
		client, in string
		kind       workspace.Kind
		says       string
	}{
		{"cursor", "{\n\"a\": " + canary + "\n}", workspace.Invalid, "line 2: not valid JSON"},
		{"cursor", `{"a": "` + canary + "\x01\"}", workspace.Invalid, "line 1: not valid JSON"},
		{"cursor", "\n[]", workspace.Invalid, "line 2: it does not hold an object"},
		{"cursor", "{\n\n\"mcpServers\": [\"" + canary + "\"]}", workspace.Invalid, "line 3: mcpServers is not an object"},
		{"cursor", `{"mcpServers": null}`, workspace.Invalid, "mcpServers is not an object"},
		{"cursor", "{\"mcpServers\": {},\n\"mcpServers\": {}}", workspace.Invalid, "line 2: mcpServers stands there twice"},
		{"cursor", `{"mcpServers": {"akos":{},"akos":{}}}`, workspace.Invalid, "akos stands there twice"},
		{"cursor", `{"mcpServers": {"akos":{"command":1,"command":2}}}`, workspace.Invalid, "command stands there twice"},
		{"cursor", `{"mcpServers": {"akos":{"url":"http://` + canary + `"}}}`, workspace.Conflict, "by a URL"},
		{"cursor", `{"mcpServers": {"akos":{"env":{"AKOS_HOME":"","AKOS_HOME":""}}}}`, workspace.Invalid, "AKOS_HOME stands there twice"},
		{"cursor", "{\"mcpServers\": {\"akos\":{\n\"env\": \"" + canary + "\"}}}", workspace.Invalid, "line 2: the env of the entry akos is not an object"},
		{"cursor", `{"mcpServers": {"akos":{"env":["` + canary + `"]}}}`, workspace.Invalid, "is not an object"},
		{"cursor", deep, workspace.Invalid, "nested"},
		{"cursor", "{", workspace.Invalid, "not valid JSON"},
		{"codex", "a = 1\nb = " + canary, workspace.Invalid, "line 2: not valid TOML"},
		{"codex", "a = 1\na = 2\n", workspace.Invalid, "not valid TOML"},
		{"codex", "mcp_servers = 1\n", workspace.Invalid, "line 1: mcp_servers is not a table"},
		{"codex", "[mcp_servers]\nakos = '" + canary + "'\n", workspace.Invalid, "not a table"},
		{"codex", "\nmcp_servers = { b = {} }\n", workspace.Invalid, "line 2: the servers are written in a form"},
		{"codex", "mcp_servers = { akos = { z = 1 } }\n", workspace.Invalid, "in a form"},
		{"codex", "[[mcp_servers]]\n", workspace.Invalid, "in a form"},
		{"codex", "[[mcp_servers.akos]]\n", workspace.Invalid, "in a form"},
		{"codex", "[mcp_servers.akos]\nenv = '" + canary + "'\n", workspace.Invalid, "in a form"},
		{"codex", "[mcp_servers.akos]\n[mcp_servers.akos.env.sub]\n", workspace.Invalid, "in a form"},
		{"codex", "[mcp_servers.akos]\nurl = '" + canary + "'\n", workspace.Conflict, "line 2: the entry akos reaches akos-mcp by a URL"},
	} {
		h := newFiles(t, "linux", nil)
		path, _ := keyOf(t, tt.client).path(h)
		put(t, path, tt.in, 0o600)
		_, err := h.Write(tt.client, envEntry)
		wantKind(t, err, tt.kind)
		if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.40q: %v does not say %q", tt.in, err, tt.says)
		}
		if string(get(t, path)) != tt.in || glob(t, path+"?*") != nil {
			t.Errorf("%.40q: something was changed", tt.in)
		}
	}
}

// TestLarge checks that the time grows with the file and not with its square,
// for ~/.claude.json reaches tens of megabytes, and that there is a limit.
func TestLarge(t *testing.T) {
	h := newFiles(t, "linux", nil)
	path, _ := keyOf(t, "claude-code").path(h)
	var b strings.Builder
	b.WriteString("{\n  \"projects\": {\n")
	for b.Len() < 1<<20 {
		b.WriteString(`    "p": {"history": ["` + strings.Repeat("x", 1000) + `"], "n": 1},` + "\n")
	}
	b.WriteString("    \"q\": {}\n  }\n}\n")
	put(t, path, b.String(), 0o600)
	start := time.Now()
	if _, err := h.Write("claude-code", testEntry); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := h.Write("claude-code", testEntry)
	wantKind(t, err, workspace.Invalid)
}
