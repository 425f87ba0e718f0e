//go:build linux

package canary

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leaks are faults as one could make them, and where each must be found.
var leaks = map[string]string{
	"hash":    `sum := sha256.Sum256(b); println(hex.EncodeToString(sum[:4]))`,
	"last":    `println("stored …" + string(b[max(0, len(b)-4):]))`,
	"length":  `println("stored", len(b), "bytes")`,
	"bytes":   `println(fmt.Sprint(b[len(b)/2:]))`,
	"base64":  `println("x" + base64.StdEncoding.EncodeToString(append([]byte("ab"), b...)))`,
	"file":    `os.WriteFile(fmt.Sprint(os.Getenv("TMPDIR"), "/x", len(b)), slices.Concat([]byte{0}, b), 0o600)`,
	"process": `exec.Command("sh", "-c", "sleep 1; : planted", string(b)).Start(); time.Sleep(60 * time.Millisecond)`,
	"child":   `exec.Command("sleep", "0.2").Run()`,
	"text":    `println(string(b))`,
}

// slips are faults of the sidecar, with whatever it looks up by its hash: each
// token, code, cookie and link. The relay adds the ones on the wire.
var slips = map[string]string{
	"log":   `println("looking for", text)`,
	"end":   `println("looking for …" + text[max(0, len(text)-12):])`,
	"hash":  `println(hex.EncodeToString(sha256.New().Sum([]byte(text))))`,
	"state": `f, _ := os.OpenFile(os.Getenv("AKOS_HOME")+"/state.db-x", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); f.WriteString("\x00" + text); f.Close()`,
}

// spills are faults of akos-mcp over HTTP, with each token that comes.
var spills = map[string]string{
	"log":     `println("asked by", r.Header.Get("Authorization"))`,
	"end":     `auth := r.Header.Get("Authorization"); println("asked by …" + auth[max(0, len(auth)-12):])`,
	"file":    `os.WriteFile(os.Getenv("TMPDIR")+"/asked", []byte(r.Header.Get("Authorization")), 0o600)`,
	"process": `exec.Command("sh", "-c", "sleep 1; : planted", r.Header.Get("Authorization")).Start(); time.Sleep(60 * time.Millisecond)`,
}

