//go:build linux

package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/akos/evals/internal/search"
	"filippo.io/age/armor"
	"github.com/creack/pty"
)

// patience bounds every operation: the longest waits that akos has are 5 s for
// a keychain and 2 s for the last calls of a client that has gone.
const patience = 30 * time.Second

// A world is what all boxes of a test share.
type world struct {
	bin      string // where akos and akos-mcp are
	browser  string // where the program is that stands for a browser
	searcher *search.Searcher
	learnt   *learnt
	planted  bool // processes that a control leaves are looked for

	operations, searched, files, processes atomic.Int64
}

// build builds both binaries with args for go build.
func build(t *testing.T, args ...string) *world {
	t.Helper()
	w := &world{bin: t.TempDir(), browser: t.TempDir(), searcher: search.New(values.All()...), learnt: newLearnt()}
	cmd := exec.Command("go", append(append([]string{"build"}, args...), "-o", w.bin+"/", "./cmd/akos", "./cmd/akos-mcp")...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return w
}

// A reporter takes what was found.
type reporter interface {
	Errorf(format string, args ...any)
}

// A recorder keeps what was found: a control has to fail.
type recorder struct {
	mu    sync.Mutex
	texts []string
}

// Errorf keeps a text.
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, fmt.Sprintf(format, args...))
}

// none reports whether nothing was found yet.
func (r *recorder) none() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts) == 0
}

