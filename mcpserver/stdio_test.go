package mcpserver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"github.com/google/go-cmp/cmp"
)

// maxLine is what the contract allows a message to have.
const maxLine = 4 << 20

// padded returns a ping of n bytes, without a line end.
func padded(n int) string {
	const head, tail = `{"jsonrpc":"2.0","id":"long","method":"ping","params":{"pad":"`, `"}}`
	return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
}

// TestLines: how long a line may be, and that the server lives on after any.
func TestLines(t *testing.T) {
	h := newEmptyHome(t)
	for _, test := range []struct {
		name, line string
		id         string // of the answer
		code       int    // 0: a result
	}{
		{"as long as allowed", padded(maxLine), `"long"`, 0},
		{"as long as allowed, with CRLF", padded(maxLine) + "\r", `"long"`, 0},
		{"a byte too long", padded(maxLine + 1), `null`, parseError},
		{"a byte too long, with CRLF", padded(maxLine+1) + "\r", `null`, parseError},
		{"much too long", padded(3 * maxLine), `null`, parseError},
		{"too long and no JSON", strings.Repeat("\x00", 2*maxLine), `null`, parseError},
		{"as long as the buffer", padded(64 << 10), `"long"`, 0},
		{"a byte less than the buffer", padded(64<<10 - 1), `"long"`, 0},
		{"blanks around", "  \t" + ping + "  \r", `"ping"`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, h.server(t, mcpserver.Options{}))
			r := c.ask(test.line)
			code := 0
			if r.Error != nil {
				code = r.Error.Code
			}
			if string(r.ID) != test.id || code != test.code {
				t.Errorf("%.300s\nwant the id %s and the code %d", r.raw, test.id, test.code)
			}
			if r := c.ask(ping); string(r.ID) != `"ping"` || r.Result == nil {
				t.Errorf("a ping afterwards: %s", r.raw)
			}
			if rest := c.end(); len(rest) > 0 {
				t.Errorf("more answers: %.300q", rest)
			}
		})
	}
}

