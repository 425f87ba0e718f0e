//go:build linux

// Package canary is the proof of the one promise of akos: a secret that was
// given to it is never seen again, by nobody, in no form.
//
// It plants values that are unique to the run in every backend, drives both
// binaries from the outside through every operation and every failure, with
// all logging on, and searches every byte that leaves: standard output and
// error, the wire, the screen of a terminal, every file that akos can write,
// the command lines of all processes. A value is looked for whole, in part,
// encoded, hashed and measured; [forms] is the list.
//
// The rule, by which each row of the tables is judged:
//
//   - A value that was stored, or came from where values come from (standard
//     input, a file, the environment, a keyboard, a dotenv or age file, the
//     argument VALUE, a passphrase, a credential of systemd), and every key
//     that akos made, is nowhere. So is the length of a value.
//   - An argument that looks like a credential is repeated nowhere, wherever
//     it stands: somebody pasted it into the wrong place. The one exception
//     is the id of a JSON-RPC request, which the protocol sends back.
//   - An argument that does not look like a credential can't be told from a
//     name. It may be repeated where a name or path belongs (mayName), and
//     nowhere else.
//   - The argument VALUE of vault put is in the process list, as its help and
//     a warning say; it is not searched for in the command line that the test
//     itself gave.
//
// Of a login there is more, which akos or its server makes up: tokens, codes,
// cookies, links. A relay between the two learns them from the wire; they are
// nowhere but where the protocol puts them ([mayAnswer], [maySend]), in the
// file or on the terminal of token create, and, as SHA-256 and of tokens alone,
// in the state of the sidecar. Over HTTP a token comes with every request to
// akos-mcp, and never comes back. A user code is for the eyes of the person, and
// is in no log, file or command line.
//
// It does not know how akos works, but for where keys and rows lie, to damage
// them and to look for the keys. Its invariant: it can fail; see TestControl.
package canary

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"filippo.io/age"
	"filippo.io/age/armor"
	_ "github.com/ncruces/go-sqlite3/driver"
	"golang.org/x/crypto/chacha20poly1305"
)

func TestCanary(t *testing.T) {
	t.Parallel()
	w := build(t)
	end := w.watch(t)
	start := time.Now()
	t.Cleanup(func() {
		end()
		// What was found nowhere was not looked for.
		for _, kind := range []string{"access token", "refresh token", "personal token", "device code", "user code", "authorization code", "code verifier", "cookie", "transaction", "set-up key"} {
			if _, ok := w.learnt.placed.Load(kind); !ok && !t.Failed() && flag.Lookup("test.run").Value.String() == "" {
				t.Errorf("no %s was seen where it belongs", kind)
			}
		}
		t.Logf("%d operations, %d bytes in %d files and streams, %d looks at processes, %d forms, %v",
			w.operations.Load(), w.searched.Load(), w.files.Load()+2*w.operations.Load(), w.processes.Load(), w.searcher.Forms(), time.Since(start).Round(time.Second))
	})
	for backend, test := range map[string]func(*testing.T, *world){
		"identity": identity, "keychain": keychain, "passphrase": passphrase, "systemd": systemd, "env": environment,
		"people": people, "set-up": setUp, "agents": agents, "codes": codes, "hostile": hostile,
	} {
		t.Run(backend, func(t *testing.T) { t.Parallel(); test(t, w) })
	}
}

