//go:build gates && linux

package sidecar_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// maxIdle is the resident memory of a sidecar that is idle after a login, in
// kB.
const maxIdle = 40_000

// TestGateIdle measures what a sidecar keeps: Argon2 takes 64 MB for a moment
// at each sign-in, and they are given back.
func TestGateIdle(t *testing.T) {
	r := newRelease(t)
	cmd, address, setup, _ := r.serve()
	fresh := resident(t, cmd.Process.Pid)
	r.logIn(address, setup)
	for range 100 {
		res, err := http.Get(address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	after := resident(t, cmd.Process.Pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()

	cmd, _, _, _ = r.serve()
	time.Sleep(time.Second)
	again := resident(t, cmd.Process.Pid)
	t.Logf("kB: fresh %d, after a login %d, started again %d", fresh, after, again)
	for what, got := range map[string]int{"fresh": fresh, "after a login": after, "started again": again} {
		if got > maxIdle {
			t.Errorf("%s it has %d kB, at most %d are right", what, got, maxIdle)
		}
	}
}

// resident returns the resident memory of a process, in kB.
func resident(t *testing.T, pid int) (kB int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kB); n == 1 {
			return kB
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