// watch looks at all processes until end is called: no command line but that
// which the test itself gave to akos may hold a canary, and akos starts no
// process that could inherit one.
func (w *world) watch(r reporter) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	reported := map[string]bool{}
	report := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !reported[text] {
			reported[text] = true
			r.Errorf("LEAK: %s", text)
		}
	}
	looked := map[string]string{} // at which program, started when
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
			}
			entries, _ := os.ReadDir("/proc")
			ours := map[string]bool{}
			parents := map[string]string{}
			for _, e := range entries {
				pid := e.Name()
				if _, err := strconv.Atoi(pid); err != nil {
					continue
				}
				exe, _ := os.Readlink("/proc/" + pid + "/exe") // it may have ended
				stat, _ := os.ReadFile("/proc/" + pid + "/stat")
				started := ""
				if _, rest, ok := strings.Cut(string(stat), ") "); ok {
					fields := strings.Fields(rest)
					parents[pid], started = fields[1], fields[19]
				}
				if ours[pid] = filepath.Dir(exe) == w.bin; ours[pid] || looked[pid] == exe+started {
					continue
				}
				line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
				w.processes.Add(1)
				w.searched.Add(int64(len(line)))
				// What was forked to become akos has its arguments, or the
				// test's, until it is akos.
				if now, _ := os.Readlink("/proc/" + pid + "/exe"); now != exe {
					continue
				}
				if len(line) > 0 { // it is none for a moment while a program starts
					looked[pid] = exe + started
				}
				found := append(w.searcher.Find(line, true), w.learnt.find(line, true)...)
				if len(found) > 0 && !strings.Contains(string(line), w.bin) && (w.planted || !strings.Contains(string(line), "sleep 1; : planted")) {
					parent, _ := os.Readlink("/proc/" + parents[pid] + "/exe")
					report("the command line of process %s, %s, started by %s: %v", pid, exe, parent, found)
				}
			}
			for pid, parent := range parents {
				if ours[parent] && !ours[pid] {
					line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
					if len(line) == 0 || strings.Contains(string(line), w.browser) {
						continue // it has ended, or its arguments were looked at above
					}
					environ, _ := os.ReadFile("/proc/" + pid + "/environ")
					report("akos started a process: %q", w.searcher.Find(environ, true))
				}
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// A box is one hermetic home and what was found to leave it.
type box struct {
	*testing.T
	world  *world
	report reporter // the test, but for a control
	// root holds all that akos can write; the test's own files with canaries
	// are elsewhere, or in own.
	root, project, akosHome, sources string
	env                              []string
	own                              map[string]bool
	keys                             []*search.Searcher // of the keys that akos made: the values above them
	seen                             map[string]string
	// learns says that what the test learns on the wire is searched for too:
	// as soon as it is known, and once more in the end, in what was kept.
	learns bool
	hashes bool // its state holds the hashes of tokens, as it should
	killed bool // an import was killed, which leaves the old file under another name until the next
	kept   []output
}

// An output is what somebody was shown.
type output struct {
	what string
	data []byte
	may  []string
}

func (w *world) box(t *testing.T, env ...string) *box {
	t.Helper()
	root, sources := t.TempDir(), t.TempDir()
	b := &box{T: t, report: t, world: w, root: root, sources: sources, own: map[string]bool{}, seen: map[string]string{},
		project: filepath.Join(root, "project"), akosHome: filepath.Join(root, "akos")}
	for _, dir := range []string{"project", "home", "tmp", "data", "config", "run"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.env = append([]string{
		"HOME=" + filepath.Join(root, "home"), "AKOS_HOME=" + b.akosHome, "TMPDIR=" + filepath.Join(root, "tmp"),
		"XDG_DATA_HOME=" + filepath.Join(root, "data"), "XDG_CONFIG_HOME=" + filepath.Join(root, "config"), "XDG_RUNTIME_DIR=" + filepath.Join(root, "run"),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/canary", "TERM=xterm", "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		// What the environment of an agent's person holds.
		"OPENAI_API_KEY=" + string(values.Vendor.Value), "AGENTSKITOS_GROQ_API_KEY=" + string(values.Token.Value),
		"AGENTSKIT_TOKEN=" + string(values.Token.Value), "AKOS_TOKEN=" + string(values.Vendor.Value),
		"CANARY=" + string(values.Line.Value), "STRIPE_API_KEY= " + string(values.Token.Value) + " ", "SENTRY_AUTH_TOKEN=" + string(values.Text.Value),
	}, env...)
	return b
}

// fork returns a box with a copy of the akos home of b.
func (b *box) fork(t *testing.T, env ...string) *box {
	t.Helper()
	f := b.world.box(t)
	f.env = slices.Concat(f.env, b.extraEnv(), env)
	f.keys = b.keys
	if out, err := exec.Command("cp", "-a", b.akosHome, f.akosHome).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f
}

// extraEnv returns the variables of b that lead to its key holder.
func (b *box) extraEnv() (env []string) {
	for _, e := range b.env {
		for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS=", "AKOS_VAULT=", "AKOS_VAULT_PASSPHRASE_FILE=", "CREDENTIALS_DIRECTORY="} {
			if strings.HasPrefix(e, name) {
				env = append(env, e)
			}
		}
	}
	return env
}

// source writes a file of the test's, outside of what is searched.
func (b *box) source(name string, data []byte) string {
	b.Helper()
	path := filepath.Join(b.sources, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// inProject writes a file of the test's beside the workspace file.
func (b *box) inProject(name string, data []byte) string {
	b.Helper()
	path := filepath.Join(b.project, name)
	b.own[path] = true
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// watchKey makes a key that akos made a canary of this box.
func (b *box) watchKey(name string, value []byte) {
	b.keys = append(b.keys, search.New(search.Canary{Name: name, Value: value}))
	clear(b.seen)
}

// An op is one run of a program and what is right about it.
type op struct {
	program  string // akos unless given
	args     []string
	stdin    []byte
	env      []string
	want     int  // exit code; anyCode: whatever
	mayName  bool // the name stands where a name belongs, and may be repeated
	stdout   *os.File
	instead  string // this text, which the protocol sends back, is taken out of stdout first
	launcher []string
	started  func(*exec.Cmd)
	dir      string
	may      []string // what of the learnt values it may show, as learnt.find has it
}

const anyCode = -1

// do runs o, and searches what it shows and what it leaves.
func (b *box) do(o op) (stdout, stderr []byte) {
	b.Helper()
	if o.program == "" {
		o.program = "akos"
	}
	words := append(slices.Clone(o.launcher), filepath.Join(b.world.bin, o.program))
	words = append(words, o.args...)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdin = append(slices.Clone(b.env), o.env...), b.project, bytes.NewReader(o.stdin)
	if o.dir != "" {
		cmd.Dir = o.dir
	}
	// No terminal: whoever runs the tests is not asked.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if o.stdout != nil {
		cmd.Stdout = o.stdout
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if o.started != nil {
		o.started(cmd)
	}
	_ = cmd.Wait() // the exit code is looked at
	b.world.operations.Add(1)
	label := o.label()
	if ctx.Err() != nil {
		b.report.Errorf("%s: did not end", label)
	}
	if code := cmd.ProcessState.ExitCode(); o.want != anyCode && code != o.want {
		b.report.Errorf("%s: exit code %d, want %d\n%s%s", label, code, o.want, out.Bytes(), errs.Bytes())
	}
	shown := out.Bytes()
	if o.instead != "" {
		shown = bytes.ReplaceAll(shown, []byte(o.instead), []byte(`"ID"`))
	}
	b.search(label+": stdout", shown, true, o.mayName, o.may...)
	b.search(label+": stderr", errs.Bytes(), true, o.mayName, o.may...)
	b.searchFiles(label)
	return out.Bytes(), errs.Bytes()
}

func (o op) label() string {
	text := o.program + " " + strings.Join(o.args, " ")
	if o.program == "akos-mcp" {
		text += " < " + string(o.stdin)
	}
	for _, c := range values.All() {
		text = strings.ReplaceAll(text, string(c.Value), "{"+c.Name+"}")
	}
	return text[:min(len(text), 300)]
}

// search reports what of the canaries is in data. shown says that it was
// shown, and is no file.
func (b *box) search(what string, data []byte, shown, mayName bool, may ...string) {
	b.Helper()
	b.world.searched.Add(int64(len(data)))
	found := b.world.searcher.Find(data, shown)
	for _, s := range b.keys {
		found = append(found, s.Find(data, shown)...)
	}
	if b.learns {
		found = append(found, b.world.learnt.find(data, shown, may...)...)
		b.kept = append(b.kept, output{what, data, may})
	}
	if shown && !mayName && bytes.Contains(data, []byte(name)) {
		found = append(found, "what was given where no name belongs")
	}
	if len(found) > 0 {
		b.report.Errorf("LEAK in %s: %s\n%.600q", what, strings.Join(found, ", "), data)
	}
}

// again searches once more for what is known by now.
func (b *box) again() {
	b.Helper()
	kept := b.kept
	b.kept = nil
	for _, o := range kept {
		if found := b.world.learnt.find(o.data, true, o.may...); len(found) > 0 {
			b.report.Errorf("LEAK in %s: %s\n%.600q", o.what, strings.Join(found, ", "), o.data)
		}
	}
	clear(b.seen)
	b.searchFiles("all")
}

// searchFiles searches every file that akos can have written, and its name.
func (b *box) searchFiles(label string) {
	b.Helper()
	err := filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, b.root)
		found := b.world.searcher.Find([]byte(rel), false)
		if b.learns {
			found = append(found, b.world.learnt.find([]byte(rel), false)...)
		}
		if len(found) > 0 {
			b.report.Errorf("LEAK in the name of a file after %s: %v", label, found)
		}
		if !d.Type().IsRegular() || b.own[path] || b.killed && strings.HasPrefix(filepath.Base(path), ".env.akos-") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // it was removed
		}
		sign := fmt.Sprint(info.Size(), info.ModTime().UnixNano(), info.Sys().(*syscall.Stat_t).Ino)
		if b.seen[path] == sign && !strings.HasSuffix(path, "-shm") {
			return nil
		}
		b.seen[path] = sign
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		b.world.files.Add(1)
		b.world.searched.Add(int64(len(data)))
		found = b.world.searcher.Find(data, false)
		if b.learns {
			var may []string
			if b.hashes && strings.HasPrefix(filepath.Base(path), "state.db") {
				for _, kind := range []string{"access token", "refresh token", "personal token"} {
					may = append(may, kind+" as SHA-256 hex", kind+" as SHA-256 HEX") // both, where it is all digits
				}
			}
			found = append(found, b.world.learnt.find(data, false, may...)...)
		}
		if base := filepath.Base(path); base != "vault.identity" && base != "vault.hashkey" { // the holders of their keys
			for _, s := range b.keys {
				found = append(found, s.Find(data, false)...)
			}
		}
		if len(found) > 0 {
			b.report.Errorf("LEAK in the file %s after %s: %s", rel, label, strings.Join(found, ", "))
		}
		return nil
	})
	if err != nil {
		b.report.Errorf("%s: %v", label, err)
	}
}