func identity(t *testing.T, w *world) {
	b := w.box(t, "AKOS_VAULT=file")
	b.akos(0, "init", "--id", "canary")
	b.store()
	b.watchHolder(b.identityKey())
	b.export()
	later := func(name string, test func(*box)) {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(b.fork(t)) })
	}
	later("manage", func(b *box) {
		b.akos(0, "init", "--id", "canary")
		b.manage()
		b.look()
		b.files()
	})
	later("slips", (*box).slips)
	later("protocol", (*box).protocolSlips)
	later("configs", (*box).configs)
	later("terminal", (*box).terminal)
	later("damage", (*box).damage)
	later("ends", (*box).ends)
	later("entry", (*box).entries)
	later("http", (*box).overHTTP)
	t.Run("holder", func(t *testing.T) {
		t.Parallel()
		for what, change := range map[string]func(string) error{
			"missing": os.Remove,
			"open":    func(p string) error { return os.Chmod(p, 0o644) },
			"a link":  func(p string) error { return errors.Join(os.Rename(p, p+".x"), os.Symlink(p+".x", p)) },
			"a value": func(p string) error { return os.WriteFile(p, values.Vendor.Value, 0o600) },
			"a bad key": func(p string) error {
				return os.WriteFile(p, append([]byte("AKOS-KEK-1 "), values.Token.Value...), 0o600)
			},
			"other":      func(p string) error { return os.WriteFile(p, otherKey(), 0o600) },
			"two keys":   func(p string) error { return os.WriteFile(p, append(otherKey(), otherKey()...), 0o600) },
			"binary":     func(p string) error { return os.WriteFile(p, values.Binary.Value, 0o600) },
			"a pipe":     func(p string) error { os.Remove(p); return syscall.Mkfifo(p, 0o600) },
			"too large":  func(p string) error { return os.WriteFile(p, values.Long.Value, 0o600) },
			"a folder":   func(p string) error { os.Remove(p); return os.Mkdir(p, 0o700) },
			"cut short":  func(p string) error { return os.Truncate(p, 150) },
			"with noise": func(p string) error { return os.WriteFile(p, append(otherKey(), values.Vendor.Value...), 0o600) },
		} {
			f := b.fork(t)
			path := filepath.Join(f.akosHome, "vault.identity")
			f.own[path], f.own[path+".x"] = true, true
			if err := change(path); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			f.act()
		}
	})
}

func otherKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return []byte("AKOS-KEK-1 " + base64.StdEncoding.EncodeToString(key) + "\n")
}

func keychain(t *testing.T, w *world) {
	s := akostest.StartSecretService(t)
	var bus string
	for _, e := range s.Env() {
		if strings.HasPrefix(e, "DBUS_SESSION_BUS_ADDRESS=") {
			bus = e
		}
	}
	b := w.box(t, bus, "AKOS_VAULT=os-keychain")
	b.akos(0, "init", "--id", "canary")
	b.store()
	item := exec.Command("secret-tool", "search", "--all", "service", "akos")
	item.Env = append(s.Env(), "HOME="+t.TempDir(), "PATH="+os.Getenv("PATH"))
	out, err := item.Output()
	m := regexp.MustCompile(`(?m)^secret = akos-kek-1:(\S+)$`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("the keychain holds no key: %v", err)
	}
	b.watchHolder(decode(t, m[1]))
	b.manage()
	b.look()
	b.files()
	b.export()

	// In the middle of a command: it has the value, and waits for the key.
	put := func(started func(*exec.Cmd)) op {
		return op{args: []string{"--verbose", "vault", "put", "STUCK", "--stdin"}, stdin: values.Text.Value, want: anyCode, started: started, env: []string{"GOTRACEBACK=all"}}
	}
	after := func(f func(*exec.Cmd)) func(*exec.Cmd) {
		return func(c *exec.Cmd) { time.Sleep(400 * time.Millisecond); f(c) }
	}
	s.Stop()
	b.do(put(after(func(c *exec.Cmd) { _ = c.Process.Signal(syscall.SIGQUIT) })))
	b.do(put(after(func(c *exec.Cmd) { _ = c.Process.Signal(syscall.SIGABRT) })))
	b.do(put(after(func(c *exec.Cmd) { _ = c.Process.Signal(os.Interrupt) })))
	b.do(put(after(func(c *exec.Cmd) { _ = c.Process.Kill() })))
	b.mcp(op{want: anyCode}, call("vault_list", map[string]any{}))
	b.do(put(after(func(*exec.Cmd) { s.Continue() })))
	s.Stop()
	b.do(put(nil)) // to its deadline
	s.Continue()
	s.Lock()
	b.act()
	s.Unlock()
	s.Stop()
	b.do(put(after(func(*exec.Cmd) { s.Kill() })))
	b.act() // one that the bus started, locked
	s.Restart()
	b.akos(0, "vault", "rollback", "ANTHROPIC_API_KEY")
	damaged := exec.Command("secret-tool", "search", "--all", "service", "akos")
	damaged.Env = item.Env
	account := regexp.MustCompile(`(?m)^attribute\.username = (\S+)$`).FindSubmatch(combined(damaged))
	if account == nil {
		t.Fatal("the item of the keychain has no name")
	}
	store := exec.Command("secret-tool", "store", "--label", "x", "service", "akos", "username", string(account[1]))
	store.Env, store.Stdin = item.Env, bytes.NewReader(values.Vendor.Value)
	if out, err := store.CombinedOutput(); err != nil {
		t.Fatalf("secret-tool: %v, %s", err, out)
	}
	b.act()
}

