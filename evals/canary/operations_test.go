//go:build linux

package canary

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"example.com/akos/evals/internal/search"
)

// store gives every canary to the vault of b, by each way in that needs no
// terminal, and does with the keys what can be done. It needs a backend that
// can be written.
func (b *box) store() {
	put := func(want int, stdin []byte, args ...string) {
		b.Helper()
		b.both(op{args: append([]string{"vault", "put"}, args...), stdin: stdin, want: want, mayName: true})
	}
	file := b.source("binary", values.Binary.Value)
	put(0, values.Text.Value, "TEXT", "--stdin")
	put(0, values.Vendor.Value, "ANTHROPIC_API_KEY", "--stdin")
	put(0, append(values.Token.Value, '\n'), "SLACK_BOT_TOKEN", "--stdin")
	put(0, nil, "BINARY", "--from-file", file)
	put(0, nil, "LINE", "--from-env", "CANARY")
	// Given as an argument it is in the process list, and akos says so.
	put(0, nil, "POSITIONAL", string(values.Line.Value))
	put(0, values.Long.Value, "LONG", "--stdin", "--scope", "tenant")
	b.akos(0, "vault", "list")
}

// manage does what can be done with the keys of store.
func (b *box) manage() {
	put := func(want int, stdin []byte, args ...string) {
		b.Helper()
		b.both(op{args: append([]string{"vault", "put"}, args...), stdin: stdin, want: want, mayName: true})
	}
	put(6, values.Token.Value, "TEXT", "--stdin", "--no-overwrite")
	put(2, nil, "TEXT", "--stdin")
	put(2, values.Token.Value, "TEXT", "--stdin", "--from-env", "CANARY")
	put(2, values.Token.Value, "TEXT", "--stdin", "--scope", "elsewhere")
	put(2, values.Token.Value, "TEXT", string(values.Vendor.Value), string(values.Token.Value))
	put(2, nil, "TEXT", "--from-file", filepath.Join(b.sources, "none"))
	put(2, nil, "TEXT", "--from-file", b.sources)
	put(2, nil, "TEXT", "--from-env", "NONE")
	put(2, []byte(strings.Repeat(string(values.Long.Value), 260)), "TEXT", "--stdin")
	b.both(op{args: []string{"vault", "put", "TEXT"}, want: 9})
	b.both(op{args: []string{"--no-input", "vault", "put", "TEXT"}, want: 9})
	b.both(op{args: []string{"creds", "set", "openai", "--stdin"}, stdin: values.Vendor.Value, want: 0})
	b.both(op{args: []string{"creds", "set", "GITHUB_TOKEN", "--stdin"}, stdin: values.Token.Value, want: 0})
	b.both(op{args: []string{"creds", "set", "twilio", "--stdin"}, stdin: values.Token.Value, want: 2})
	b.both(op{args: []string{"creds", "set", "nobody", "--stdin"}, stdin: values.Token.Value, want: 2})
	b.both(op{args: []string{"creds", "set", "--stdin"}, stdin: values.Token.Value, want: 9})
	b.akos(0, "vault", "rollback", "ANTHROPIC_API_KEY")
	b.akos(0, "vault", "rollback", "ANTHROPIC_API_KEY", "1")
	b.akos(3, "vault", "rollback", "ANTHROPIC_API_KEY", "4217000")
	b.akos(0, "vault", "history", "ANTHROPIC_API_KEY")
	b.akos(3, "vault", "history", "NONE")
	b.akos(0, "vault", "list", "--scope", "tenant")
	b.akos(0, "connections", "create", "slack", "--name", "chat", "--vault-key", "SLACK_BOT_TOKEN")
	b.akos(6, "connections", "create", "slack", "--name", "chat", "--vault-key", "SLACK_BOT_TOKEN")
	b.akos(7, "connections", "create", "slack", "--name", "other", "--vault-key", "NONE")
	b.akos(2, "connections", "create", "slack", "--name", "other")
	b.akos(0, "connections", "list")
	b.akos(0, "connections", "inspect", "chat")
	b.akos(3, "connections", "inspect", "nobody")
	b.akos(6, "vault", "remove", "SLACK_BOT_TOKEN")
	b.akos(0, "vault", "remove", "SLACK_BOT_TOKEN", "--force")
	b.akos(0, "status")
	b.akos(0, "connections", "remove", "chat")
	b.akos(3, "connections", "remove", "chat")
	b.akos(3, "vault", "remove", "NONE")
	b.akos(0, "vault", "remove", "GITHUB_TOKEN")
}