// akos runs a command line with --verbose, for people and as JSON.
func (b *box) akos(want int, args ...string) {
	b.Helper()
	b.both(op{args: args, want: want, mayName: true})
}

func (b *box) both(o op) {
	b.Helper()
	args := o.args
	o.args = append([]string{"--verbose"}, args...)
	b.do(o)
	o.args = append(append([]string{"--verbose"}, args...), "--json")
	if o.want == 0 {
		o.want = anyCode // what can be done once
	}
	b.do(o)
}

// A message is one line to akos-mcp.
type message struct {
	text     string
	answered bool
}

func request(method string, params any) message {
	p, err := json.Marshal(params)
	if err != nil {
		panic(err) // of maps and strings
	}
	m, _ := json.Marshal(method)
	id := 1_000_000 + ids.Add(1) // beyond each length that is looked for
	return message{fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s,"params":%s}`, id, m, p), true}
}

var ids atomic.Int64

func call(tool string, args any) message {
	return request("tools/call", map[string]any{"name": tool, "arguments": args})
}

// mcp sends messages to akos-mcp, with both formats of its log, and returns
// what it answered.
func (b *box) mcp(o op, messages ...message) (wire []byte) {
	b.Helper()
	hello := request("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": string(values.Vendor.Value), "title": string(values.Token.Value), "version": "1"}})
	o.program = "akos-mcp"
	var in strings.Builder
	want := 1
	in.WriteString(hello.text + "\n" + `{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n")
	for _, m := range messages {
		in.WriteString(m.text + "\n")
		if m.answered {
			want++
		}
	}
	o.stdin = []byte(in.String())
	args := o.args
	for _, format := range []string{"text", "json"} {
		o.args = append([]string{"--verbose", "--log-format", format}, args...)
		wire, _ = b.do(o)
		b.world.operations.Add(int64(len(messages)) - 1)
		if n := bytes.Count(wire, []byte("\n")); o.want == 0 && n < want {
			b.report.Errorf("akos-mcp answered %d of %d requests", n, want)
		}
	}
	return wire
}

// A step of a person at a terminal: what is waited for, and what is typed.
type step struct{ prompt, answer string }

// types runs akos on a terminal of its own, and searches the screen too.
func (b *box) types(want int, args []string, steps ...step) []byte {
	b.Helper()
	label, screen, out, errs := b.onTerminal(want, args, steps...)
	b.search(label+": the screen", screen, true, true)
	// In what is sealed, four characters of a value are found by chance.
	b.search(label+": stdout", out, !bytes.HasPrefix(out, []byte(armor.Header)), true)
	b.search(label+": stderr", errs, true, true)
	b.searchFiles(label)
	return out
}

// onTerminal runs akos on a terminal of its own, and leaves the search to the
// caller.
func (b *box) onTerminal(want int, args []string, steps ...step) (label string, shown, stdout, stderr []byte) {
	b.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer keyboard.Close()
	cmd := exec.Command(filepath.Join(b.world.bin, "akos"), append([]string{"--verbose"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = b.env, b.project, &out, &errs
	cmd.ExtraFiles = []*os.File{tty}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_ = tty.Close()
	var mu sync.Mutex
	var screen []byte
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		buf := make([]byte, 4096)
		for {
			n, err := keyboard.Read(buf)
			if err != nil {
				return // the last user of the terminal is gone
			}
			mu.Lock()
			screen = append(screen, buf[:n]...)
			mu.Unlock()
		}
	}()
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	label = op{program: "akos", args: args}.label()
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	seen := 0
	for _, s := range steps {
	waiting:
		for {
			mu.Lock()
			i := bytes.Index(screen[seen:], []byte(s.prompt))
			mu.Unlock()
			if i >= 0 {
				seen += i + len(s.prompt)
				break
			}
			select {
			case <-ended:
				b.report.Errorf("%s: ended without asking %q: %s", label, s.prompt, errs.Bytes())
				break waiting
			case <-time.After(2 * time.Millisecond):
			}
		}
		if _, err := keyboard.WriteString(s.answer); err != nil {
			b.report.Errorf("%s: %v", label, err)
		}
	}
	<-ended
	<-drained
	b.world.operations.Add(1)
	if code := cmd.ProcessState.ExitCode(); code != want {
		b.report.Errorf("%s: exit code %d, want %d\n%s%s", label, code, want, screen, errs.Bytes())
	}
	return label, screen, out.Bytes(), errs.Bytes()
}
