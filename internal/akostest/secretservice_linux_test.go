package akostest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
	"github.com/zalando/go-keyring"
)

// TestSecretServiceLifeLeavesNothing drives the helper through all it can do
// and then looks for processes that have its directory in their environment.
func TestSecretServiceLifeLeavesNothing(t *testing.T) {
	var dir string
	t.Run("life", func(t *testing.T) {
		s := akostest.StartSecretService(t)
		s.Use(t)
		for _, v := range s.Env() {
			if d, ok := strings.CutPrefix(v, "XDG_RUNTIME_DIR="); ok {
				dir = filepath.Dir(d)
			}
		}
		keep := func() {
			t.Helper()
			if err := keyring.Set("akos", "a", "b"); err != nil {
				t.Error(err)
			}
		}
		keep()
		s.Lock()
		if err := keyring.Set("akos", "a", "b"); err == nil || !strings.Contains(err.Error(), "failed to unlock correct collection") {
			t.Errorf("locked: %v", err)
		}
		s.Unlock()
		keep()
		s.Kill()
		// The bus activates a locked one.
		if _, err := keyring.Get("akos", "a"); err == nil || !strings.Contains(err.Error(), "failed to unlock correct collection") {
			t.Errorf("after a kill: %v", err)
		}
		s.Stop()
		s.Continue()
		s.Kill() // the activated one
		s.Restart()
		keep()
		s.RestartSession()
		keep()
		s.Stop() // and the end comes while it is stopped
	})
	if dir == "" {
		t.Fatal("no XDG_RUNTIME_DIR")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
	if left := withEnv(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	noZombies(t)
}

// TestAFailedTestLeavesNothing fails in a process of its own, in the middle
// of the use of a service.
func TestAFailedTestLeavesNothing(t *testing.T) {
	if os.Getenv("AKOSTEST_FAIL") != "" {
		s := akostest.StartSecretService(t)
		s.Lock()
		t.Fatalf("dir=%s", strings.TrimPrefix(s.Env()[1], "XDG_RUNTIME_DIR="))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAFailedTestLeavesNothing$")
	cmd.Env = append(os.Environ(), "AKOSTEST_FAIL=1")
	out, err := cmd.CombinedOutput()
	_, after, ok := strings.Cut(string(out), "dir=")
	if err == nil || !ok {
		t.Fatalf("it did not fail as it should: %v\n%s", err, out)
	}
	dir := filepath.Dir(strings.Fields(after)[0])
	if left := withEnv(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}

// TestNotInstalled fails in a process of its own that finds no dbus-daemon.
func TestNotInstalled(t *testing.T) {
	if os.Getenv("AKOSTEST_FAIL") != "" {
		akostest.StartBus(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNotInstalled$")
	cmd.Env = append(os.Environ(), "AKOSTEST_FAIL=1", "PATH=/nonexistent")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "dbus-daemon is not installed: run scripts/setup.sh") || strings.Contains(string(out), "SKIP") {
		t.Errorf("%v\n%s", err, out)
	}
}

// withEnv returns the processes whose environment names dir.
func withEnv(t *testing.T, dir string) (left []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no /proc: %v", err)
	}
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), dir) {
			left = append(left, path)
		}
	}
	return left
}

// noZombies checks that this process has no child, dead or alive.
func noZombies(t *testing.T) {
	t.Helper()
	self := strconv.Itoa(os.Getpid())
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		_, rest, ok := strings.Cut(string(data), ") ")
		if err != nil || !ok {
			continue
		}
		if f := strings.Fields(rest); len(f) > 1 && f[1] == self {
			t.Errorf("a child is left: %s", data)
		}
	}
}