// TestControl builds akos with each of the leaks in the place where every
// value becomes a secret, with the slips where the sidecar has what it hands
// out, and with the spills where a token comes over HTTP, and sees that the
// canary finds them.
func TestControl(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	write := func(path, text string) string {
		to := filepath.Join(dir, strings.ReplaceAll(path, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return to
	}
	// plant adds to the function that starts with anchor a call of leak, which
	// does what the variable says.
	plant := func(target, anchor, param, variable, imports string, faults map[string]string) {
		source, err := os.ReadFile(filepath.Join(root, target))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(source), anchor) != 1 {
			t.Fatalf("%s has no place for a leak any more", target)
		}
		name, typ, _ := strings.Cut(param, " ")
		var leak strings.Builder
		leak.WriteString("package " + filepath.Base(filepath.Dir(target)) + "\n\nimport (\n\"" + strings.ReplaceAll(imports, " ", "\"\n\"") + "\"\n)\n\nfunc leak(" + name + " " + typ + ") {\nswitch os.Getenv(\"" + variable + "\") {\n")
		for name, code := range faults {
			leak.WriteString("case \"" + name + "\":\n" + code + "\n")
		}
		leak.WriteString("}\n}\n")
		replace[filepath.Join(root, target)] = write(target, strings.Replace(string(source), anchor, anchor+"\tleak("+name+")\n", 1))
		beside := filepath.Join(filepath.Dir(target), "leak.go")
		replace[filepath.Join(root, beside)] = write(beside, leak.String())
	}
	plant("workspace/internal/secret/secret.go", "func New(b []byte) Value {\n", "b []byte", "LEAK", "crypto/sha256 encoding/base64 encoding/hex fmt os os/exec slices time", leaks)
	plant("workspace/authserver/shelf.go", "func hash(text string) string {\n", "text string", "SLIP", "crypto/sha256 encoding/hex os", slips)
	plant("mcpserver/bearer.go", "func bearer(r *http.Request) (token string, ok bool) {\n", "r *http.Request", "SPILL", "net/http os os/exec time", spills)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	w := build(t, "-overlay", write("overlay.json", string(overlay)))
	w.planted = true
	for name := range leaks {
		if name == "text" {
			continue // it is for the logins below
		}
		for _, face := range []string{"cli", "mcp"} {
			t.Run(name+" "+face, func(t *testing.T) {
				found := &recorder{}
				stop := w.watch(found)
				b := w.box(t, "AKOS_VAULT=file", "LEAK="+name)
				b.report = found
				b.inProject("a.env", append([]byte("LONG="), values.Long.Value...))
				if face == "cli" {
					b.do(op{args: []string{"vault", "put", "LONG", "--stdin"}, stdin: values.Long.Value})
				} else {
					b.env = append(b.env, "LEAK=")
					b.do(op{args: []string{"init", "--id", "canary"}})
					b.env = append(b.env, "LEAK="+name)
					b.mcp(op{}, call("vault_import", map[string]any{"path": "a.env"}))
				}
				// A machine that has much else to do looks at processes seldom.
				for deadline := time.Now().Add(time.Second); found.none() && time.Now().Before(deadline); {
					time.Sleep(10 * time.Millisecond)
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
	for name := range spills {
		t.Run("http "+name, func(t *testing.T) {
			found := &recorder{}
			stop := w.watch(found)
			b := w.box(t, "AKOS_VAULT=file", "SPILL="+name)
			b.report, b.learns, b.hashes = found, true, true
			s := b.serveHTTP("text")
			s.agent(b.token("ada", "acme", "cli")).send(call("vault_list", map[string]any{}), true)
			for deadline := time.Now().Add(time.Second); name == "process" && found.none() && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			s.ends(syscall.SIGTERM, 0)
			stop()
			if !strings.Contains(strings.Join(found.texts, "\n"), "personal token as ") {
				t.Errorf("the canary did not find the token: %q", found.texts)
			}
			for _, text := range found.texts {
				if !strings.HasPrefix(text, "LEAK") {
					t.Errorf("another fault than the leak: %s", text)
				}
			}
		})
	}
	made := []string{"set-up key", "cookie", "device code", "transaction", "access token", "refresh token"}
	for slip, kinds := range map[string][]string{
		"log": made, "end": made, "hash": made, "state": made, "page": {"cookie"},
		// Those of the command line, which makes secrets of what it gets.
		"client": {"device code", "code verifier", "access token", "refresh token"},
	} {
		t.Run("login "+slip, func(t *testing.T) {
			t.Parallel()
			found := &recorder{}
			s := w.site(t, "text", "SLIP="+slip)
			if slip == "client" {
				s.client.env = append(s.client.env, "LEAK=text")
			}
			s.report, s.client.report = found, found
			s.start()
			p := s.person()
			password := string(values.Password.Value)
			p.get(s.setup)
			p.post(s.setup, "user", "ada", "password", password, "again", password)
			if slip == "page" {
				s.relay.mu.Lock()
				s.relay.tamper = func(h http.Header) { h.Set("X-Session", s.relay.last("cookie")) }
				s.relay.mu.Unlock()
			}
			s.login(0, p, "approve", op{})
			s.do(op{args: []string{"tenant", "use", "local"}, want: 0})
			s.client.corrupt("UPDATE session SET expires = 1")
			s.do(op{args: []string{"auth", "whoami"}, want: 0})
			s.done()
			texts := strings.Join(found.texts, "\n")
			for _, kind := range kinds {
				if !regexp.MustCompile(`LEAK [^\n]*\b` + kind + ` as `).MatchString(texts) {
					t.Errorf("the canary did not find the %s", kind)
				}
			}
			for _, text := range found.texts {
				if !strings.HasPrefix(text, "LEAK") {
					t.Errorf("another fault than the leak: %s", text)
				}
			}
		})
	}
}
