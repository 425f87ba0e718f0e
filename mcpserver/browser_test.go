//go:build browser

package mcpserver_test

import (
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
)

// TestBrowser: the real server, a real Chromium, and the agent's next call.
func TestBrowser(t *testing.T) {
	h := newHome(t)
	p := start(t, h, "--verbose")
	p.ask(hello(`{}`))
	first := entryOf(t, p.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN","reason":"to open pull requests"}`)))
	var scenes []map[string]string
	for play, url := range map[string]string{
		"typed":   first.EntryURL,
		"decline": entryOf(t, p.ask(request(2, "vault_put", `{"key":"LINEAR_API_KEY"}`))).EntryURL,
	} {
		scenes = append(scenes, map[string]string{"play": play, "url": url, "value": entered})
	}
	akostest.Browse(t, "entry.cjs", map[string]any{"scenes": scenes})
	for tool, want := range map[string]string{
		request(3, "vault_put", `{"key":"GITHUB_TOKEN"}`):   `"status":"stored"`,
		request(4, "vault_put", `{"key":"LINEAR_API_KEY"}`): `"status":"declined"`,
		request(5, "vault_list", `{}`):                      `"key":"GITHUB_TOKEN"`,
	} {
		if r := p.ask(tool); !strings.Contains(string(r.Result.Structured), want) || strings.Contains(r.raw, entered) {
			t.Errorf("%s: %s", want, r.raw)
		}
	}
	r := p.ask(request(6, "connection_create", `{"kind":"github","name":"code","vaultKeys":{"token":"GITHUB_TOKEN"}}`))
	if !strings.Contains(r.raw, `"status\":\"ready`) {
		t.Error(r.raw)
	}
	p.in.Close()
	p.ends(0)
	if strings.Contains(p.errs.String(), entered) {
		t.Error("the log holds the value")
	}
	h.hides(t, entered)
}
