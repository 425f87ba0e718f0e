//go:build clients && linux

package clients

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// TestControl: a tool that is not there, a complaint and a leak are found.
func TestControl(t *testing.T) {
	alone(t)
	bin := build(t)
	c := rows[slices.IndexFunc(rows, func(c client) bool { return c.name == "mcporter" })]
	c.calls = nil
	b := newBox(t, bin, fakeSecret())
	b.write("bin/akos-mcp", strings.Replace(recorder, `"$@"`, `"$@" --exclude-tools vault_list`, 1))
	c.configure(b, "stdio", "")
	listed := c.visit(b, "")
	w, _ := b.recorded()
	all := overStdio(t, bin)
	faults := w.handshake().faults(c, listed, all, all)
	if len(faults) != 2 || !strings.HasPrefix(faults[0], "the server lists") || faults[1] != "it shows vault_list: false, want true" {
		t.Errorf("a tool is missing, and the faults are %q", faults)
	}
	if faults := (handshake{}).faults(c, listed, nil, nil); len(faults) != 1 {
		t.Errorf("nothing has connected, and the faults are %q", faults)
	}
	for text, want := range map[string]int{
		"listing\n[WARN] tool vault_put has an invalid schema\n": 1, "MCP server akos: connected\n": 0, "Error: there is no model here\n": 0,
	} {
		if got := complaints(text); len(got) != want {
			t.Errorf("of %q it finds %q", text, got)
		}
	}
	secret := fakeSecret()
	for _, text := range []string{"a " + secret, base64.StdEncoding.EncodeToString([]byte("as " + secret + "!"))} {
		if !leaks(text, secret) || leaks(text, fakeSecret()) {
			t.Errorf("%q leaks", text)
		}
	}
}