func combined(cmd *exec.Cmd) []byte {
	out, _ := cmd.CombinedOutput() // an empty output is found by the caller
	return out
}

func passphrase(t *testing.T, w *world) {
	b := w.box(t, "AKOS_VAULT=file")
	file := b.source("passphrase", append(values.Passphrase.Value, '\n'))
	b.env = append(b.env, "AKOS_VAULT_PASSPHRASE_FILE="+file)
	b.akos(0, "init", "--id", "canary")
	b.store()
	b.look()
	b.akos(0, "vault", "rollback", "ANTHROPIC_API_KEY")
	for _, wrong := range [][]byte{values.Token.Value, append([]byte("x"), values.Passphrase.Value...), nil, []byte("\n" + string(values.Passphrase.Value)),
		values.Binary.Value, bytes.Repeat(values.Long.Value, 20)} {
		if err := os.WriteFile(file, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		b.both(op{args: []string{"vault", "put", "TEXT", "--stdin"}, stdin: values.Text.Value, want: anyCode})
		b.do(op{args: []string{"--verbose", "doctor"}, want: anyCode})
	}
	for _, path := range []string{b.sources, filepath.Join(b.sources, "none"), "/dev/null", "/proc/self/mem"} {
		b.both(op{args: []string{"vault", "put", "TEXT", "--stdin"}, stdin: values.Text.Value, want: anyCode, env: []string{"AKOS_VAULT_PASSPHRASE_FILE=" + path}})
	}
	b.corrupt(`UPDATE data_key SET params = CAST('{"kdf":"` + string(values.Token.Value) + `"}' AS BLOB)`)
	b.own[filepath.Join(b.akosHome, "state.db")], b.own[filepath.Join(b.akosHome, "state.db-wal")] = true, true
	b.do(op{args: []string{"--verbose", "doctor"}, want: anyCode})
}

func systemd(t *testing.T, w *world) {
	b := w.box(t, "AKOS_VAULT=file")
	file := b.source("akos-kek", append(values.Systemd.Value, '\n'))
	b.env = append(b.env, "CREDENTIALS_DIRECTORY="+b.sources)
	b.akos(0, "init", "--id", "canary")
	b.store()
	b.manage()
	b.look()
	b.files()
	for _, wrong := range [][]byte{values.Token.Value, []byte("short"), nil, values.Binary.Value} {
		if err := os.WriteFile(file, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		b.act()
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	b.act()
	b.env = append(b.env, "CREDENTIALS_DIRECTORY=")
	b.act()
}

// environment is the backend whose values are the variables of the process.
func environment(t *testing.T, w *world) {
	b := w.box(t, "AKOS_VAULT=env")
	b.akos(0, "init", "--id", "canary")
	for _, args := range [][]string{{"TEXT", "--stdin"}, {"OPENAI_API_KEY", "--stdin"}, {"LINE", "--from-env", "CANARY"}, {"LINE", string(values.Line.Value)}} {
		b.both(op{args: append([]string{"vault", "put"}, args...), stdin: values.Text.Value, want: 5})
	}
	b.look()
	b.akos(0, "connections", "create", "llm", "--name", "model", "--vault-key", "OPENAI_API_KEY", "--config", "provider=openai", "--config", "model=m")
	b.akos(0, "connections", "inspect", "model")
	b.akos(anyCode, "vault", "remove", "OPENAI_API_KEY")
	b.akos(anyCode, "vault", "history", "OPENAI_API_KEY")
	b.akos(anyCode, "vault", "rollback", "OPENAI_API_KEY")
	b.mcp(op{want: 0, mayName: true}, call("connection_list", map[string]any{}), call("vault_remove", map[string]any{"key": "OPENAI_API_KEY"}),
		call("connection_create", map[string]any{"kind": "stripe", "name": "pay", "vaultKeys": map[string]string{"token": "STRIPE_API_KEY"}}))
	b.act()
}

// act does what reaches for values, whatever comes of it.
func (b *box) act() {
	b.Helper()
	b.both(op{args: []string{"vault", "put", "TEXT", "--stdin"}, stdin: values.Text.Value, want: anyCode})
	b.do(op{args: []string{"--verbose", "vault", "put", "NEW", "--stdin", "--new-key"}, stdin: values.Token.Value, want: anyCode, env: []string{"AKOS_HOME=" + b.akosHome}})
	for _, args := range [][]string{{"vault", "list"}, {"vault", "rollback", "ANTHROPIC_API_KEY", "1"}, {"vault", "history", "ANTHROPIC_API_KEY"}, {"status"}, {"doctor"}, {"creds", "check"}} {
		b.do(op{args: append([]string{"--verbose"}, args...), want: anyCode})
	}
	b.inProject("act.env", append([]byte("ACT="), values.Vendor.Value...))
	b.mcp(op{want: anyCode, mayName: true}, call("vault_import", map[string]any{"path": "act.env"}), call("vault_list", map[string]any{}),
		call("workspace_status", map[string]any{}), call("vault_put", map[string]any{"key": "TEXT"}), call("vault_remove", map[string]any{"key": "LINE"}))
}

func decode(t *testing.T, text []byte) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(key) != 32 {
		t.Fatalf("not a key: %v", err)
	}
	return key
}

func (b *box) identityKey() []byte { return b.keyIn("vault.identity", "AKOS-KEK-1 ") }

// keyIn returns the key in a file of the home.
func (b *box) keyIn(file, mark string) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(b.akosHome, file))
	if err != nil {
		b.Fatal(err)
	}
	_, text, ok := bytes.Cut(bytes.TrimSpace(data), []byte(mark))
	if !ok {
		b.Fatalf("%s has another form", file)
	}
	return decode(b.T, text)
}

