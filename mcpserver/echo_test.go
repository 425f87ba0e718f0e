package mcpserver_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// places are the parts of a message in which text of a client can stand that is
// not the id, which JSON-RPC has come back; @ is the text.
var places = map[string]string{
	"the jsonrpc":              `{"jsonrpc":"@","id":1,"method":"ping"}`,
	"a member":                 `{"jsonrpc":"2.0","id":1,"method":"ping","@":"@"}`,
	"a method":                 `{"jsonrpc":"2.0","id":1,"method":"@","params":{}}`,
	"a part of a method":       `{"jsonrpc":"2.0","id":1,"method":"tools/@","params":{}}`,
	"params":                   `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"@":"@"}}`,
	"text for params":          `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"@"}`,
	"a cursor":                 `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"@"}}`,
	"a cursor of resources":    `{"jsonrpc":"2.0","id":1,"method":"resources/list","params":{"cursor":"@"}}`,
	"a level":                  `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"@"}}`,
	"a tool":                   `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"@","arguments":{}}}`,
	"a task":                   `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{},"task":{"@":"@"}}}`,
	"an unknown argument":      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"@":1}}}`,
	"an argument":              `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"connection_inspect","arguments":{"name":"@"}}}`,
	"text for arguments":       `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":"@"}}`,
	"a state":                  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_put","arguments":{"key":"A"},"requestState":"@","inputResponses":{"@":{"action":"@"}}}}`,
	"a token":                  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_remove","arguments":{"key":"NO_SUCH_KEY"},"_meta":{"progressToken":"@"}}}`,
	"an address":               `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://connections/@"}}`,
	"an address of a provider": `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"akos://providers/@"}}`,
	"another address":          `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"https://@/"}}`,
	"a subscription":           `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"@"}}`,
	"a prompt":                 `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"@","arguments":{}}}`,
	"a prompt's argument":      `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"onboard-provider","arguments":{"provider":"@"}}}`,
	"a reference":              `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"@","name":"@"},"argument":{"name":"@","value":"@"}}}`,
	"a completed argument":     `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"@"},"argument":{"name":"provider","value":"x"}}}`,
	"a completed address":      `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"@"},"argument":{"name":"id","value":"x"}}}`,
	"a client":                 `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"@","capabilities":{"experimental":{"@":"@"}},"clientInfo":{"name":"@","title":"@","version":"@"}}}`,
	"a _meta":                  `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"@":"@"}}}`,
	"a task's id":              `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"@"}}`,
	"an open array":            `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":["@"`,
}

// modernMeta are _metas of the newest revision with text in their members.
var modernMeta = map[string]string{
	"a revision":   `{"io.modelcontextprotocol/protocolVersion":"@","io.modelcontextprotocol/clientCapabilities":{}}`,
	"a revision's": `{"io.modelcontextprotocol/protocolVersion":"2026-07-28@","io.modelcontextprotocol/clientCapabilities":{}}`,
	"a client": `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"@","version":"@"},` +
		`"io.modelcontextprotocol/clientCapabilities":{"experimental":{"@":"@"}},"io.modelcontextprotocol/logLevel":"@","progressToken":"@"}`,
	"a wrong client": `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":"@","io.modelcontextprotocol/clientCapabilities":"@"}`,
}

// TestRepeatsNothing: a stored value that looks like nothing does not come back
// from any place of a message, nor from a header, in either revision.
func TestRepeatsNothing(t *testing.T) {
	// One begins as a revision does.
	for _, v := range []string{strings.ToLower(hex.EncodeToString([]byte(fakeToken()))), "2026-07-28-" + hex.EncodeToString([]byte(fakeToken()))[:40]} {
		h := newHome(t)
		h.store(t, "SENTRY_AUTH_TOKEN", workspace.ScopeTenant, v)
		h.account(t, "ada", "")
		token := h.token(t, "ada", "", "cli")
		w := overHTTP(t, h, mcpserver.Options{})
		a := w.connect(token)
		silent := func(face, what, answer string) {
			t.Helper()
			if strings.Contains(answer, v) {
				t.Errorf("%s: %s comes back: %.300s", face, what, answer)
			}
		}
		fill := func(text string) string { return strings.ReplaceAll(text, "@", v) }
		for what, text := range places {
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.ask(initialize)
			silent("stdio", what, c.ask(fill(text)).raw)
			silent("HTTP", what, a.post(fill(text)).body)
			for meta, members := range modernMeta {
				var m struct {
					Method string         `json:"method"`
					Params map[string]any `json:"params"`
				}
				if json.Unmarshal([]byte(text), &m) != nil || m.Params == nil || strings.Contains(text, "_meta") {
					continue
				}
				modern := fill(strings.Replace(text, `"params":{`, `"params":{"_meta":`+members+`,`, 1))
				modern = strings.Replace(modern, `,}`, `}`, 1)
				called, _ := m.Params["name"].(string)
				if uri, ok := m.Params["uri"].(string); ok {
					called = uri
				}
				silent("stdio", what+" and "+meta, c.ask(modern).raw)
				for _, revision := range []string{"2026-07-28", v} {
					silent("HTTP", what+" and "+meta, w.send("POST", "/mcp", modern, "Authorization", "Bearer "+token,
						"Mcp-Protocol-Version", revision, "Mcp-Method", fill(m.Method), "Mcp-Name", fill(called)).body)
				}
			}
			c.end()
		}
		for _, name := range []string{"Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Accept", "Origin"} {
			silent("HTTP", name, w.send("POST", "/mcp", list, "Authorization", "Bearer "+token, name, v).body)
		}
	}
}

// TestRepeatsRevision: the revision that is not served comes back, as the newest
// one wants it, if that is what it is.
func TestRepeatsRevision(t *testing.T) {
	h := newEmptyHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	w := overHTTP(t, h, mcpserver.Options{}, noAuth)
	for revision, want := range map[string]string{"2099-01-31": "2099-01-31", "v999.0.0": "v999.0.0", "3": "3", "soon": "", "fake-1-2-3": "", strings.Repeat("9", 16): ""} {
		text := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"` + revision + `","io.modelcontextprotocol/clientCapabilities":{}}}}`
		for face, r := range map[string]response{"stdio": c.ask(text), "HTTP": w.send("POST", "/mcp", text, "Mcp-Protocol-Version", revision, "Mcp-Method", "tools/list").rpc()} {
			var data struct {
				Supported []string
				Requested *string
			}
			if r.code() != -32022 || json.Unmarshal(r.Error.Data, &data) != nil || data.Requested == nil || *data.Requested != want || len(data.Supported) < 3 {
				t.Errorf("%s: %s: %s", face, revision, r.raw)
			}
		}
	}
}