// look does what changes nothing.
func (b *box) look() {
	for _, args := range [][]string{
		{"status"}, {"doctor"}, {"version"}, {"--version"}, {"auth", "status"}, {"help", "exit-codes"}, {"help"}, {"vault"}, {"completion", "bash"},
		{"creds", "list"}, {"creds", "list", "--kind", "llm"}, {"creds", "guide"}, {"creds", "check"}, {"creds", "check", "--air-gap"},
		{"creds", "check", "--provider", "openai", "--provider", "stripe", "--provider", "sentry"},
		{"vault", "list"}, {"connections", "kinds"}, {"connections", "kinds", "slack"}, {"connections", "list"},
		{"mcp", "config", "--client", "generic"}, {"trust"}, {"__complete", "vault", "put", ""},
	} {
		b.akos(anyCode, args...)
	}
	b.akos(anyCode, "vault", "export", "--recipient", recipient)
	b.mcp(op{want: 0, mayName: true}, reads()...)
	b.mcp(op{want: 0, mayName: true, args: []string{"--read-only"}}, call("vault_put", map[string]any{"key": "K"}))
}

// recipient is an age public key that nobody has the other half of.
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func reads() []message {
	empty := map[string]any{}
	ms := []message{request("tools/list", empty), request("ping", empty), request("resources/list", empty), request("prompts/list", empty)}
	for _, tool := range []string{"workspace_status", "auth_status", "creds_list", "creds_check", "vault_list", "connection_kinds", "connection_list"} {
		ms = append(ms, call(tool, empty))
	}
	for _, uri := range []string{"guide", "providers", "providers/openai", "providers/nobody", "connections/chat", "connections/model", "connections/nobody"} {
		ms = append(ms, request("resources/read", map[string]any{"uri": "akos://" + uri}))
	}
	prompt := func(name string, given map[string]string) message {
		return request("prompts/get", map[string]any{"name": name, "arguments": given})
	}
	ms = append(ms, request("resources/templates/list", empty), prompt("onboard-provider", map[string]string{"provider": "anthropic"}),
		prompt("fix-missing-credentials", nil), prompt("fix-missing-credentials", map[string]string{"key": "SLACK_BOT_TOKEN"}),
		complete("ref/resource", "uri", "akos://connections/{name}", "name", ""), complete("ref/prompt", "name", "fix-missing-credentials", "key", ""))
	return append(ms,
		call("vault_put", map[string]any{"key": "NEW", "reason": "a test"}),
		call("creds_set", map[string]any{"provider": "slack"}),
		call("creds_set", map[string]any{"key": "SLACK_BOT_TOKEN"}),
		call("connection_inspect", map[string]any{"name": "nobody"}),
		call("vault_remove", map[string]any{"key": "NONE"}),
		call("connection_remove", map[string]any{"name": "nobody"}))
}

// complete asks what an argument can be.
func complete(kind, member, of, name, value string) message {
	return request("completion/complete", map[string]any{"ref": map[string]any{"type": kind, member: of},
		"argument": map[string]any{"name": name, "value": value}, "context": map[string]any{"arguments": map[string]string{"provider": value}}})
}

// A position is a place on the command line where a value can land by a slip.
type position struct {
	args func(v string) []string
	// names says that a name belongs there, so that what does not look like a
	// credential may be repeated.
	names bool
}

