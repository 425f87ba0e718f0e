//go:build unix

package state_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
)

// TestOddFiles puts things in the places of the files that are none of ours.
// Nothing waits for ever, and nothing is taken for an empty vault.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		words []string // nil: it works
		make  func(home, path string) error
	}{
		{"a link to a state", []string{"symbolic link", "AKOS_HOME"}, func(home, path string) error {
			return errors.Join(os.Rename(path, home+".db"), os.Symlink(home+".db", path))
		}},
		{"a link to nothing", []string{"symbolic link", "AKOS_HOME"}, func(home, path string) error {
			return errors.Join(os.Remove(path), os.Symlink(home+".db", path))
		}},
		{"a second name", []string{"hard link"}, func(home, path string) error { return os.Link(path, home+".db") }},
		{"a pipe", []string{"damaged"}, func(home, path string) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600))
		}},
		{"a pipe for the log", []string{"damaged"}, func(home, path string) error { return syscall.Mkfifo(path+"-wal", 0o600) }},
		{"a directory for the log", []string{"damaged"}, func(home, path string) error { return os.Mkdir(path+"-wal", 0o700) }},
		{"a pipe for the index", []string{"damaged"}, func(home, path string) error { return syscall.Mkfifo(path+"-shm", 0o600) }},
		{"an old index", nil, func(home, path string) error {
			return os.WriteFile(path+"-shm", bytes.Repeat([]byte{0xA5}, 32<<10), 0o600)
		}},
		{"an old draft", nil, func(home, path string) error { return os.WriteFile(path+".new", []byte("x"), 0o600) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home, path := stored(t)
			if err := c.make(home, path); err != nil {
				t.Fatal(err)
			}
			if c.words == nil {
				ok(t, home, "v", "vault", "put", "NEW", "--stdin")
				if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != 51 {
					t.Errorf("list: %s", out)
				}
				return
			}
			soon(t, func() {
				refused(t, home, c.words, "vault", "list")
				refused(t, home, c.words, "vault", "put", "NEW", "--stdin")
			})
			if c.name == "a second name" {
				paste(t, run(t, home, "", "vault", "list"))
				ok(t, home, "v", "vault", "put", "NEW", "--stdin")
			}
		})
	}
}

// soon fails if f has not ended long before anybody would wait for a lock.
func soon(t *testing.T, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d > 8*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestOddLocks puts things in the place of the lock.
func TestOddLocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make  func(path string) error
		words []string // nil: it works
	}{
		"a pipe":      {func(path string) error { return syscall.Mkfifo(path, 0o600) }, []string{"state.lock is not a regular file", "nothing was changed"}},
		"a directory": {func(path string) error { return os.Mkdir(path, 0o700) }, []string{"state.lock is not a regular file"}},
		"a link":      {func(path string) error { return os.Symlink("/nonexistent/lock", path) }, []string{"state.lock is not a regular file"}},
		"no rights":   {func(path string) error { return os.WriteFile(path, nil, 0) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(t.TempDir(), "home")
			path := filepath.Join(home, "state.lock")
			if err := errors.Join(os.Mkdir(home, 0o700), c.make(path)); err != nil {
				t.Fatal(err)
			}
			if c.words != nil {
				soon(t, func() { refused(t, home, c.words, "vault", "put", "K", "--stdin") })
				paste(t, run(t, home, "v", "vault", "put", "K", "--stdin"))
			}
			ok(t, home, "v", "vault", "put", "K", "--stdin")
			if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("%v %v", info, err)
			}
		})
	}
}

