//go:build unix

package state_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

var built struct {
	sync.Once
	dir, out string
	err      error
}

// akos builds the real program, once: what a process loses when it is killed
// can only be seen on a process.
func akos(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "akos-state-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, "akos"), "example.com/akos/cmd/akos")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		built.out, built.err = string(out), err
	})
	if built.err != nil {
		t.Fatalf("go build: %v\n%s", built.err, built.out)
	}
	return filepath.Join(built.dir, "akos")
}

func TestMain(m *testing.M) {
	syscall.Umask(0o077) // as internal/wire does for the programs
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// command is akos on a home of its own, without a keychain.
func command(t testing.TB, home string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(akos(t), args...)
	cmd.Dir = filepath.Dir(home)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "AKOS_HOME=" + home, "AKOS_VAULT=file",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent"}
	return cmd
}

type result struct {
	out, err string
	code     int
}

func do(cmd *exec.Cmd, stdin []byte) result {
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	err := cmd.Run()
	r := result{out.String(), errs.String(), 0}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		r.code = exit.ExitCode()
	} else if err != nil {
		r.code, r.err = -2, err.Error()
	}
	return r
}

func run(t testing.TB, home, stdin string, args ...string) result {
	t.Helper()
	return do(command(t, home, args...), []byte(stdin))
}