func positions(b *box) []position {
	at := func(names bool, args ...string) position {
		return position{func(v string) []string {
			var out []string
			for _, a := range args {
				out = append(out, strings.ReplaceAll(a, "@", v))
			}
			return out
		}, names}
	}
	const no, yes = false, true
	ps := []position{
		// A command, a flag, a flag's value, one argument too many.
		at(no, "@"), at(no, "vault", "@"), at(no, "creds", "@"), at(no, "connections", "@"), at(no, "auth", "@"), at(no, "mcp", "@"),
		at(no, "--@"), at(no, "-@"), at(no, "vault", "list", "--@"), at(no, "vault", "put", "K", "--@=@"), at(no, "vault", "list", "-@"),
		at(no, "help", "@"), at(no, "help", "vault", "@"), at(no, "completion", "@"), at(no, "status", "@"), at(no, "version", "@"), at(no, "doctor", "@"),
		at(no, "vault", "list", "@"), at(no, "auth", "status", "@"), at(no, "creds", "guide", "@"), at(no, "creds", "list", "@"), at(no, "creds", "check", "@"),
		at(no, "connections", "list", "@"), at(no, "connections", "create", "cron", "@"), at(no, "vault", "history", "A", "@"), at(no, "mcp", "config", "@"),
		at(no, "--verbose=@", "status"), at(no, "--no-input=@", "status"), at(no, "vault", "list", "--json=@"), at(no, "--version", "@"), at(no, "--version=@"),
		at(no, "__complete", "@", ""), at(no, "__complete", "vault", "@", ""), at(no, "__complete", "vault", "--@", ""), at(no, "__complete", "vault", "put", "--@", ""),
		at(no, "__complete", "vault", "put", "--scope", "@"), at(no, "__complete", "@"), at(no, "__completeNoDesc", "--@", ""), at(no, "__complete", "vault", "put", "--@=x", "--y"),
		// Values of flags.
		at(no, "vault", "list", "--scope", "@"), at(no, "vault", "put", "K", "--stdin", "--scope", "@"), at(no, "vault", "remove", "K", "--scope", "@"),
		at(no, "vault", "rollback", "K", "@"), at(no, "vault", "export", "--recipient", "@"), at(no, "vault", "export", "--recipient", recipient, "--recipient", "@"),
		at(no, "creds", "list", "--kind", "@"), at(no, "creds", "list", "--provider", "@"), at(no, "creds", "check", "--kind", "@"), at(no, "creds", "check", "--provider", "@"),
		at(no, "creds", "check", "--env-prefix", "@"), at(no, "creds", "set", "--stdin", "--scope", "@"),
		at(no, "connections", "kinds", "@"), at(no, "connections", "list", "--kind", "@"), at(no, "connections", "create", "@", "--name", "x"),
		at(no, "connections", "create", "slack", "--name", "x", "--vault-key", "@=K"), at(no, "connections", "create", "slack", "--name", "x", "--vault-key", "@=@"),
		at(no, "connections", "create", "cron", "--name", "x", "--config", "@"), at(no, "connections", "create", "cron", "--name", "x", "--config", "schedule=@"),
		at(no, "connections", "create", "cron", "--name", "x", "--config", "@1=2"),
		at(no, "init", "--vault", "@"), at(no, "mcp", "config", "--client", "@"), at(no, "mcp", "config", "--client", "@", "--write"),
		at(no, "vault", "put", "K", "--from-env", "@"),
		// Names and paths.
		at(yes, "vault", "put", "@"), at(yes, "vault", "remove", "@"), at(yes, "vault", "history", "@"), at(yes, "vault", "rollback", "@"), at(yes, "creds", "set", "@"),
		at(yes, "vault", "put", "K", "--from-file", "@"), at(yes, "vault", "put", "K", "--from-file", "./@"), at(yes, "vault", "put", "K", "--from-file", "/@/x"),
		at(yes, "vault", "import", "@"), at(yes, "vault", "import", "./@/x"), at(yes, "vault", "import", ".env", "--only", "@"), at(yes, "vault", "import", ".env", "--identity", "@"),
		at(yes, "creds", "check", "--secrets-file", "@"), at(yes, "creds", "check", "--secrets-file", "./@/y"), at(yes, "vault", "export", "--recipient", recipient, "--out", "@"),
		at(yes, "connections", "create", "slack", "--name", "@"), at(yes, "connections", "create", "slack", "--name", "x", "--vault-key", "@"),
		at(yes, "connections", "create", "slack", "--name", "x", "--vault-key", "token=@"), at(yes, "connections", "inspect", "@"), at(yes, "connections", "remove", "@"),
		at(yes, "init", "x1", "--name", "@"), at(yes, "init", "x2", "--id", "@"), at(yes, "init", "@"), at(yes, "init", "./@/z"), at(yes, "trust", "@"), at(yes, "trust", "./@"),
		at(yes, "--workspace", "@", "status"), at(yes, "--workspace", "./@", "vault", "list"), at(yes, "--workspace=/@/x", "doctor"), at(yes, "--workspace", "@", "creds", "set"),
		at(yes, "--workspace", "./@", "mcp", "config", "--client", "generic"), at(yes, "--workspace", "@", "mcp", "config", "--client", "cursor", "--write"),
		at(yes, "--workspace", "@", "mcp", "config", "--client", "codex", "--write"), at(yes, "--workspace", "@", "creds", "guide"),
	}
	for kind, fields := range b.kinds() {
		for _, f := range fields {
			ps = append(ps, at(yes, "connections", "create", kind, "--name", "x-"+kind+"-"+f, "--no-auth", "--config", f+"=@"))
		}
	}
	return ps
}

