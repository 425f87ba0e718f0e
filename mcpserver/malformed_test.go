package mcpserver_test

import (
	"strings"
	"testing"

	"example.com/akos/mcpserver"
)

const (
	parseError     = -32700
	invalidRequest = -32600
	noMethod       = -32601
	invalidParams  = -32602
)

// nobody is the id of an answer to a message whose id is not known.
const nobody = "null"

// TestMalformed: what is no good message gets the same answer over both
// transports, which repeats nothing of it, and the server lives on. What is
// left to HTTP alone is its status.
func TestMalformed(t *testing.T) {
	h := newHome(t)
	a := overHTTP(t, h, mcpserver.Options{}, noAuth).connect("")
	deep := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	pinging := func(params string) string { return `{"jsonrpc":"2.0","id":1,"method":"ping","params":` + params + `}` }
	for _, tt := range []struct {
		name, message string
		id            string // of the answer; "" for none
		code          int    // 0: a result
		status        int    // of HTTP
	}{
		{"words", "quoted", nobody, parseError, 400},
		{"half a message", ping[:len(ping)-1], nobody, parseError, 400},
		{"half a name", `{"jsonrpc":"2.0","id":1,"meth`, nobody, parseError, 400},
		{"two messages", ping + ping, nobody, parseError, 400},
		{"a trailing comma", `{"jsonrpc":"2.0","id":1,"method":"ping",}`, nobody, parseError, 400},
		{"a raw control character", `{"jsonrpc":"2.0","id":1,"method":"pi` + "\x01" + `ng"}`, nobody, parseError, 400},
		{"NUL", "\x00", nobody, parseError, 400},
		{"an HTTP request", "POST /mcp HTTP/1.1\r", nobody, parseError, 400},
		{"a number that is none", `{"jsonrpc":"2.0","id":01,"method":"ping"}`, nobody, parseError, 400},
		{"an infinite number", `{"jsonrpc":"2.0","id":Infinity,"method":"ping"}`, nobody, parseError, 400},

		{"invalid UTF-8 in a string", pinging(`{"a":"` + "\xff" + `"}`), nobody, parseError, 400},
		{"half a character", pinging(`{"a":"` + "\xe2\x82" + `"}`), nobody, parseError, 400},
		{"an overlong character", pinging(`{"a":"` + "\xc0\xaf" + `"}`), nobody, parseError, 400},
		{"a surrogate in UTF-8", pinging(`{"a":"` + "\xed\xa0\x80" + `"}`), nobody, parseError, 400},
		{"invalid UTF-8 alone", "\xff\xfe", nobody, parseError, 400},
		{"UTF-16", "{\x00\"\x00j\x00", nobody, parseError, 400},
		{"a byte order mark", "\ufeff" + ping, nobody, parseError, 400},

		{"deep arrays", deep("[", "", "", 1<<20), nobody, invalidRequest, 400},
		{"deep arrays, closed", deep("[", "", "]", 100_000), nobody, invalidRequest, 400},
		{"deep objects", deep(`{"a":`, "1", "}", 100_000), nobody, parseError, 400},
		{"deep params", pinging(deep(`{"a":`, "1", "}", 200_000)), nobody, invalidRequest, 400},
		{"deep params, smaller", pinging(`{"a":` + deep("[", "", "]", 20_000) + "}"), nobody, parseError, 400},
		{"deep arguments", request(1, "vault_list", deep(`{"a":`, "1", "}", 12_000)), nobody, parseError, 400},
		{"many values", pinging(`{"a":[` + strings.Repeat("0,", 1<<20) + "0]}"), nobody, invalidRequest, 400},
		{"long arguments", request(1, "vault_list", `{"scope":"`+strings.Repeat("x", 1<<20)+`"}`), "1", invalidParams, 400},

		{"a batch", "[" + ping + "," + list + "]", nobody, invalidRequest, 400},
		{"an empty batch", " []", nobody, invalidRequest, 400},
		{"a number", "1", nobody, invalidRequest, 400},
		{"a text", `"quoted"`, nobody, invalidRequest, 400},
		{"null", "null", nobody, invalidRequest, 400},
		{"an empty object", "{}", nobody, invalidRequest, 400},
		{"no version", `{"id":1,"method":"ping"}`, "1", invalidRequest, 400},
		{"another version", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, "1", invalidRequest, 400},
		{"a version that is a number", `{"jsonrpc":2.0,"id":1,"method":"ping"}`, "1", invalidRequest, 400},
		{"a method that is a number", `{"jsonrpc":"2.0","id":1,"method":3}`, "1", invalidRequest, 400},
		{"a method that is null", `{"jsonrpc":"2.0","id":1,"method":null,"params":{}}`, "1", invalidRequest, 400},
		{"no method and no result", `{"jsonrpc":"2.0","id":1}`, "1", invalidRequest, 400},
		{"a result of nothing", `{"jsonrpc":"2.0","result":{}}`, nobody, invalidRequest, 400},
		{"params that are a list", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["quoted"]}`, "1", invalidRequest, 400},
		{"params that are a text", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"quoted"}`, "1", invalidRequest, 400},
		{"a name that is a number", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":3}}`, "1", invalidRequest, 400},

		{"an id that is null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, nobody, invalidRequest, 400},
		{"an id that is true", `{"jsonrpc":"2.0","id":true,"method":"ping"}`, nobody, invalidRequest, 400},
		{"an id that is an object", `{"jsonrpc":"2.0","id":{"quoted":1},"method":"ping"}`, nobody, invalidRequest, 400},
		{"an id that is a list", `{"jsonrpc":"2.0","id":[1],"method":"ping"}`, nobody, invalidRequest, 400},
		{"a long id", `{"jsonrpc":"2.0","id":"` + strings.Repeat("quoted", 200) + `","method":"ping"}`, nobody, invalidRequest, 400},
		{"an id that is a float", `{"jsonrpc":"2.0","id":1.50,"method":"ping"}`, "1.50", 0, 200},
		{"an id with an exponent", `{"jsonrpc":"2.0","id":1E+2,"method":"ping"}`, "1E+2", 0, 200},
		{"an id that is a text", `{"jsonrpc":"2.0","id":"\u0031","method":"ping"}`, `"\u0031"`, 0, 200},
		{"an id that is empty", `{"jsonrpc":"2.0","id":"","method":"ping"}`, `""`, 0, 200},
		{"an id that is there twice", `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, "null", invalidRequest, 400},
		{"a method in another case", `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/list"}`, "null", invalidRequest, 400},
		{"a tool that is there twice", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status","name":"vault_list"}}`, "null", invalidRequest, 400},

		{"no such method", `{"jsonrpc":"2.0","id":1,"method":"quoted/method"}`, "1", noMethod, 200},
		{"no such tool", request(1, "quoted_tool", `{}`), "1", invalidParams, 200},
		{"no tool at all", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, "1", invalidParams, 200},
		{"no such prompt", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"quoted"}}`, "1", invalidParams, 200},
		{"an answer to nobody", `{"jsonrpc":"2.0","id":"akos-1","result":{"action":"accept"}}`, "", 0, 202},
		{"an empty answer", `{"jsonrpc":"2.0","id":5,"result":{}}`, "", 0, 202},
		{"an error that answers nobody", `{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"quoted"}}`, "", 0, 202},
		{"a note of nothing", `{"jsonrpc":"2.0","method":"notifications/quoted"}`, "", 0, 202},
		{"a note that cancels nothing", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"quoted":[]}}}`, "", 0, 202},
	} {
		// Each row is one of both transports, so that the answers are.
		check := func(transport, got string) {
			t.Helper()
			if tt.id == "" {
				if got != "" {
					t.Errorf("%s over %s: %.300s, want no answer", tt.name, transport, got)
				}
				return
			}
			r := parse(t, got)
			if string(r.ID) != tt.id || r.code() != tt.code || strings.Contains(got, "quoted") {
				t.Errorf("%s over %s: %.300s\nwant the id %s and the code %d", tt.name, transport, got, tt.id, tt.code)
			}
		}
		c := connect(t, h.server(t, mcpserver.Options{}))
		c.send(tt.message + "\n" + ping + "\n")
		got := c.recv()
		if tt.id != "" {
			check("stdio", got)
			got = c.recv()
		}
		if r := parse(t, got); string(r.ID) != `"ping"` || r.Result == nil {
			t.Errorf("%s over stdio: a ping afterwards: %s", tt.name, got)
		}
		c.end()
		res := a.post(tt.message)
		if res.status != tt.status {
			t.Errorf("%s over HTTP: status %d, want %d", tt.name, res.status, tt.status)
		}
		check("HTTP", strings.TrimSpace(res.body))
		a.post(ping).is(200, 0)
	}
}

