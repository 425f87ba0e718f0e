package clientconfig

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/tailscale/hujson"
)

var fuzzEntry = Entry{Command: `/a\'"b`, Workspace: `é"`, Env: []Variable{{"AKOS_HOME", `/h\"'`}, {"AKOS_VAULT", ""}}}

// FuzzJSON: whatever the file, it is refused, or all but our entry means what
// it meant, every byte outside the entry is there, and a second merge does
// nothing.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"mcpServers":{"akos":{"args":["--read-only","--workspace",/**/"a"]}}}`, "{\"mcpServers\":{\"akos\":{\"args\":[\n\"a\"\n]}}}", "", "{}", others("cursor"), existing("cursor"), "{\"mcpServers\":{/**/}//\n}", "{\"a\":[1,],}", `{"mcpServers":{"akos":[]}}`, `{"mcpServers":{"akos":{"env":{"A":1,"AKOS_VAULT":"x"}}}}`, `{"mcpServers":{"akos":{"env":null}}}`, "\uFEFF{\r\n}"} {
		f.Add([]byte(s))
	}
	c := client{key: "mcpServers", typed: true}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, r := mergeJSON(in, c, fuzzEntry)
		if r != nil {
			return
		}
		if again, _, r := mergeJSON(out, c, fuzzEntry); r != nil || string(again) != string(out) {
			t.Fatalf("the second merge: %v\n%s", r, again)
		}
		before, after := decodeJSON(t, in), decodeJSON(t, out)
		theirs, _ := takeEntry(before, c.key)
		ours, ok := takeEntry(after, c.key)
		had, _ := texts(theirs["args"])
		if !ok || !reflect.DeepEqual(ours["command"], any(fuzzEntry.Command)) || !reflect.DeepEqual(ours["args"], any(toAny(fuzzEntry.pinned(had)))) || ours["type"] != "stdio" {
			t.Fatalf("the entry is %v", ours)
		}
		env, _ := ours["env"].(map[string]any)
		if left, ok := env["AKOS_VAULT"]; env["AKOS_HOME"] != fuzzEntry.Env[0].Value || ok && left != "" {
			t.Fatalf("the environment is %v", env)
		}
		for _, entry := range []map[string]any{theirs, ours} {
			for _, name := range []string{"type", "command", "args"} {
				delete(entry, name)
			}
			env, ok := entry["env"].(map[string]any)
			delete(env, "AKOS_HOME")
			delete(env, "AKOS_VAULT")
			if ok && len(env) == 0 || entry["env"] == nil {
				delete(entry, "env")
			}
		}
		if len(theirs)+len(ours) > 0 && !reflect.DeepEqual(theirs, ours) || !reflect.DeepEqual(before, after) {
			t.Fatalf("the rest changed: %v %v, was %v %v", after, ours, before, theirs)
		}
		if theirs == nil && len(before) > 0 && !inOrder(string(in), string(out)) {
			// A value of another kind in our entry's place is replaced.
			if v, ok := raw(in, c.key); !ok || v == nil {
				t.Fatalf("bytes are gone:\n%s", out)
			}
		}
	})
}

// raw returns what stands in the place of our entry.
func raw(text []byte, key string) (any, bool) {
	doc := map[string]any{}
	_, text = cutBOM(text)
	if text, err := hujson.Standardize(bytes.Clone(text)); err != nil || json.Unmarshal(text, &doc) != nil {
		return nil, false
	}
	servers, _ := doc[key].(map[string]any)
	_, ok := servers[serverName]
	return servers, ok
}

func decodeJSON(t *testing.T, text []byte) map[string]any {
	doc := map[string]any{}
	_, text = cutBOM(text)
	if len(text) == 0 {
		return doc
	}
	std, err := hujson.Standardize(bytes.Clone(text))
	if err == nil {
		err = json.Unmarshal(std, &doc)
	}
	if err != nil {
		if raw, _ := hujson.Parse(text); raw.Value == nil {
			return doc // white space only
		}
		t.Skip(err) // numbers and depths that hujson takes and encoding/json does not
	}
	return doc
}

// FuzzTOML: the same for TOML.
func FuzzTOML(f *testing.F) {
	for _, s := range []string{
		"", others("codex"), existing("codex"), "mcp_servers = { akos = { command = 'x' } }", "[mcp_servers]\nakos.command = 'x'", "[mcp_servers.\"akos\"]\r\nargs=[\n]\n",
		"[mcp_servers.akos]\nargs=[ # a\n'--read-only',\n\"--workspace=a\",]", "mcp_servers.akos.args = []\nmcp_servers.akos.command = '''x'''", "[[a]]\nb=nan", "[mcp_servers.akos.env]\nA=1979-05-27T07:32:00Z",
		"[mcp_servers.akos]\nenv={}", "[mcp_servers.akos]\nenv.AKOS_VAULT='x'\nenv.b=1", "mcp_servers.akos={env={AKOS_HOME=''}}",
	} {
		f.Add([]byte(s))
	}
	c := client{key: "mcp_servers"}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, r := mergeTOML(in, c, fuzzEntry)
		if r != nil {
			return
		}
		if again, _, r := mergeTOML(out, c, fuzzEntry); r != nil || string(again) != string(out) {
			t.Fatalf("the second merge: %v\n%s", r, again)
		}
		before, after := map[string]any{}, map[string]any{}
		_, was := cutBOM(in)
		_, is := cutBOM(out)
		if err := toml.Unmarshal(was, &before); err != nil {
			t.Fatal(err)
		}
		if err := toml.Unmarshal(is, &after); err != nil {
			t.Fatal(err)
		}
		if !onlyOurs(before, after, c.key, fuzzEntry) {
			t.Fatalf("the rest changed:\n%s", out)
		}
	})
}
