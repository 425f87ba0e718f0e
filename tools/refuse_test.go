package tools

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// TestRefuseStored puts a stored value, that looks like nothing, into each
// argument of each tool: every one refuses it, as it refuses what looks like a
// credential, and does nothing.
func TestRefuseStored(t *testing.T) {
	for _, face := range []struct {
		name  string
		agent bool
	}{{"agent", true}, {"person", false}} {
		t.Run(face.name, func(t *testing.T) {
			s := agent(t)
			s.Agent = face.agent
			b := make([]byte, 20)
			_, _ = rand.Read(b)
			v := hex.EncodeToString(b)
			if _, err := s.Workspace.Put(t.Context(), workspace.PutRequest{Key: "STORED", Value: workspace.NewSecret([]byte(v))}); err != nil {
				t.Fatal(err)
			}
			now := s.Workspace.Now()
			s.Workspace.Now = func() time.Time { now = now.Add(time.Minute); return now } // as of somebody who is slow
			n := 0
			for _, tool := range Catalog() {
				if face.agent && tool.CLIOnly != "" {
					continue
				}
				names := []string{"noSuchArgument", v}
				for name := range tool.In(face.agent).Properties {
					names = append(names, name)
				}
				for _, name := range names {
					for _, value := range []any{v, "Bearer " + v, "https://example.com/?token=" + v, []any{"A", v}, map[string]any{"a": v}, map[string]any{v: "a"}, map[string]any{"a": []any{map[string]any{"b": "x=" + v}}}} {
						args, err := json.Marshal(map[string]any{name: value})
						if err != nil {
							t.Fatal(err)
						}
						n++
						_, err = tool.Call(t.Context(), s, args)
						if err == nil {
							t.Errorf("%s takes it: %s", tool.Name, strings.ReplaceAll(string(args), v, "VALUE"))
							continue
						}
						if e := workspace.Explain(err); e.Kind != workspace.Invalid || !strings.Contains(e.Msg, "rotate it") || e.Hint != "akos vault put NAME" || strings.Contains(err.Error()+e.Hint, v[:8]) {
							t.Errorf("%s %s: %s: %s, hint %q", tool.Name, strings.ReplaceAll(string(args), v, "VALUE"), e.Kind, e.Msg, e.Hint)
						}
					}
				}
			}
			if n < 300 {
				t.Errorf("only %d calls were made", n)
			}
			keys, err := s.Workspace.List(t.Context(), "")
			if err != nil || len(keys) != 1 {
				t.Errorf("keys %v, %v", keys, err)
			}
		})
	}
}