// TestHTTPHeaders: a message whose headers are missing, or say another thing
// than it, is not answered, and they are not repeated.
func TestHTTPHeaders(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "cli")
	w := overHTTP(t, h, mcpserver.Options{})
	a := w.connect(token)
	session := a.headers[3]
	const mismatch = -32020
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	newest := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list",` + meta + `}}`
	for _, tt := range []struct {
		name, message string
		status, code  int
		headers       []string // beside the token
	}{
		{"an older message", ping, 200, 0, []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25"}},
		{"no revision", ping, 200, 0, []string{"Mcp-Session-Id", session}}, // that of 2025-03-26 had no such header
		{"another old revision", ping, 200, 0, []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-06-18"}},
		{"an unknown revision", ping, 400, invalidRequest, []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2020-01-01"}},
		{"no revision at all", ping, 400, invalidParams, []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "quoted"}},
		{"two revisions", ping, 400, invalidRequest, []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25", "Mcp-Protocol-Version", "2026-07-28"}},
		{"no session", ping, 400, invalidRequest, []string{"Mcp-Protocol-Version", "2025-11-25"}},
		{"an empty session", ping, 404, invalidRequest, []string{"Mcp-Session-Id", " ", "Mcp-Protocol-Version", "2025-11-25"}},
		{"two sessions", ping, 400, invalidRequest, []string{"Mcp-Session-Id", session, "Mcp-Session-Id", session}},
		{"the library's own session", ping, 404, invalidRequest, []string{"Mcp-Session-Id", "request"}},
		{"a session, in capitals", ping, 404, invalidRequest, []string{"Mcp-Session-Id", strings.ToLower(session)}},
		{"a long session", ping, 404, invalidRequest, []string{"Mcp-Session-Id", strings.Repeat("quoted", 4000)}},
		{"initialize in a session", initialize, 200, 0, []string{"Mcp-Session-Id", "quoted"}},

		{"a message of the newest", newest, 200, 0, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list"}},
		{"with a session", newest, 200, 0, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list", "Mcp-Session-Id", session}},
		{"no method", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Name", "vault_list"}},
		{"another method", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "quoted", "Mcp-Name", "vault_list"}},
		{"a method, in capitals", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "Tools/Call", "Mcp-Name", "vault_list"}},
		{"no name", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call"}},
		{"another name", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "quoted"}},
		{"an older revision", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list"}},
		{"no revision of the newest", newest, 400, mismatch, []string{"Mcp-Method", "tools/call", "Mcp-Name", "vault_list"}},
		{"two revisions of the newest", newest, 400, invalidRequest, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Protocol-Version", "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list"}},
		{"the newest in the header alone", list, 400, invalidParams, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list"}},
		{"a revision to come", strings.Replace(newest, "2026-07-28", "2027-01-01", 1), 400, -32022, []string{"Mcp-Protocol-Version", "2027-01-01", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list"}},
		{"a resumed stream", newest, 400, mismatch, []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "vault_list", "Last-Event-ID", "quoted"}},

		{"no type", ping, 415, invalidRequest, []string{"Mcp-Session-Id", session, "Content-Type", ""}},
		{"a text", ping, 415, invalidRequest, []string{"Mcp-Session-Id", session, "Content-Type", "", "Content-Type", "text/plain"}},
		{"a form", ping, 415, invalidRequest, []string{"Mcp-Session-Id", session, "Content-Type", "", "Content-Type", "application/x-www-form-urlencoded"}},
		{"a type that is none", ping, 415, invalidRequest, []string{"Mcp-Session-Id", session, "Content-Type", "", "Content-Type", "application/json; quoted"}},
		{"two types", ping, 400, invalidRequest, []string{"Mcp-Session-Id", session, "Content-Type", "text/plain"}},
		{"JSON in UTF-8", ping, 200, 0, []string{"Mcp-Session-Id", session, "Content-Type", "", "Content-Type", "Application/JSON; charset=utf-8"}},
		// Whatever a client says that it takes, a plain answer is JSON.
		{"no Accept", ping, 200, 0, []string{"Mcp-Session-Id", session, "Accept", ""}},
		{"any Accept", ping, 200, 0, []string{"Mcp-Session-Id", session, "Accept", "", "Accept", "*/*"}},
		{"JSON alone", ping, 200, 0, []string{"Mcp-Session-Id", session, "Accept", "", "Accept", "application/json"}},
		{"pages alone", ping, 200, 0, []string{"Mcp-Session-Id", session, "Accept", "", "Accept", "text/html"}},
	} {
		res := w.send("POST", "/mcp", tt.message, append([]string{"Authorization", "Bearer " + token}, tt.headers...)...)
		got := parse(t, strings.TrimSpace(res.body)).code()
		if res.status != tt.status || got != tt.code || strings.Contains(res.body, "quoted") {
			t.Errorf("%s: status %d, code %d, want %d, %d: %.300s", tt.name, res.status, got, tt.status, tt.code, res.body)
		}
	}
	a.post(ping).is(200, 0)
}
