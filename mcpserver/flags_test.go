package mcpserver_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/google/go-cmp/cmp"
)

// A served is a command line of akos-mcp that runs in this process.
type served struct {
	*client
	errs *safeBuffer
}

// serve runs a command line in h on pipes.
func serve(t testing.TB, h *home, args ...string) *served {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &served{&client{t: t, in: inW, lines: make(chan string, 10_000), done: make(chan error, 1)}, &safeBuffer{}}
	go func() {
		code := mcpserver.Run(mcpserver.System{
			In: inR, Out: outW, Err: p.errs, Args: args, Open: h.open, Version: "0.0.0-test", Exit: func(int) {},
		})
		outW.Close()
		if code != 0 {
			t.Errorf("exit code %d: %s", code, p.errs)
		}
		p.done <- nil
	}()
	go p.read(outR)
	t.Cleanup(func() { inW.Close(); outR.Close() })
	return p
}

// run runs a command line in h that does not serve.
func run(t *testing.T, h *home, args ...string) (code int, out, errs string) {
	t.Helper()
	var outB, errB bytes.Buffer
	code = mcpserver.Run(mcpserver.System{
		In: strings.NewReader(""), Out: &outB, Err: &errB, Args: args, Open: h.open, Version: "0.0.0-test",
		Exit: func(code int) { t.Errorf("it exits with %d", code) },
	})
	return code, outB.String(), errB.String()
}

// lookup returns the tool of a name that agents may call.
func lookup(name string) (*tools.Tool, bool) {
	t, ok := tools.Lookup(name)
	return t, ok && t.CLIOnly == ""
}

// TestChoice: what the operator's flags leave is listed and can be called,
// and the rest is as if it did not exist.
func TestChoice(t *testing.T) {
	var all, reads []string
	for _, tool := range tools.Catalog() {
		if tool.CLIOnly != "" {
			continue
		}
		all = append(all, tool.ID())
		if tool.Effect == tools.Reads {
			reads = append(reads, tool.ID())
		}
	}
	h := newEmptyHome(t)
	without := func(names []string, gone ...string) (left []string) {
		for _, name := range names {
			if !strings.Contains(strings.Join(gone, " "), name) {
				left = append(left, name)
			}
		}
		return left
	}
	for _, test := range []struct {
		args string
		want []string
	}{
		{"", all},
		{"--read-only", reads},
		{"--read-only=false", all},
		{"--tools vault_list,vault_put", []string{"vault_list", "vault_put"}},
		{"--tools vault_list --tools vault_put", []string{"vault_list", "vault_put"}},
		{"--tools vault_list,vault_put --read-only", []string{"vault_list"}},
		{"--exclude-tools vault_import,vault_remove", without(all, "vault_import", "vault_remove")},
		{"--tools vault_list,vault_put --exclude-tools vault_put", []string{"vault_list"}},
		{"--read-only --exclude-tools auth_status", without(reads, "auth_status")},
	} {
		t.Run(test.args, func(t *testing.T) {
			p := serve(t, h, strings.Fields(test.args)...)
			p.ask(initialize)
			got := names(t, p.ask(list))
			sorted := map[string]bool{}
			for _, name := range test.want {
				sorted[name] = true
			}
			for _, name := range got {
				if !sorted[name] {
					t.Errorf("%s is listed", name)
				}
			}
			if len(got) != len(test.want) {
				t.Errorf("the list has %d tools, want %d", len(got), len(test.want))
			}
			for _, name := range all {
				r := p.ask(request(1, name, `{"nonsense":1}`))
				if offered := r.Result != nil && r.Result.IsError; offered != sorted[name] {
					t.Errorf("%s can be called: %v: %s", name, offered, r.raw)
				}
				if r.Error != nil && (r.Error.Code != -32602 || strings.Contains(r.Error.Message, name)) {
					t.Errorf("%s: %s", name, r.raw)
				}
			}
			p.end()
			if log := p.errs.String(); log != "" {
				t.Errorf("on the standard error: %s", log)
			}
		})
	}
}