// kinds returns the connection kinds and their config fields, as akos tells
// them.
func (b *box) kinds() map[string][]string {
	out, _ := b.do(op{args: []string{"connections", "kinds", "--json"}})
	var r struct {
		Kinds []struct {
			Kind   string
			Config []struct{ Name string }
		}
	}
	if err := json.Unmarshal(out, &r); err != nil || len(r.Kinds) < 10 {
		b.Fatalf("connections kinds: %d, %v", len(r.Kinds), err)
	}
	m := map[string][]string{}
	for _, k := range r.Kinds {
		m[k.Kind] = nil
		for _, f := range k.Config {
			m[k.Kind] = append(m[k.Kind], f.Name)
		}
	}
	return m
}

// slips puts what looks like a credential, and a name, where neither belongs.
func (b *box) slips() {
	for _, p := range positions(b) {
		b.do(op{args: append([]string{"--verbose"}, p.args(string(values.Vendor.Value))...), want: anyCode, stdin: values.Token.Value})
		b.do(op{args: append([]string{"--verbose"}, p.args(name)...), want: anyCode, mayName: p.names, stdin: values.Token.Value})
		// What is stored is known by what it is, wherever an operation takes an
		// argument. What names the workspace is none: it says where to look.
		if args := p.args(string(values.Token.Value)); !strings.HasPrefix(args[0], "--workspace") && args[0] != "trust" && !slices.Contains(args, "--from-file") {
			b.do(op{args: append([]string{"--verbose"}, args...), want: anyCode, stdin: values.Token.Value})
		}
	}
	// In the arguments of an entry in a client's file.
	for _, value := range [][]byte{values.Vendor.Value, values.Token.Value} {
		for _, entryArgs := range [][]string{{"--workspace", string(value)}, {"--token=" + string(value)}} {
			file, _ := json.Marshal(map[string]any{"mcpServers": map[string]any{"akos": map[string]any{"command": "akos-mcp", "args": entryArgs}}})
			b.inProject(".claude.json", file)
			b.both(op{args: []string{"mcp", "config", "--client", "claude-code", "--write"}, want: 2, env: []string{"CLAUDE_CONFIG_DIR=" + b.project}})
		}
	}
	// In the environment.
	for _, variable := range []string{"AKOS_VAULT", "AKOS_WORKSPACE", "AKOS_HOME", "AKOS_SERVER", "AKOS_VAULT_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY", "XDG_DATA_HOME",
		"NO_COLOR", "TERM", "DBUS_SESSION_BUS_ADDRESS", "AGENTSKIT_TOKEN", "AKOS_TOKEN", "BASH_COMP_DEBUG_FILE_NOT"} {
		for _, value := range []string{string(values.Vendor.Value), "./" + string(values.Vendor.Value), "unix:path=/" + string(values.Vendor.Value)} {
			env := []string{variable + "=" + value}
			if variable == "AKOS_VAULT_PASSPHRASE_FILE" || variable == "CREDENTIALS_DIRECTORY" {
				env = append(env, "AKOS_VAULT=file", "AKOS_HOME="+filepath.Join(b.root, "fresh"))
			}
			for _, args := range [][]string{{"status"}, {"doctor"}, {"vault", "put", "SLIP", "--stdin"}, {"vault", "export", "--recipient", recipient}} {
				b.do(op{args: append([]string{"--verbose"}, args...), stdin: values.Token.Value, env: env, want: anyCode})
			}
			b.mcp(op{want: anyCode, env: env, mayName: true}, call("vault_list", map[string]any{}), call("vault_put", map[string]any{"key": "K"}))
		}
	}
	// A passphrase in the place of the name of its file looks like nothing.
	for _, pass := range [][]byte{values.Passphrase.Value, []byte("./" + string(values.Passphrase.Value)), values.Token.Value} {
		b.both(op{args: []string{"vault", "put", "SLIP", "--stdin"}, stdin: values.Token.Value, want: anyCode,
			env: []string{"AKOS_VAULT=file", "AKOS_HOME=" + filepath.Join(b.root, "fresh"), "AKOS_VAULT_PASSPHRASE_FILE=" + string(pass)}})
	}
}

