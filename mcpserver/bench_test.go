package mcpserver_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/project"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

// BenchmarkServe measures the server alone: its messages come from memory.
func BenchmarkServe(b *testing.B) {
	for _, tool := range []string{"auth_status", "vault_list", "connection_list"} {
		b.Run(tool, func(b *testing.B) {
			s, err := mcpserver.New(mcpserver.Options{Workspace: filled(b, 100), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			in := calls(b.N, tool, `{}`)
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.ServeStdio(b.Context(), in, io.Discard); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRefuse measures what it costs to look for a stored value in the
// arguments: of a call without any, with a name, and with what could be one.
func BenchmarkRefuse(b *testing.B) {
	for name, args := range map[string]string{"none": `{}`, "name": `{"name":"production-chat"}`, "opaque": `{"name":"x","y":"` + strings.Repeat("0123456789abcdef", 3) + `"}`} {
		b.Run(name, func(b *testing.B) {
			s, err := mcpserver.New(mcpserver.Options{Workspace: filled(b, 100), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			in := calls(b.N, "connection_inspect", args)
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.ServeStdio(b.Context(), in, io.Discard); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// calls returns a session of n calls.
func calls(n int, tool, args string) io.Reader {
	var in bytes.Buffer
	in.WriteString(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n")
	for i := range n {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`+"\n", i+2, tool, args)
	}
	return &in
}

// filled returns a workspace with n keys in a home of its own.
func filled(b *testing.B, n int) *workspace.Workspace {
	b.Helper()
	home := b.TempDir()
	env := func(name string) (string, bool) { return "file", name == "AKOS_VAULT" }
	db := state.New(home)
	b.Cleanup(func() { db.Close() })
	w := workspace.New(workspace.Options{
		Project: &project.Finder{Dir: home}, Store: db, Keys: vault.New(vault.Options{Home: home, LookupEnv: env}),
		LookupEnv: env, Now: time.Now, Log: slog.New(slog.DiscardHandler), Actor: "mcp", Version: "bench", Home: home,
	})
	for i := range n {
		value := workspace.NewSecret(fmt.Appendf(nil, "fake value %d", i))
		if _, err := w.Put(b.Context(), workspace.PutRequest{Key: fmt.Sprintf("KEY_%d", i), Value: value}); err != nil {
			b.Fatal(err)
		}
	}
	return w
}