// TestLockHeld holds the lock under which a state is made: who only looks, or
// finds a state, has no need of it.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	home, path := stored(t)
	f, err := os.OpenFile(filepath.Join(home, "state.lock"), os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	soon(t, func() {
		ok(t, home, "v", "vault", "put", "K", "--stdin")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		ok(t, home, "", "vault", "list")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := state.New(home).Write(ctx, func(workspace.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller who gives up: %v", err)
	}
}

// TestHomes gives akos directories that exist: none that others could use is
// changed.
func TestHomes(t *testing.T) {
	t.Parallel()
	const refuse = os.FileMode(1)
	for _, c := range []struct {
		name  string
		mode  os.FileMode
		files []string
		want  os.FileMode // after a write; refuse: it is not changed, and nothing is stored
		words []string
	}{
		{"empty", 0o755, nil, 0o700, nil},
		{"empty, for a group", 0o775 | os.ModeSetgid, nil, 0o700, nil},
		{"empty and closed to its owner", 0, nil, 0o700, nil},
		{"ours", 0o755, []string{"vault.identity.old", "session.lock", "sidecar.json"}, 0o700, nil},
		{"private, with other files", 0o700, []string{"notes.txt"}, 0o700, nil},
		{"with other files", 0o755, []string{"notes.txt"}, refuse, []string{"notes.txt", "not akos's", "nothing was changed"}},
		{"for all", 0o777, nil, refuse, []string{"for all users"}},
		{"like /tmp", 0o777 | os.ModeSticky, []string{"theirs"}, refuse, []string{"not akos's"}},
		{"sticky", 0o755 | os.ModeSticky, nil, refuse, []string{"for all users"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(t.TempDir(), "home")
			if err := os.Mkdir(home, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range c.files {
				write(t, filepath.Join(home, name), nil)
			}
			if err := os.Chmod(home, c.mode); err != nil {
				t.Fatal(err)
			}
			check := run(t, home, "", "doctor")
			if open := c.mode.Perm()&0o077 != 0; open != strings.Contains(check.out, "[FAIL] state") {
				t.Errorf("doctor: %s", check.out)
			}
			err := trust(t, state.New(home), "/p")
			info, serr := os.Stat(home)
			if serr != nil {
				t.Fatal(serr)
			}
			if c.want != refuse {
				if err != nil || info.Mode() != os.ModeDir|c.want {
					t.Errorf("%v, %v", info.Mode(), err)
				}
				return
			}
			if info.Mode() != os.ModeDir|c.mode {
				t.Errorf("it was changed to %v", info.Mode())
			}
			r := run(t, home, "v", "vault", "put", "K", "--stdin")
			if workspace.Explain(err).Kind != workspace.Denied || r.code != 5 {
				t.Errorf("exit %d, %v", r.code, err)
			}
			for _, w := range append(c.words, "hint: ") {
				if !strings.Contains(r.err, w) {
					t.Errorf("%q does not say %q", r.err, w)
				}
			}
			if left, err := os.ReadDir(home); err != nil || len(left) != len(c.files) {
				t.Errorf("left in it: %v %v", left, err)
			}
			// The hint makes it work.
			paste(t, r)
			_, sub, exported := strings.Cut(r.err, "export AKOS_HOME=")
			if exported {
				sub, _, _ = strings.Cut(sub, "\n")
				home = sub
			}
			ok(t, home, "v", "vault", "put", "K", "--stdin")
			ok(t, home, "", "doctor")
			if info, err := os.Stat(home); err != nil || info.Mode() != os.ModeDir|0o700 {
				t.Errorf("%v %v", info, err)
			}
		})
	}
	t.Run("of another user", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give a directory away")
		}
		home, path := stored(t)
		if err := os.Chown(home, 4217, -1); err != nil {
			t.Fatal(err)
		}
		before := files(t, home)
		for _, args := range [][]string{{"vault", "list"}, {"vault", "put", "K", "--stdin"}} {
			if r := run(t, home, "v", args...); r.code != 5 || !strings.Contains(r.err, "belongs to another user") || !strings.Contains(r.err, "hint: ") {
				t.Errorf("%q: exit %d: %s", args, r.code, r.err)
			}
		}
		if now := files(t, home); !bytes.Equal(now["state.db"], before["state.db"]) || len(now) != 1 {
			t.Error("it was changed")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if r := run(t, home, "v", "vault", "put", "K", "--stdin"); r.code != 5 {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
		if r := run(t, home, "", "doctor"); !strings.Contains(r.out, "[FAIL] state") {
			t.Errorf("doctor: %s", r.out)
		}
		empty := filepath.Join(t.TempDir(), "home")
		if err := errors.Join(os.Mkdir(empty, 0o777), os.Chown(empty, 4217, -1)); err != nil {
			t.Fatal(err)
		}
		if r := run(t, empty, "v", "vault", "put", "K", "--stdin"); r.code != 5 {
			t.Errorf("exit %d: %s", r.code, r.err)
		}
		if left, err := os.ReadDir(empty); err != nil || len(left) != 0 {
			t.Errorf("left in it: %v %v", left, err)
		}
	})
}