// protocolSlips does the same on the wire.
func (b *box) protocolSlips() {
	schemas := b.toolArguments()
	// The third looks like nothing, and is stored.
	for _, v := range []string{string(values.Vendor.Value), name, string(values.Token.Value)} {
		asNames, asOthers, asIDs := messageSlips(schemas, v)
		b.mcp(op{want: 0, mayName: true}, asNames...)
		b.mcp(op{want: 0}, asOthers...)
		q, _ := json.Marshal(v)
		for _, m := range asIDs {
			b.mcp(op{want: 0, instead: string(q)}, m)
		}
		for _, args := range [][]string{{"--@"}, {"-@"}, {"@"}, {"--tools", "@"}, {"--exclude-tools", "@"}, {"--log-format", "@"}, {"--verbose=@"}, {"--http", "@"}} {
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "@", v)
			}
			b.do(op{program: "akos-mcp", args: args, want: anyCode})
		}
		if v == string(values.Token.Value) {
			continue // it names the workspace
		}
		for _, choice := range []string{v, "./" + v, "/" + v + "/x"} {
			b.do(op{program: "akos-mcp", args: []string{"--verbose", "--workspace", choice}, want: anyCode, mayName: true,
				stdin: []byte(call("vault_list", map[string]any{}).text + "\n" + call("workspace_status", map[string]any{}).text + "\n" + call("vault_put", map[string]any{"key": "K"}).text + "\n")})
		}
	}
}