// watchHolder makes a key-encryption key a canary, the data key that it opens,
// and the key that values are hashed with.
func (b *box) watchHolder(kek []byte) {
	b.Helper()
	b.watchKey("key-encryption key", kek)
	db := b.open()
	defer db.Close()
	var id, backend, holder string
	var wrapped []byte
	if err := db.QueryRow(`SELECT id, backend, holder, wrapped FROM data_key WHERE retired = 0`).Scan(&id, &backend, &holder, &wrapped); err != nil {
		b.Fatal(err)
	}
	aead, err := chacha20poly1305.NewX(kek)
	if err != nil {
		b.Fatal(err)
	}
	key, err := aead.Open(nil, wrapped[1:25], wrapped[25:], []byte("\x01akos data key\x00"+id+"\x00"+backend+"\x00"+holder))
	if err != nil {
		b.Fatalf("the data key does not open: %v", err)
	}
	b.watchKey("data key", key)
	b.watchKey("hash key", b.keyIn("vault.hashkey", "AKOS-HASH-1 "))
	b.searchFiles("opening the data key")
}

func (b *box) open() *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(b.akosHome, "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// corrupt changes the state behind akos's back.
func (b *box) corrupt(statement string) {
	b.Helper()
	db := b.open()
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}

// damage tries every command on states that are broken in many ways.
func (b *box) damage() {
	t := b.T
	for what, statement := range map[string]string{
		"wrapped key":    `UPDATE data_key SET wrapped = zeroblob(73)`,
		"short key":      `UPDATE data_key SET wrapped = x'0102'`,
		"holder":         `UPDATE data_key SET holder = 'nobody'`,
		"box":            `UPDATE value SET box = CAST(substr(box, 1, 30) || zeroblob(length(box) - 30) AS BLOB)`,
		"short box":      `UPDATE value SET box = x'01'`,
		"boxes swapped":  `UPDATE value SET box = (SELECT box FROM value v WHERE v.rowid <> value.rowid LIMIT 1)`,
		"no box":         `DELETE FROM value`,
		"no data key":    `PRAGMA foreign_keys = off; DELETE FROM data_key`,
		"newer":          `PRAGMA user_version = 999`,
		"no schema":      `PRAGMA user_version = 0`,
		"no table":       `PRAGMA foreign_keys = off; DROP TABLE value`,
		"another schema": `ALTER TABLE secret RENAME COLUMN fold TO bent`,
	} {
		t.Run(what, func(t *testing.T) {
			f := b.fork(t)
			f.corrupt(statement)
			f.act()
		})
	}
	for what, change := range map[string]func(path string) error{
		"empty":     func(p string) error { return os.Truncate(p, 0) },
		"truncated": func(p string) error { return os.Truncate(p, 5000) },
		"text":      func(p string) error { return os.WriteFile(p, values.Long.Value, 0o600) },
		"a folder":  func(p string) error { os.Remove(p); return os.Mkdir(p, 0o700) },
		"a home":    func(p string) error { os.RemoveAll(filepath.Dir(p)); return os.WriteFile(filepath.Dir(p), nil, 0o600) },
		"noise": func(p string) error {
			data, err := os.ReadFile(p)
			for i := 4096; i < len(data); i += 97 {
				data[i] ^= 0x55
			}
			return errors.Join(err, os.WriteFile(p, data, 0o600))
		},
	} {
		t.Run(what, func(t *testing.T) {
			f := b.fork(t)
			path := filepath.Join(f.akosHome, "state.db")
			f.own[path] = what == "text"
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			f.act()
		})
	}
	t.Run("read-only", func(t *testing.T) {
		f := b.fork(t)
		for _, home := range []string{"/proc/canary", "/dev/null", "/sys/canary"} {
			f.do(op{args: []string{"--verbose", "vault", "put", "TEXT", "--stdin"}, stdin: values.Text.Value, want: anyCode, env: []string{"AKOS_HOME=" + home}})
			f.mcp(op{want: anyCode}, call("vault_list", map[string]any{}))
		}
	})
}

// ends ends akos in the middle of things, and takes away what it writes to.
func (b *box) ends() {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"vault", "put", "FULL", "--stdin"}, {"vault", "list"}, {"status", "--json"}, {"creds", "set", "openai", "--stdin"}} {
		b.do(op{args: append([]string{"--verbose"}, args...), stdin: values.Text.Value, stdout: full, want: anyCode})
	}
	b.do(op{program: "akos-mcp", args: []string{"--verbose"}, stdout: full, want: anyCode, stdin: []byte(call("vault_list", map[string]any{}).text + "\n")})
	// A disk that is full, as far as one process can have one: files may not
	// grow beyond so many KiB.
	for _, limit := range []string{"0", "4", "64", "200"} {
		launcher := []string{"bash", "-c", "ulimit -f " + limit + `; exec "$0" "$@"`}
		b.do(op{launcher: launcher, args: []string{"--verbose", "vault", "put", "FULL", "--from-file", b.source("long", values.Long.Value)}, want: anyCode, env: []string{"GOTRACEBACK=all"}})
		b.do(op{launcher: launcher, args: []string{"--verbose", "vault", "put", "FULL", "--stdin"}, stdin: values.Text.Value, want: anyCode, env: []string{"AKOS_HOME=" + filepath.Join(b.root, "full"+limit)}})
		b.do(op{launcher: launcher, program: "akos-mcp", args: []string{"--verbose"}, want: anyCode, stdin: []byte(call("vault_import", map[string]any{"path": "none"}).text + "\n")})
	}
	// No memory for what it does.
	b.do(op{launcher: []string{"bash", "-c", `ulimit -v 700000; exec "$0" "$@"`}, args: []string{"--verbose", "vault", "put", "MEMORY", "--stdin"}, stdin: values.Text.Value, want: anyCode, env: []string{"GOTRACEBACK=all", "GOMEMLIMIT=1MiB"}})
	b.killed = true
	for i := range 12 {
		wait := time.Duration(i) * 3 * time.Millisecond
		b.do(op{args: []string{"--verbose", "vault", "put", "KILLED", "--stdin"}, stdin: values.Long.Value, want: anyCode, started: func(c *exec.Cmd) { time.Sleep(wait); _ = c.Process.Kill() }})
		b.inProject("killed.env", append([]byte("KILLED_FILE="), values.Vendor.Value...))
		b.do(op{args: []string{"--verbose", "vault", "import", "killed.env", "--rewrite"}, want: anyCode, started: func(c *exec.Cmd) { time.Sleep(wait); _ = c.Process.Kill() }})
	}
	b.killed = false
	b.inProject("killed.env", append([]byte("KILLED_FILE="), values.Vendor.Value...))
	b.do(op{args: []string{"--verbose", "vault", "import", "killed.env", "--rewrite"}, want: 0})
	// The value is read, and its end has not come.
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGINT, syscall.SIGTERM, syscall.SIGSEGV} {
		r, w, err := os.Pipe()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(values.Long.Value); err != nil {
			b.Fatal(err)
		}
		b.do(op{launcher: []string{"bash", "-c", fmt.Sprintf(`exec "$0" "$@" < /proc/%d/fd/%d`, os.Getpid(), r.Fd())}, args: []string{"--verbose", "vault", "put", "HALF", "--stdin"}, want: anyCode,
			env: []string{"GOTRACEBACK=all"}, started: func(c *exec.Cmd) { time.Sleep(300 * time.Millisecond); _ = c.Process.Signal(sig) }})
		r.Close()
		w.Close()
	}
	// The standard input is closed, or no value.
	b.do(op{launcher: []string{"bash", "-c", `exec "$0" "$@" <&-`}, args: []string{"--verbose", "vault", "put", "CLOSED", "--stdin"}, want: anyCode})
	b.do(op{launcher: []string{"bash", "-c", `exec "$0" "$@" >&- 2>&-`}, args: []string{"--verbose", "vault", "put", "CLOSED", "--stdin"}, stdin: values.Text.Value, want: anyCode})
	b.do(op{launcher: []string{"bash", "-c", `exec "$0" "$@" </`}, args: []string{"--verbose", "vault", "put", "CLOSED", "--stdin"}, want: anyCode})
	gone := b.source("gone", nil)
	b.do(op{launcher: []string{"bash", "-c", `mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"`}, args: []string{"--verbose", "vault", "put", "GONE", "--from-file", gone}, want: anyCode})
}