// ok runs a command that must succeed.
func ok(t testing.TB, home, stdin string, args ...string) string {
	t.Helper()
	r := run(t, home, stdin, args...)
	if r.code != 0 {
		t.Fatalf("akos %s: exit %d: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// refused runs a command that must fail with exit 8 and a message that says
// all of the words, and a way out.
func refused(t testing.TB, home string, words []string, args ...string) {
	t.Helper()
	r := run(t, home, "value", args...)
	if r.code != 8 {
		t.Errorf("akos %s: exit %d, want 8: %s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	for _, w := range append(words, "hint: ") {
		if !strings.Contains(r.err, w) {
			t.Errorf("akos %s: %q does not say %q", strings.Join(args, " "), r.err, w)
		}
	}
	if r.out != "" {
		t.Errorf("akos %s prints %q", strings.Join(args, " "), r.out)
	}
}

// A seen is what is stored, opened in this process.
type seen struct {
	values   map[string]string // by key: the current value
	versions map[string]int
	kept     map[string]int // how many versions
	conns    map[string]bool
	keys     []workspace.DataKey
	audit    int
}

// look opens a home as a process would, and every value in it.
func look(t testing.TB, home string) (seen, error) {
	s := seen{map[string]string{}, map[string]int{}, map[string]int{}, map[string]bool{}, nil, 0}
	db := state.New(home)
	holders := vault.New(vault.Options{Home: home, LookupEnv: func(string) (string, bool) { return "", false }})
	ctx := context.Background()
	err := db.Read(ctx, func(tx workspace.Tx) (err error) {
		if s.keys, err = tx.DataKeys(); err != nil {
			return err
		}
		sealers := map[string]workspace.Sealer{}
		for _, k := range s.keys {
			if sealers[k.ID], err = holders.Open(ctx, k); err != nil {
				return err
			}
		}
		infos, err := tx.Keys("default", workspace.LocalTenant, "")
		if err != nil {
			return err
		}
		for _, k := range infos {
			ref := workspace.Ref{Scope: k.Scope, Owner: k.Owner, Key: k.Key}
			vs, err := tx.Versions(ref)
			if err != nil {
				return err
			}
			s.kept[k.Key], s.versions[k.Key] = len(vs), vs[0].Version
			for i, v := range vs {
				row, found, err := tx.Secret(ref, v.Version)
				if err != nil || !found {
					return fmt.Errorf("%s version %d: found: %v, %v", k.Key, v.Version, found, err)
				}
				value, err := sealers[row.DataKey].Unseal(row.Box, binding(row))
				if err != nil {
					return fmt.Errorf("%s version %d: %w", k.Key, v.Version, err)
				}
				if i == 0 {
					s.values[k.Key] = string(secret.Reveal(value))
				}
			}
		}
		cs, err := tx.Connections("default", workspace.LocalTenant, "")
		for _, c := range cs {
			s.conns[c.Name] = len(c.Auth.Keys) == 1
		}
		return err
	})
	_, cerr := db.Check(ctx)
	err = errors.Join(err, cerr, db.Close())
	if _, none := os.Stat(filepath.Join(home, "state.db")); err == nil && none == nil {
		s.audit = count(t, home, "SELECT count(*) FROM audit")
	}
	return s, err
}

func binding(s workspace.Sealed) []byte {
	return []byte(strings.Join([]string{"akos value", string(s.Ref.Scope), s.Ref.Owner, strings.ToLower(s.Ref.Key), fmt.Sprint(s.Version), s.DataKey}, "\x00"))
}

// TestTogether lets eight processes write at once, to keys of their own and to
// one that they share.
func TestTogether(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	const processes, puts = 8, 8
	var mu sync.Mutex
	versions := map[int]bool{}
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			for i := range puts {
				own := run(t, home, fmt.Sprintf("own %d %d", p, i), "vault", "put", fmt.Sprintf("OWN_%d", p), "--stdin")
				all := run(t, home, fmt.Sprintf("shared %d %d", p, i), "vault", "put", "SHARED", "--stdin", "--json")
				if own.code != 0 || all.code != 0 {
					t.Errorf("exit %d, %d: %s %s", own.code, all.code, own.err, all.err)
					return
				}
				var stored struct{ Version int }
				if err := json.Unmarshal([]byte(all.out), &stored); err != nil {
					t.Error(err)
				}
				mu.Lock()
				if versions[stored.Version] {
					t.Errorf("version %d was given twice", stored.Version)
				}
				versions[stored.Version] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	s, err := look(t, home)
	if err != nil {
		t.Fatal(err)
	}
	for v := range processes * puts {
		if !versions[v+1] {
			t.Errorf("version %d is missing", v+1)
		}
	}
	for p := range processes {
		key := fmt.Sprintf("OWN_%d", p)
		if s.versions[key] != puts || s.values[key] != fmt.Sprintf("own %d %d", p, puts-1) {
			t.Errorf("%s: version %d, %q", key, s.versions[key], s.values[key])
		}
	}
	if s.versions["SHARED"] != processes*puts || s.kept["SHARED"] != workspace.KeepVersions || !strings.HasPrefix(s.values["SHARED"], "shared ") {
		t.Errorf("SHARED: version %d of which %d are kept, %q", s.versions["SHARED"], s.kept["SHARED"], s.values["SHARED"])
	}
	if len(s.values) != processes+1 || len(s.keys) != 1 || s.audit != 2*processes*puts {
		t.Errorf("%d keys, %d data keys, %d acts in the audit", len(s.values), len(s.keys), s.audit)
	}
}

// TestFirst lets eight processes make the home at once: one state, one data
// key, and every value opens.
func TestFirst(t *testing.T) {
	t.Parallel()
	for range 20 {
		home := filepath.Join(t.TempDir(), "home")
		var wg sync.WaitGroup
		for p := range 8 {
			wg.Go(func() {
				if r := run(t, home, fmt.Sprint("value ", p), "vault", "put", fmt.Sprintf("K_%d", p), "--stdin"); r.code != 0 {
					t.Errorf("exit %d: %s", r.code, r.err)
				}
			})
		}
		wg.Wait()
		s, err := look(t, home)
		if err != nil || len(s.keys) != 1 || len(s.values) != 8 || s.audit != 8 {
			t.Fatalf("%d data keys, %d values, %d acts, %v", len(s.keys), len(s.values), s.audit, err)
		}
		for p := range 8 {
			if got := s.values[fmt.Sprintf("K_%d", p)]; got != fmt.Sprint("value ", p) {
				t.Errorf("K_%d is %q", p, got)
			}
		}
	}
}

// TestUmask makes homes under every kind of umask and looks at the modes
// while the files are open.
func TestUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"0", "0022", "0777"} {
		home := filepath.Join(t.TempDir(), "new", "home")
		if err := os.Mkdir(filepath.Dir(home), 0o755); err != nil {
			t.Fatal(err)
		}
		under := func(args ...string) *exec.Cmd {
			cmd := command(t, home, args...)
			cmd.Args = append([]string{"sh", "-c", `umask ` + umask + `; exec "$@"`, "sh"}, cmd.Args...)
			cmd.Path = "/bin/sh"
			return cmd
		}
		if r := do(under("vault", "put", "K", "--stdin"), []byte("v")); r.code != 0 {
			t.Fatalf("umask %s: exit %d: %s", umask, r.code, r.err)
		}
		// It has looked whether K2 exists, and waits for the value.
		waiting := under("vault", "put", "K2", "--no-overwrite", "--stdin")
		stdin, err := waiting.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := waiting.Start(); err != nil {
			t.Fatal(err)
		}
		names := []string{"state.db", "state.db-wal", "state.db-shm", "state.lock", "vault.identity"}
		reads(t, stdin)
		for _, name := range names {
			info, err := os.Stat(filepath.Join(home, name))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("umask %s: %s: %v %v", umask, name, info, err)
			}
		}
		if info, err := os.Stat(home); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("umask %s: %v %v", umask, info, err)
		}
		_ = stdin.Close()
		if err := waiting.Wait(); err != nil {
			t.Errorf("umask %s: %v", umask, err)
		}
	}
}

// half is what a process got whose value has not ended.
var half = strings.Repeat("v", 100_000)

// reads waits until a process reads its value, of which it gets half: more than
// a pipe holds, so that the write ends no sooner.
func reads(t *testing.T, stdin io.Writer) {
	t.Helper()
	if _, err := io.WriteString(stdin, half); err != nil {
		t.Fatal(err)
	}
}
