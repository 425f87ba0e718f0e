//go:build linux

package canary

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaks are faults as one could make them, and where each must be found.
var leaks = map[string]string{
	"hash":    `sum := sha256.Sum256(b); println(hex.EncodeToString(sum[:4]))`,
	"last":    `println("stored …" + string(b[max(0, len(b)-4):]))`,
	"length":  `println("stored", len(b), "bytes")`,
	"bytes":   `println(fmt.Sprint(b[len(b)/2:]))`,
	"base64":  `println("x" + base64.StdEncoding.EncodeToString(append([]byte("ab"), b...)))`,
	"file":    `os.WriteFile(fmt.Sprint(os.Getenv("TMPDIR"), "/x", len(b)), slices.Concat([]byte{0}, b), 0o600)`,
	"process": `exec.Command("sleep", "0.1", "--", string(b)).Start(); time.Sleep(60 * time.Millisecond)`,
	"child":   `exec.Command("sleep", "0.1").Run()`,
}

// TestControl builds akos with each of the leaks in the place where every
// value becomes a secret, and sees that the canary finds it.
func TestControl(t *testing.T) {
	t.Parallel()
	const target = "workspace/internal/secret/secret.go"
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	const anchor = "func New(b []byte) Value {\n"
	if strings.Count(string(source), anchor) != 1 {
		t.Fatalf("%s has no place for a leak any more", target)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var leak strings.Builder
	leak.WriteString("package secret\n\nimport (\n\"crypto/sha256\"\n\"encoding/base64\"\n\"encoding/hex\"\n\"fmt\"\n\"os\"\n\"os/exec\"\n\"slices\"\n\"time\"\n)\n\nfunc leak(b []byte) {\nswitch os.Getenv(\"LEAK\") {\n")
	for name, code := range leaks {
		leak.WriteString("case \"" + name + "\":\n" + code + "\n")
	}
	leak.WriteString("}\n}\n")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(root, target):                          write("secret.go", strings.Replace(string(source), anchor, anchor+"\tleak(b)\n", 1)),
		filepath.Join(root, filepath.Dir(target), "leak.go"): write("leak.go", leak.String()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := build(t, "-overlay", write("overlay.json", string(overlay)))
	for name := range leaks {
		for _, face := range []string{"cli", "mcp"} {
			t.Run(name+" "+face, func(t *testing.T) {
				found := &recorder{}
				stop := w.watch(found)
				b := w.box(t, "AKOS_VAULT=file", "LEAK="+name)
				b.report = found
				b.inProject("a.env", append([]byte("LONG="), values.long.value...))
				if face == "cli" {
					b.do(op{args: []string{"vault", "put", "LONG", "--stdin"}, stdin: values.long.value})
				} else {
					b.env = append(b.env, "LEAK=")
					b.do(op{args: []string{"init", "--id", "canary"}})
					b.env = append(b.env, "LEAK="+name)
					b.mcp(op{}, call("vault_import", map[string]any{"path": "a.env"}))
				}
				stop()
				if len(found.texts) == 0 {
					t.Error("the canary did not find the leak")
				}
				for _, text := range found.texts {
					if strings.Contains(text, "LEAK") == strings.Contains(text, "exit code") {
						t.Errorf("another fault than the leak: %s", text)
					}
				}
			})
		}
	}
}