// TestReadOnly: no tool that --read-only leaves changes anything, in either
// revision, and no request widens what the operator said.
func TestReadOnly(t *testing.T) {
	h := newHome(t)
	p := serve(t, h, "--read-only")
	for _, line := range []string{
		request(1, "vault_remove", `{"key":"SLACK_BOT_TOKEN","force":true}`),
		request(1, "vault_import", slow),
		request(1, "connection_remove", `{"name":"team-chat"}`),
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_import","arguments":` + slow + `,"readOnly":false,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","Name":"vault_import","arguments":` + slow + `}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_import","Name":"vault_list","arguments":` + slow + `}}`,
	} {
		if r := p.ask(line); r.Error == nil && !r.Result.IsError {
			t.Errorf("%s\nis answered by\n%s", line, r.raw)
		}
	}
	r := p.ask(request(1, "vault_list", `{}`))
	if text := string(r.Result.Structured); !strings.Contains(text, "SLACK_BOT_TOKEN") || strings.Contains(text, "GITHUB_TOKEN") {
		t.Errorf("the vault is not as it was: %s", text)
	}
	r = p.ask(request(1, "connection_list", `{}`))
	if !strings.Contains(string(r.Result.Structured), "team-chat") {
		t.Errorf("the connection is gone: %s", r.raw)
	}
	p.end()
}

// TestWrongFlags: a command line that is not right ends with 2, says what to
// do, and shows nothing of what was written.
func TestWrongFlags(t *testing.T) {
	h, token := newEmptyHome(t), fakeToken()
	for _, args := range [][]string{
		{"--" + token}, {"-" + token}, {token}, {"--tools"}, {"--read-only=" + token}, {"--log-format", token}, {"--log-format", "yaml"},
		{"--", "vault_list"}, {"--value", token}, {"--tools", token}, {"--exclude-tools", token}, {"--tools", "no_such"},
		{"--exclude-tools", "no_such"}, {"--tools", "vault_list,no_such"}, {"--tools", "vault list"}, {"--tools", "workspace_init"},
		{"--tools", "vault_put", "--read-only"}, {"--tools", "vault_put", "--exclude-tools", "vault_put"},
	} {
		code, out, errs := run(t, h, args...)
		if code != 2 || out != "" || !strings.HasPrefix(errs, "akos-mcp: ") {
			t.Errorf("%q: exit code %d, %q on the standard output, and %q", args, code, out, errs)
		}
		for _, shown := range []string{token, "no_such", "yaml", "panic"} {
			if strings.Contains(errs, shown) {
				t.Errorf("%q: it says %q", args, errs)
			}
		}
	}
}

// TestFlagIsNamed: what is wrong is named, unless it could be a value that landed
// in the wrong place.
func TestFlagIsNamed(t *testing.T) {
	h := newEmptyHome(t)
	for args, want := range map[string]string{
		"extra":             "it takes no arguments",
		"--read-only serve": "it takes no arguments",
		"--nope":            "no such flag: --nope",
		"--nope=value":      "no such flag: --nope",
		"--NOPE":            "no such flag",
		"--nope1":           "no such flag",
		"-v":                "no such flag: none has a short form but -h",
		"--log-format nope": "--log-format is text or json",
		"--log-format":      "--log-format needs a value",
		"--read-only=nope":  "--read-only needs a bool",
		"--tools=":          "--tools and --exclude-tools need the names of tools",
		"--behind-proxy":    "--behind-proxy is of --http, which is missing",
	} {
		code, out, errs := run(t, h, strings.Fields(args)...)
		if code != 2 || out != "" || errs != "akos-mcp: "+want+"\nhint: akos-mcp --help\n" {
			t.Errorf("%s: exit code %d, %q on the standard output, and %q", args, code, out, errs)
		}
	}
}

// TestHelp: the help names every flag, and the version is one line; neither
// opens anything.
func TestHelp(t *testing.T) {
	h := newEmptyHome(t)
	h.with = func(*workspace.Options) { t.Error("it opens the workspace") }
	for _, arg := range []string{"--help", "-h"} {
		code, out, errs := run(t, h, arg)
		if code != 0 || errs != "" {
			t.Errorf("%s: exit code %d: %s", arg, code, errs)
		}
		for _, flag := range []string{"--workspace", "--read-only", "--tools", "--exclude-tools", "--no-entry-page", "--log-format", "--verbose", "--version"} {
			if !strings.Contains(out, flag) {
				t.Errorf("%s does not name %s:\n%s", arg, flag, out)
			}
		}
	}
	code, out, errs := run(t, h, "--version")
	if diff := cmp.Diff([]any{0, "akos-mcp 0.0.0-test\n", ""}, []any{code, out, errs}); diff != "" {
		t.Errorf("--version (-want +got)\n%s", diff)
	}
}
