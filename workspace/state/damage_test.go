//go:build unix

package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
	"github.com/ncruces/go-sqlite3"
)

// stored returns a home with 50 values of 3,000 bytes, closed.
func stored(t *testing.T) (home, db string) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "home")
	var file strings.Builder
	for i := range 50 {
		fmt.Fprintf(&file, "K_%d=%s\n", i, strings.Repeat("x", 3000))
	}
	env := home + ".env"
	if err := os.WriteFile(env, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, home, "", "vault", "import", env)
	ok(t, home, "", "connections", "create", "github", "--name", "hub", "--vault-key", "K_0")
	return home, filepath.Join(home, "state.db")
}

// TestDamage damages the file in the ways that disks and people do. Never is
// it taken for an empty vault, and never written over.
func TestDamage(t *testing.T) {
	t.Parallel()
	change := func(f func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, f(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	garbage := bytes.Repeat([]byte("garbage!"), 512)
	for _, c := range []struct {
		name   string
		words  []string
		damage func(t *testing.T, path string)
	}{
		{"truncated to nothing", []string{"damaged", "backup"}, change(func(b []byte) []byte { return nil })},
		{"truncated to 100 bytes", []string{"damaged", "backup"}, change(func(b []byte) []byte { return b[:100] })},
		{"truncated to one page", []string{"damaged", "backup"}, change(func(b []byte) []byte { return b[:4096] })},
		{"truncated to half", []string{"damaged", "backup"}, change(func(b []byte) []byte { return b[:len(b)/2] })},
		{"truncated by one byte", []string{"damaged", "backup"}, change(func(b []byte) []byte { return b[:len(b)-1] })},
		{"garbage in the header", []string{"damaged", "backup"}, change(func(b []byte) []byte { copy(b, "garbage garbage garbage"); return b })},
		{"garbage in the schema", []string{"damaged", "backup"}, change(func(b []byte) []byte { copy(b[100:], garbage[:3900]); return b })},
		{"garbage after the schema", []string{"damaged", "backup"}, change(func(b []byte) []byte {
			for at := 4096; at < len(b)-4096; at += 4096 {
				copy(b[at:], garbage)
			}
			return b
		})},
		{"another database", []string{"damaged", "backup"}, func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			db, err := sqlite3.Open(path)
			if err == nil {
				err = errors.Join(db.Exec("CREATE TABLE theirs (x)"), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"a newer version", []string{"newer", "upgrade", "nothing was changed"}, func(t *testing.T, path string) {
			db, err := sqlite3.Open(path)
			if err == nil {
				err = errors.Join(db.Exec("PRAGMA user_version = 4217; CREATE TABLE newer (x)"), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home, path := stored(t)
			c.damage(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			hopeless(t, home, c.words)
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("a directory in its place", func(t *testing.T) {
		t.Parallel()
		home, path := stored(t)
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		hopeless(t, home, []string{"damaged", "backup"})
		if left, err := os.ReadDir(path); err != nil || len(left) > 0 {
			t.Errorf("%v %v", left, err)
		}
	})
}

// hopeless sees that nothing works on home, and that every message helps.
func hopeless(t *testing.T, home string, words []string) {
	t.Helper()
	refused(t, home, words, "vault", "list")
	refused(t, home, words, "connections", "list")
	refused(t, home, words, "vault", "put", "NEW", "--stdin")
	refused(t, home, words, "vault", "remove", "K_1", "--force")
	refused(t, home, words, "vault", "import", home+".env")
	r := run(t, home, "", "doctor")
	if r.code != 1 || !strings.Contains(r.out, "[FAIL] state") || !strings.Contains(r.out, words[0]) || !strings.Contains(r.out, words[1]) {
		t.Errorf("doctor: exit %d: %s%s", r.code, r.out, r.err)
	}
}

// TestDamagedPage damages pages in the middle one by one: whatever still
// reads is right, whatever does not says so, and doctor finds it.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	home, path := stored(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for at := 4096; at < len(good); at += 4096 * 7 {
		bad := bytes.Clone(good)
		copy(bad[at:], bytes.Repeat([]byte{0xA5}, 4096))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		r := run(t, home, "", "vault", "list", "--json")
		if r.code != 8 && (r.code != 0 || strings.Count(r.out, `"key"`) != 50) {
			t.Errorf("page %d: exit %d, %d keys: %s", at/4096, r.code, strings.Count(r.out, `"key"`), r.err)
		}
		if d := run(t, home, "", "doctor"); d.code == 1 && strings.Contains(d.out, "[FAIL] state") {
			found++
		} else if _, err := look(t, home); err == nil {
			t.Errorf("page %d: neither doctor nor a read sees it", at/4096)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
			t.Errorf("page %d: the file was changed (%v)", at/4096, err)
		}
	}
	if found == 0 {
		t.Error("doctor found nothing")
	}
}

// TestTruncatedLog cuts the write-ahead log that a killed process left, at
// many places. SQLite takes what is whole: the state is one that was, never
// something between.
func TestTruncatedLog(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	ok(t, home, "0", "vault", "put", "K", "--stdin")
	end := reader(t, home)
	for i := range 6 {
		ok(t, home, fmt.Sprint(i+1), "vault", "put", "K", "--stdin")
	}
	cut := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	db, wal, identity := cut("state.db"), cut("state.db-wal"), cut("vault.identity")
	end()
	if len(wal) < 4096 {
		t.Fatalf("the log has %d bytes", len(wal))
	}
	last := -1
	for i := range 21 {
		copied := filepath.Join(t.TempDir(), "home")
		if err := os.Mkdir(copied, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"state.db": db, "state.db-wal": wal[:len(wal)*i/20], "vault.identity": identity} {
			if err := os.WriteFile(filepath.Join(copied, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := look(t, copied)
		if err != nil {
			t.Fatal(err)
		}
		if s.values["K"] != fmt.Sprint(s.versions["K"]-1) || s.audit != s.versions["K"] || s.versions["K"]-1 < last {
			t.Errorf("%d bytes of the log: version %d is %q, with %d acts", len(wal)*i/20, s.versions["K"], s.values["K"], s.audit)
		}
		last = s.versions["K"] - 1
	}
	if last != 6 {
		t.Errorf("the whole log gives version %d", last+1)
	}
}

// hold keeps the write lock of home in another process until the test ends.
func hold(t *testing.T, home string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldHelper$")
	cmd.Env = append(os.Environ(), "AKOS_TEST_HOLD="+home)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
}

// TestHoldHelper is the other process of hold.
func TestHoldHelper(t *testing.T) {
	home := os.Getenv("AKOS_TEST_HOLD")
	if home == "" {
		return // it is no test
	}
	_ = state.New(home).Write(context.Background(), func(workspace.Tx) error {
		fmt.Print("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return errors.New("nothing was written")
	})
}

// TestLocked waits for a lock that another process holds: a caller who gives
// up is let go at once, a patient one is told, and readers are not stopped.
func TestLocked(t *testing.T) {
	t.Parallel()
	home, _ := stored(t)
	hold(t, home)
	if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != 50 {
		t.Errorf("a reader sees %s", out)
	}
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		db := state.New(home)
		defer db.Close()
		for name, c := range map[string]struct {
			kind workspace.Kind
			ctx  func() (context.Context, context.CancelFunc)
		}{
			"cancel": {workspace.Canceled, func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				return ctx, cancel
			}},
			"deadline": {workspace.Unavailable, func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 100*time.Millisecond)
			}},
		} {
			ctx, cancel := c.ctx()
			start := time.Now()
			err := db.Write(ctx, func(workspace.Tx) error { t.Error("two writers"); return nil })
			if kind := workspace.Explain(err).Kind; kind != c.kind || time.Since(start) > 8*time.Second {
				t.Errorf("%s: %s (%v) after %v", name, kind, err, time.Since(start))
			}
			cancel()
			// The connection is good for the next.
			if err := db.Read(t.Context(), func(tx workspace.Tx) error { _, err := tx.DataKeys(); return err }); err != nil {
				t.Errorf("%s: after it: %v", name, err)
			}
		}
	})
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		start := time.Now()
		refused(t, home, []string{"in use by another process"}, "vault", "put", "K_1", "--stdin")
		if d := time.Since(start); d < 5*time.Second || d > 30*time.Second {
			t.Errorf("it waited %v", d)
		}
	})
}

// TestTurns is the same within one process.
func TestTurns(t *testing.T) {
	db := state.New(t.TempDir())
	defer db.Close()
	err := db.Write(t.Context(), func(workspace.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := db.Read(ctx, func(workspace.Tx) error { t.Error("two at once"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	err = db.Write(canceled, func(tx workspace.Tx) error {
		if err := tx.Audit(workspace.Event{Op: "lost"}); err != nil {
			return err
		}
		cancel() // the caller gives up before the end: nothing is kept
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before the end: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.Write(t.Context(), func(tx workspace.Tx) error { _ = tx.Audit(workspace.Event{Op: "panics"}); panic("bug") })
	}()
	if err := db.Read(t.Context(), func(tx workspace.Tx) error {
		if err := tx.Audit(workspace.Event{Op: "read"}); err == nil {
			t.Error("a Read writes")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := db.Write(t.Context(), func(tx workspace.Tx) error { return tx.Audit(workspace.Event{Op: "kept"}) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx workspace.Tx) error { return tx.Audit(workspace.Event{Op: "kept"}) }); err != nil { // it opens again
		t.Fatal(err)
	}
}
