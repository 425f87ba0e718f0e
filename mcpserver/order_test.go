package mcpserver_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
)

// TestOrder: a notification that a request causes comes before its answer.
func TestOrder(t *testing.T) {
	const n = 500
	var in strings.Builder
	for id := range n {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"subscriptions/listen","params":{"notifications":{},"_meta":`+
			`{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`+"\n", id)
	}
	var out bytes.Buffer
	if err := newHome(t).server(t, mcpserver.Options{}).ServeStdio(t.Context(), strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2*n {
		t.Fatalf("%d lines, want %d", len(lines), 2*n)
	}
	for i := 0; i < len(lines); i += 2 {
		note, answer := parse(t, lines[i]), parse(t, lines[i+1])
		if note.Method != "notifications/subscriptions/acknowledged" || answer.Method != "" || string(answer.ID) != fmt.Sprint(i/2) {
			t.Fatalf("the lines %d and %d:\n%s\n%s", i, i+1, note.raw, answer.raw)
		}
	}
}