// messageSlips returns messages with v where a name belongs, where it does
// not, and as an id.
func messageSlips(schemas map[string][]string, v string) (asNames, asOthers, asIDs []message) {
	for tool, arguments := range schemas {
		for _, a := range arguments {
			for _, value := range []any{v, []string{v}, map[string]string{v: v}, map[string]any{"a": []any{v, 1, nil, map[string]any{v: v}}}} {
				asNames = append(asNames, call(tool, map[string]any{a: value}))
				full := map[string]any{"key": "K", "provider": "openai", "kind": "slack", "name": "n", "path": ".env"}
				for k := range full {
					if !strings.Contains(" "+strings.Join(arguments, " ")+" ", " "+k+" ") {
						delete(full, k)
					}
				}
				full[a] = value
				asNames = append(asNames, call(tool, full))
			}
		}
		asOthers = append(asOthers,
			call(tool, map[string]any{v: v}), call(tool, map[string]any{"key": "K", v: 1}), call(tool, v), call(tool, []string{v}),
			request("tools/call", map[string]any{"name": tool, "arguments": map[string]any{"value": v, "secret": v}}),
			request("tools/call", map[string]any{"name": tool, "arguments": map[string]any{}, "_meta": map[string]any{"progressToken": v, v: v}}))
	}
	asNames = append(asNames, request("resources/read", map[string]any{"uri": "akos://connections/" + v}), request("resources/read", map[string]any{"uri": v}))
	q, _ := json.Marshal(v)
	line := func(format string) message {
		return message{strings.ReplaceAll(format, "@", strings.Trim(string(q), `"`)), true}
	}
	note := func(format string) message { m := line(format); m.answered = false; return m }
	asOthers = append(asOthers,
		request(v, map[string]any{}), request("tools/"+v, map[string]any{v: v}), request("tools/call", map[string]any{"name": v, "arguments": map[string]any{}}),
		request("tools/call", v), request("tools/call", []string{v}), request("tools/call", map[string]any{"name": map[string]any{v: v}}), request("tools/call", map[string]any{v: v}),
		request("tools/list", map[string]any{"cursor": v}), request("tools/list", map[string]any{"_meta": map[string]any{v: v, "progressToken": v}}),
		request("logging/setLevel", map[string]any{"level": v}), request("logging/setLevel", map[string]any{"level": "debug"}),
		request("resources/read", map[string]any{"uri": "akos://providers/" + v}), request("resources/subscribe", map[string]any{"uri": v}),
		request("prompts/get", map[string]any{"name": v, "arguments": map[string]any{v: v}}),
		request("prompts/get", map[string]any{"name": "onboard-provider", "arguments": map[string]any{"provider": v}}),
		request("prompts/get", map[string]any{"name": "onboard-provider", "arguments": map[string]any{"provider": "slack", "kind": v}}),
		request("prompts/get", map[string]any{"name": "fix-missing-credentials", "arguments": map[string]any{"key": v, v: v}}),
		complete("ref/prompt", "name", "onboard-provider", "provider", v), complete("ref/prompt", "name", v, v, v),
		complete("ref/resource", "uri", "akos://connections/{name}", "name", v), complete("ref/resource", "uri", "akos://"+v, v, v),
		request("completion/complete", map[string]any{"ref": map[string]any{"type": v, "name": v}, "argument": map[string]any{"name": v, "value": v}}),
		request("initialize", map[string]any{"protocolVersion": v, "capabilities": map[string]any{v: v}, "clientInfo": map[string]any{"name": v, "version": v}}),
		request("initialize", v), request("tools/list", map[string]any{"_meta": map[string]any{"io.modelcontextprotocol/protocolVersion": v, "io.modelcontextprotocol/clientCapabilities": map[string]any{v: v}}}),
		note(`{"jsonrpc":"2.0","method":"notifications/@","params":{"@":"@"}}`), note(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"@","reason":"@"}}`),
		note(`{"jsonrpc":"2.0","id":"@","result":{"@":"@"}}`), note(`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"@"}}`),
		line(`{"jsonrpc":"@","id":7000001,"method":"ping"}`), line(`{"jsonrpc":"2.0","id":7000002,"method":"ping","@":"@"}`),
		line(`{"jsonrpc":"2.0","id":7000003,"method":"tools/call","params":{"name":"vault_put","arguments":{"key":"@`), line(`@`), line(`"@"`), line(`["@"]`), line(`{"@":"@"}`),
		line(`{"jsonrpc":"2.0","id":{"@":"@"},"method":"ping"}`), line(`{"jsonrpc":"2.0","id":["@"],"method":"ping"}`), line(`{"jsonrpc":"2.0","id":7000004,"method":{"@":1}}`),
		line(`{"jsonrpc":"2.0","id":7000005,"method":"tools/call","params":{"name":"vault_put","arguments":{"key":"K","key":"@"}}}`),
		line(`{"jsonrpc":"2.0","id":7000006,"method":"tools/call","params":{"name":"vault_put","arguments":{"key":"K","@":1,"@":2}}}`),
		line("{\"jsonrpc\":\"2.0\",\"id\":7000007,\"method\":\"@\xff\"}"),
		line(`{"jsonrpc":"2.0","id":7000008,"method":"ping","params":{"x":"`+strings.Repeat("@", 4<<20/len(v)+1)+`"}}`))
	// JSON-RPC 2.0 §5: the id "MUST be the same as the value of the id
	// member in the Request". It is the one thing that comes back.
	for _, format := range []string{`{"jsonrpc":"2.0","id":"@","method":"ping"}`, `{"jsonrpc":"2.0","id":"@","method":"nothing"}`,
		`{"jsonrpc":"2.0","id":"@","method":"tools/call","params":{"name":"vault_list","arguments":{"scope":"@"}}}`} {
		asIDs = append(asIDs, line(format))
	}
	return asNames, asOthers, asIDs
}

// toolArguments returns the tools and the names of their arguments, as the
// server lists them.
func (b *box) toolArguments() map[string][]string {
	wire := b.mcp(op{want: 0, mayName: true}, request("tools/list", map[string]any{}))
	for line := range strings.Lines(string(wire)) {
		var r struct {
			Result struct {
				Tools []struct {
					Name        string
					InputSchema struct{ Properties map[string]any }
				}
			}
		}
		if json.Unmarshal([]byte(line), &r) != nil || len(r.Result.Tools) == 0 {
			continue
		}
		m := map[string][]string{}
		for _, t := range r.Result.Tools {
			m[t.Name] = nil
			for a := range t.InputSchema.Properties {
				m[t.Name] = append(m[t.Name], a)
			}
		}
		if len(m) < 10 {
			b.Fatalf("%d tools", len(m))
		}
		return m
	}
	b.Fatal("tools/list tells nothing")
	return nil
}

// files gives akos files that hold canaries, good and broken.
func (b *box) files() {
	quote := func(c search.Canary) string { return fmt.Sprintf("'%s'", c.Value) }
	good := "# " + string(values.Token.Value) + "\nexport FROM_FILE=" + string(values.Vendor.Value) + "\nLINE_FILE=" + quote(values.Line) + " # note\nOPENAI_API_KEY=\"" + string(values.Token.Value) +
		"\"\nEMPTY=\nREF=${vault:FROM_FILE}\nLONG_FILE=" + string(values.Long.Value) + "\n"
	bad := map[string]string{
		"no assignment":    good + string(values.Vendor.Value) + "\n",
		"unterminated":     "A=\"" + string(values.Vendor.Value) + "\nB=1\n",
		"behind the quote": "A='" + string(values.Vendor.Value) + "' " + string(values.Token.Value) + "\n",
		"value as key":     string(values.Vendor.Value) + "=1\n" + string(values.Token.Value) + "-=2\n",
		"text as key":      string(values.Line.Value) + "=1\n",
		"credential key":   "sk_live_" + string(values.Vendor.Value[len(values.Vendor.Value)-40:]) + "=1\n",
		"bad reference":    "A=${vault:" + string(values.Line.Value) + "}\n",
		"carriage return":  "A=" + string(values.Vendor.Value) + "\rB=1\n",
		"NUL":              "A=" + string(values.Vendor.Value) + "\x00\n",
		"not UTF-8":        "A=" + string(values.Vendor.Value) + "\xff\n",
		"backslash quote":  `A='` + string(values.Token.Value) + `\''` + "\n",
		"by case":          "key=" + string(values.Token.Value) + "\nKEY=" + string(values.Vendor.Value) + "\n",
		"too large":        "A=" + strings.Repeat(string(values.Long.Value), 260) + "\n",
		"binary":           string(values.Binary.Value),
		"YAML":             "key: " + string(values.Vendor.Value) + "\n",
		"twice":            "A=" + string(values.Token.Value) + "\nA=" + string(values.Vendor.Value) + "\n",
	}
	b.inProject("plain.env", []byte(good))
	b.akos(anyCode, "vault", "import", "plain.env")
	b.akos(anyCode, "vault", "import", "plain.env", "--only", "LINE_FILE,FROM_FILE", "--scope", "tenant")
	b.akos(3, "vault", "import", "plain.env", "--only", "NONE")
	b.akos(2, "vault", "import", "plain.env", "--identity", "plain.env")
	b.akos(anyCode, "creds", "check", "--secrets-file", "plain.env", "--provider", "openai")
	b.mcp(op{want: 0, mayName: true},
		call("vault_import", map[string]any{"path": "plain.env"}), call("vault_import", map[string]any{"path": "../plain.env"}), call("vault_import", map[string]any{"path": "plain.env", "only": []string{"NONE"}}),
		call("creds_check", map[string]any{"secretsFile": "plain.env"}), call("creds_check", map[string]any{"secretsFile": "/etc/shadow"}))
	for what, text := range bad {
		b.inProject("bad.env", []byte(text))
		want := anyCode
		if what != "twice" {
			want = 2
		}
		for _, args := range [][]string{{"vault", "import", "bad.env"}, {"vault", "import", "bad.env", "--rewrite"}} {
			b.do(op{args: append([]string{"--verbose"}, args...), want: want})
		}
		b.do(op{args: []string{"--verbose", "creds", "check", "--secrets-file", "bad.env"}, want: anyCode})
		b.inProject("bad.env", []byte(text))
		b.mcp(op{want: 0}, call("vault_import", map[string]any{"path": "bad.env", "rewrite": true}), call("creds_check", map[string]any{"secretsFile": "bad.env"}))
	}
	// A value in the place of a reference's name, and one that can't be right.
	b.inProject("odd.env", []byte("OPENAI_API_KEY=${vault:"+string(values.Token.Value)+"}\nGROQ_API_KEY=${vault:"+string(values.Vendor.Value)+"}\nXAI_API_KEY=\" "+string(values.Token.Value)+"\"\n"))
	b.akos(anyCode, "creds", "check", "--secrets-file", "odd.env", "--json")
	b.akos(anyCode, "creds", "check", "--secrets-file", "odd.env")
	b.mcp(op{want: 0}, call("creds_check", map[string]any{"secretsFile": "odd.env"}))
	b.do(op{args: []string{"--verbose", "creds", "check", "--provider", "xai"}, env: []string{"XAI_API_KEY=${vault:" + string(values.Vendor.Value) + "}"}, want: anyCode})
	// Not a dotenv file: its text must not come back in an age error either.
	b.inProject("bad.age", []byte("age-encryption.org/v1\n-> X25519 "+string(values.Vendor.Value)+"\n"+string(values.Token.Value)+"\n--- x\n"))
	for _, identity := range []string{string(values.Vendor.Value), string(values.Text.Value), "AGE-SECRET-" + "KEY-1" + strings.ToUpper(string(values.Token.Value)), "AGE-PLUGIN-X-1" + string(values.Token.Value)} {
		b.do(op{args: []string{"--verbose", "vault", "import", "bad.age", "--identity", b.source("identity", []byte(identity+"\n"))}, want: anyCode})
	}
	b.do(op{args: []string{"--verbose", "vault", "import", "bad.age"}, want: 2})

	// Once rewritten, no copy is left, whatever its name.
	path := b.inProject("rewritten.env", []byte(strings.TrimPrefix(good, "# "+string(values.Token.Value)+"\n")))
	out, _ := b.do(op{args: []string{"--verbose", "vault", "import", "rewritten.env", "--rewrite"}, want: anyCode})
	if strings.Contains(string(out), "references instead of values") {
		delete(b.own, path)
		b.searchFiles("vault import --rewrite")
	} else {
		b.Errorf("not rewritten: %s", out)
	}
}

// configs gives akos workspace files that hold canaries where none belongs.
func (b *box) configs() {
	const head = "schemaVersion: 1\nworkspace: {id: canary}\n"
	for _, c := range []search.Canary{values.Vendor, values.Line, values.Token, values.Text} {
		v := string(c.Value)
		q, _ := json.Marshal(v)
		for _, text := range []string{
			head + v + ": 1\n", head + string(q) + ": 1\n", head + "vault: {backend: " + string(q) + "}\n", head + "vault: " + string(q) + "\n", head + "server: " + string(q) + "\n",
			head + "server: ftp://" + v + "\n", "schemaVersion: " + string(q) + "\n" + head[17:], "schemaVersion: 1\nworkspace: {id: " + string(q) + "}\n", "schemaVersion: 1\nworkspace: {id: canary, " + string(q) + ": 1}\n",
			"schemaVersion: 1\nworkspace: " + string(q) + "\n", head + "x: [" + v + "\n", head + "\t" + v + "\n", head + "*" + v + "\n", head + "server: &" + v + " x\n", v, string(q),
			head + string(q) + ": 1\n" + string(q) + ": 2\n", head + "providers: [" + string(q) + "]\n", head + "providers: " + string(q) + "\n", head + "providers: [{" + string(q) + ": 1}]\n",
			head + "providers: [{id: " + string(q) + ", name: x, kind: llm}]\n", head + "providers: [{id: x, name: x, kind: " + string(q) + "}]\n",
			head + "providers: [{id: x, name: x, kind: llm, requiredKeys: [" + string(q) + "]}]\n", head + "providers: [{id: x, name: x, kind: llm, requiredKeys: " + string(q) + "}]\n",
			head + "providers: [{id: x, name: x, kind: llm, docsUrl: " + string(q) + "}]\n", head + "providers: [{id: x, name: x, kind: llm, shapes: {X: " + string(q) + "}}]\n",
			head + "providers: [{id: x, name: x, kind: llm, requiredKeys: [X], shapes: {X: '^(" + strings.ReplaceAll(v, "'", "''") + "$'}}]\n",
			head + "---\n" + v + "\n", head + "? " + string(q) + "\n", head + "!" + v + " x: 1\n", head + "server: !!" + v + " x\n",
		} {
			b.inProject("akos.config.yaml", []byte(text))
			b.do(op{args: []string{"--verbose", "status"}, want: anyCode})
			b.do(op{args: []string{"--verbose", "doctor"}, want: anyCode})
			b.do(op{program: "akos-mcp", args: []string{"--verbose"}, want: anyCode,
				stdin: []byte(call("creds_list", map[string]any{}).text + "\n" + call("workspace_status", map[string]any{}).text + "\n")})
		}
	}
}