// TestLastLine: a last line that has no end is a line.
func TestLastLine(t *testing.T) {
	h := newEmptyHome(t)
	for _, test := range []struct{ name, line, id string }{
		{"fast", ping, `"ping"`},
		{"slow", request(1, "vault_import", slow), `1`},
		{"as long as allowed", padded(maxLine), `"long"`},
		{"a byte too long", padded(maxLine + 1), `null`},
		{"half a message", ping[:20], `null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.send(list + "\n" + test.line)
			rest := c.end()
			if len(rest) != 2 || string(parse(t, rest[1]).ID) != test.id {
				t.Errorf("the answers are %.300q, want one with the id %s", rest[1:], test.id)
			}
		})
	}
}

// TestIDs: an id comes back in the bytes that the client chose, whichever way
// the answer takes; what is no id gets an error.
func TestIDs(t *testing.T) {
	methods := map[string]string{
		"ping":          `"method":"ping"`,
		"a result":      `"method":"tools/call","params":{"name":"auth_status"}`,
		"a slow result": `"method":"tools/call","params":{"name":"vault_import","arguments":` + slow + `}`,
		"a failure":     `"method":"tools/call","params":{"name":"auth_status","arguments":{"a":1}}`,
		"an error":      `"method":"no/such"`,
		"no tool":       `"method":"tools/call","params":{"name":"no_such"}`,
	}
	c := connect(t, newEmptyHome(t).server(t, mcpserver.Options{}))
	for _, id := range []string{
		`1`, `0`, `-1`, `"1"`, `""`, `"a \"b\" \\ \u0041 ü"`, `1.5`, `-0.0`, `1e3`, `1E+3`,
		`9007199254740993`, `-9223372036854775809`, `18446744073709551616`, `123456789012345678901234567890`, `0.1234567890123456789`,
		`"` + strings.Repeat("long ", 200) + `"`,
	} {
		for name, method := range methods {
			r := c.ask(`{"jsonrpc":"2.0","id":` + id + `,` + method + `}`)
			if string(r.ID) != id {
				t.Errorf("%s: the id %.100s comes back as %.100s", name, id, r.ID)
			}
		}
	}
	for _, id := range []string{`null`, `true`, `false`, `{}`, `{"a":1}`, `[]`, `[1]`} {
		for name, method := range methods {
			r := c.ask(`{"jsonrpc":"2.0","id":` + id + `,` + method + `}`)
			if string(r.ID) != "null" || r.Error == nil || r.Error.Code != -32600 {
				t.Errorf("%s with the id %s: %s", name, id, r.raw)
			}
		}
	}
	// JSON has this number, and the library has not; the id comes back still.
	if r := c.ask(`{"jsonrpc":"2.0","id":1e999,"method":"ping"}`); string(r.ID) != "1e999" || r.Error == nil {
		t.Errorf("a number out of range: %s", r.raw)
	}
	if rest := c.end(); len(rest) > 0 {
		t.Errorf("more answers: %q", rest)
	}
}

// TestSameID: calls that have one id are all answered, and neither ends the
// other.
func TestSameID(t *testing.T) {
	h := newHome(t)
	g := newGate()
	g.in(h)
	c := connect(t, h.server(t, mcpserver.Options{}))
	for _, id := range []any{1, 1, "1", 1} {
		c.send(request(id, "vault_import", slow) + "\n")
		g.await(t)
	}
	close(g.open)
	got := map[string]int{}
	for _, line := range c.end() {
		r := parse(t, line)
		if r.Result == nil { // the first stores; the others find the key there
			t.Errorf("answer %s", line)
		}
		got[string(r.ID)]++
	}
	if diff := cmp.Diff(map[string]int{`1`: 3, `"1"`: 1}, got); diff != "" {
		t.Errorf("answers by id (-want +got)\n%s", diff)
	}
}

// TestTwice: arguments with a member twice are refused, and which of the two
// counts is no question.
func TestTwice(t *testing.T) {
	c := connect(t, newHome(t).server(t, mcpserver.Options{}))
	for tool, args := range map[string]string{
		"vault_list":        `{"scope":"tenant","scope":"workspace"}`,
		"vault_put":         `{"key":"A","key":"B"}`,
		"vault_import":      `{"path":".env","p\u0061th":"broken"}`,
		"connection_create": `{"kind":"slack","name":"two","vaultKeys":{"token":"SLACK_BOT_TOKEN","token":"SENTRY_AUTH_TOKEN"},"config":{"channel":"C0123456789"}}`,
		"creds_list":        `{"provider":["slack"],"a":[{"b":1},{"b":1,"b":1}]}`,
		"auth_status":       `{"a":1,"a":1}`,
	} {
		r := c.ask(request(1, tool, args))
		if kind, _ := r.kind(); kind != "invalid" || !strings.Contains(r.text(), "twice") {
			t.Errorf("%s %s: %s", tool, args, r.raw)
		}
	}
	r := c.ask(request(1, "connection_list", `{}`))
	if n := strings.Count(string(r.Result.Structured), `"name"`); n != 1 {
		t.Errorf("%d connections, want the one that was there", n)
	}
}

// TestDefinitions: a client sees of each tool what the catalog says, and the
// four hints are there, whatever their defaults are.
func TestDefinitions(t *testing.T) {
	c := connect(t, newEmptyHome(t).server(t, mcpserver.Options{}))
	r := c.ask(list)
	if len(r.Result.Tools) == 0 {
		t.Fatal("no tools")
	}
	for _, raw := range r.Result.Tools {
		var d struct {
			Name, Title, Description string
			InputSchema              struct {
				Type                 string
				AdditionalProperties *bool
			}
			OutputSchema struct{ Type string }
			Annotations  map[string]any
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		tool, ok := lookup(d.Name)
		if !ok {
			t.Errorf("%s is no tool for agents", d.Name)
			continue
		}
		want := map[string]any{
			"title": tool.Short, "readOnlyHint": tool.Effect.String() == "reads", "destructiveHint": tool.Effect.String() == "destroys",
			"idempotentHint": tool.Idempotent, "openWorldHint": tool.OpenWorld,
		}
		if diff := cmp.Diff(want, d.Annotations); diff != "" {
			t.Errorf("%s: annotations (-want +got)\n%s", d.Name, diff)
		}
		if d.Title != tool.Short || d.Description != fmt.Sprintf("%s. %s", tool.Short, tool.Long) {
			t.Errorf("%s: title %q, description %q", d.Name, d.Title, d.Description)
		}
		if in := d.InputSchema; in.Type != "object" || in.AdditionalProperties == nil || *in.AdditionalProperties || d.OutputSchema.Type != "object" {
			t.Errorf("%s: the schemas are %s", d.Name, raw)
		}
	}
}