// terminal types values, and half of them, on a terminal.
func (b *box) terminal() {
	token, line, vendor := string(values.Token.Value), string(values.Line.Value), string(values.Vendor.Value)
	const prompt = "unseen): "
	put := []string{"vault", "put", "TYPED"}
	b.types(0, put, step{prompt, token + "\r"})
	b.types(0, put, step{prompt, line + "\r"})
	b.types(0, put, step{prompt, "x\x7f" + vendor[:20] + "\x15" + vendor + "\r"})
	b.types(0, append(put, "--json"), step{prompt, "\x1b[200~" + vendor + "\x1b[201~\r"})
	b.types(130, put, step{prompt, vendor[:40] + "\x03"})
	b.types(130, put, step{prompt, token + "\x03" + token + "\r"})
	b.types(2, put, step{prompt, "\r"})
	b.types(0, []string{"creds", "set", "ANTHROPIC_API_KEY"}, step{prompt, token + "\r"})
	b.types(0, []string{"creds", "set", "openai"}, step{prompt, vendor + "\r"})
	// A value is typed where a yes belongs.
	b.types(5, []string{"vault", "export", "--recipient", recipient}, step{"[y/N] ", "n\r"})
}

// export takes the values out, sealed, and in again: the proof that what was
// searched for was there, each byte of it.
func (b *box) export() {
	b.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		b.Fatal(err)
	}
	file := b.source("key", []byte(key.String()+"\n"))
	b.watchKey("age identity", []byte(strings.TrimPrefix(key.String(), "AGE-SECRET-KEY-1")))
	out := filepath.Join(b.project, "out.age")
	b.types(0, []string{"vault", "export", "--recipient", key.Recipient().String(), "--out", out}, step{"y/N", "y\r"})
	data, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	b.exported(data, key)
	tenant := b.types(0, []string{"vault", "export", "--scope", "tenant", "--recipient", key.Recipient().String()}, step{"y/N", "y\r"})
	if got := b.unsealed(tenant, key); !bytes.Equal(got["LONG"], values.Long.Value) {
		b.Error("LONG is not what was stored")
	}

	// And into another vault.
	other := b.world.box(b.T, "AKOS_VAULT=file")
	other.keys = b.keys
	other.do(op{args: []string{"--verbose", "vault", "import", out}, want: 2})
	other.do(op{args: []string{"--verbose", "vault", "import", out, "--identity", other.source("wrong", values.Vendor.Value)}, want: 2})
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		b.Fatal(err)
	}
	other.do(op{args: []string{"--verbose", "vault", "import", out, "--identity", other.source("stranger", []byte(stranger.String()))}, want: 5})
	cut := other.source("cut.age", data[:len(data)-200])
	other.do(op{args: []string{"--verbose", "vault", "import", cut, "--identity", file}, want: anyCode})
	other.akos(0, "vault", "import", out, "--identity", file)
	back := filepath.Join(other.project, "back.age")
	other.types(0, []string{"vault", "export", "--recipient", key.Recipient().String(), "--out", back}, step{"y/N", "y\r"})
	if data, err = os.ReadFile(back); err != nil {
		b.Fatal(err)
	}
	other.exported(data, key)
}

// exported checks that a sealed file holds what store stored.
func (b *box) exported(file []byte, key *age.X25519Identity) {
	b.Helper()
	got := b.unsealed(file, key)
	for name, want := range map[string][]byte{"TEXT": values.Text.Value, "BINARY": values.Binary.Value, "LINE": values.Line.Value,
		"POSITIONAL": values.Line.Value, "ANTHROPIC_API_KEY": values.Vendor.Value} {
		if !bytes.Equal(got[name], want) {
			b.Errorf("%s is not what was stored", name)
		}
	}
}

func (b *box) unsealed(file []byte, key *age.X25519Identity) map[string][]byte {
	b.Helper()
	var src io.Reader = bytes.NewReader(file)
	if bytes.HasPrefix(file, []byte(armor.Header)) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, key)
	if err != nil {
		b.Fatal(err)
	}
	var payload struct {
		Values []struct {
			Key   string
			Value []byte
		}
	}
	if err := json.NewDecoder(r).Decode(&payload); err != nil {
		b.Fatal(err)
	}
	m := map[string][]byte{}
	for _, v := range payload.Values {
		m[v.Key] = v.Value
	}
	return m
}
