package clientconfig

import (
	"reflect"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// TestArgsStay: whatever arguments a person gave an entry, they stay, in every
// client; only the workspace is what this run pins, if it pins one.
func TestArgsStay(t *testing.T) {
	for _, tt := range []struct {
		pin       string
		had, want []string
		opens     string
	}{
		{"", []string{"--read-only", "--workspace", "/srv/app"}, []string{"--read-only", "--workspace", "/srv/app"}, "/srv/app"},
		{"", []string{"--workspace=/srv/app"}, []string{"--workspace=/srv/app"}, "/srv/app"},
		{"", []string{"--read-only"}, []string{"--read-only"}, ""},
		{"", []string{}, []string{}, ""},
		{"/new", []string{"--read-only", "--workspace", "/srv/app", "-v"}, []string{"--read-only", "--workspace", "/new", "-v"}, "/new"},
		{"/new", []string{"--workspace=/srv/app", "--read-only"}, []string{"--workspace=/new", "--read-only"}, "/new"},
		{"/new", []string{"--workspace", "/a", "--workspace=/b"}, []string{"--workspace", "/a", "--workspace=/new"}, "/new"},
		{"/new", []string{"--workspace", "--workspace"}, []string{"--workspace", "/new"}, "/new"},
		{"/new", []string{"--workspace", "/new"}, []string{"--workspace", "/new"}, "/new"},
		{"/new", []string{"--read-only", "-v"}, []string{"--workspace", "/new", "--read-only", "-v"}, "/new"},
		{"/new", []string{"--read-only", "--workspace"}, []string{"--read-only", "--workspace", "/new"}, "/new"},
		{"/new", []string{"--", "--workspace", "/a"}, []string{"--workspace", "/new", "--", "--workspace", "/a"}, "/new"},
		{"/new", []string{}, []string{"--workspace", "/new"}, "/new"},
	} {
		for _, name := range Clients() {
			c, e := keyOf(t, name), Entry{Command: "/new/akos-mcp", Workspace: tt.pin}
			for _, in := range withArgs(c, "/old/akos-mcp", tt.had) {
				out, was, r := c.merge([]byte(in), c, e)
				if r != nil {
					t.Fatalf("%s: %v\n%s", name, r.in("f", c), in)
				}
				servers := parse(t, name, out)[c.key].(map[string]any)
				entry := servers[serverName].(map[string]any)
				if !reflect.DeepEqual(entry["args"], any(toAny(tt.want))) || entry["command"] != e.Command {
					t.Errorf("%s: with %q, %q becomes\n%s", name, tt.pin, tt.had, out)
				}
				if opens := opened(e.pinned(was.args)); opens != tt.opens {
					t.Errorf("%s: with %q, %q opens %q", name, tt.pin, tt.had, opens)
				}
				if strings.Contains(in, "mine") != strings.Contains(string(out), "mine") {
					t.Errorf("%s: a comment is gone:\n%s", name, out)
				}
				if again, _, r := c.merge(out, c, e); r != nil || string(again) != string(out) {
					t.Errorf("%s: the second merge changes\n%s\nto\n%s", name, out, again)
				}
			}
		}
	}
}

// withArgs returns files of c whose entry has these arguments, in the forms
// that the format has for them.
func withArgs(c client, command string, args []string) []string {
	if isTOML(c.name) {
		list := "[ # mine\n"
		for _, a := range args {
			list += "  " + tomlString(a) + ",\n"
		}
		return []string{
			"[mcp_servers.akos]\ncommand = " + tomlString(command) + "\nargs = " + tomlStrings(args) + "\n",
			"[mcp_servers.akos]\nargs = " + list + "]\ncommand = " + tomlString(command) + "\n",
			"mcp_servers = { akos = { command = " + tomlString(command) + ", args = " + tomlStrings(args) + " } }\n",
		}
	}
	lines := strings.Replace(strings.ReplaceAll(quoteAll(args), ", ", ",\n      "), "[", "[\n      ", 1)
	return []string{
		`{"` + c.key + `":{"akos":{"command":` + quote(command) + `,"args":` + quoteAll(args) + `}}}`,
		`{"` + c.key + `":{"akos":{"command":` + quote(command) + `,"args":` + strings.Replace(quoteAll(args), "]", " /* mine */ ]", 1) + `}}}`,
		"{\"" + c.key + "\": {\n  \"akos\": {\n    \"command\": " + quote(command) + ",\n    \"args\": " + lines + "\n  }\n}}",
	}
}

// TestArgsOnLines holds the text where each argument has a line of its own.
func TestArgsOnLines(t *testing.T) {
	e := Entry{Command: "/x", Workspace: "/w"}
	in := "{\"mcpServers\": {\"akos\": {\n  \"command\": \"/x\",\n  \"args\": [\n    \"--read-only\"\n  ]\n}}}"
	want := "{\"mcpServers\": {\"akos\": {\n  \"command\": \"/x\",\n  \"args\": [\n    \"--workspace\",\n    \"/w\",\n    \"--read-only\"\n  ]\n}}}"
	if out, _, r := mergeJSON([]byte(in), keyOf(t, "cursor"), e); r != nil || string(out) != want {
		t.Errorf("%v\n%s", r, out)
	}
}

// TestArgsRefused: arguments that can't stay leave the whole file as it is.
func TestArgsRefused(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("Zz9", 12) // fake
	for _, name := range Clients() {
		c := keyOf(t, name)
		if c.path == nil {
			continue
		}
		for _, tt := range []struct {
			command string
			args    []string
			kind    workspace.Kind
			says    string
		}{
			{"/old/akos-mcp", []string{"--read-only", token}, workspace.Invalid, "looks like a credential"},
			{"/old/akos-mcp", []string{"--workspace", token}, workspace.Invalid, "looks like a credential"},
			{"npx", []string{"-y", "something"}, workspace.Conflict, "starts another program"},
		} {
			for _, in := range withArgs(c, tt.command, tt.args) {
				h := newFiles(t, "linux", nil)
				path, _ := c.path(h)
				put(t, path, in, 0o600)
				_, err := h.Write(name, envEntry)
				wantKind(t, err, tt.kind)
				if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), token) {
					t.Errorf("%s: %v", name, err)
				}
				if string(get(t, path)) != in || glob(t, path+"?*") != nil {
					t.Errorf("%s: something was changed", name)
				}
			}
		}
	}
	for in, name := range map[string]string{
		`{"mcpServers": {"akos":{"args":"` + canary + `"}}}`:     "cursor",
		`{"mcpServers": {"akos":{"args":["a",7]}}}`:              "cursor",
		"[mcp_servers.akos]\nargs = '" + canary + "'\n":          "codex",
		"[mcp_servers.akos]\nargs = ['a', ['" + canary + "']]\n": "codex",
	} {
		h := newFiles(t, "linux", nil)
		path, _ := keyOf(t, name).path(h)
		put(t, path, in, 0o600)
		_, err := h.Write(name, envEntry)
		wantKind(t, err, workspace.Invalid)
		if !strings.Contains(err.Error(), "args") || string(get(t, path)) != in {
			t.Errorf("%s: %v", in, err)
		}
	}
}
