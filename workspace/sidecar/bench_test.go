//go:build unix

package sidecar_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkWhoami measures akos auth whoami with a session, as a whole process,
// beside a bare program that does one GET of the same: the two in turn, because
// machines are noisy, and their medians. At most 3 times as long is right.
func BenchmarkWhoami(b *testing.B) {
	r := newRelease(b)
	_, address, setup, _ := r.serve()
	r.logIn(address, setup)
	file := filepath.Join(b.TempDir(), "token")
	r.run("akos", "token", "create", "--name", "bench", "--out", file)
	token, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var bare, akos []time.Duration
	for b.Loop() {
		bare = append(bare, r.run("bare", address+"/api/v1/whoami", strings.TrimSpace(string(token))))
		akos = append(akos, r.run("akos", "auth", "whoami"))
	}
	ratio := float64(median(akos)) / float64(median(bare))
	b.ReportMetric(median(bare).Seconds()*1000, "bare-ms")
	b.ReportMetric(median(akos).Seconds()*1000, "akos-ms")
	b.ReportMetric(ratio, "ratio")
	if len(akos) >= 10 && ratio > 3 {
		b.Errorf("whoami takes %.2f times as long as a bare GET", ratio)
	}
}

// BenchmarkServe measures the start of a sidecar, from exec until it says that
// it is ready. At most 150 ms are right.
func BenchmarkServe(b *testing.B) {
	r := newRelease(b)
	cmd, address, setup, _ := r.serve()
	r.logIn(address, setup) // a state that is in use
	var all []time.Duration
	for b.Loop() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		var took time.Duration
		cmd, _, _, took = r.serve()
		all = append(all, took)
	}
	b.ReportMetric(median(all).Seconds()*1000, "ready-ms")
	if len(all) >= 10 && median(all) > 150*time.Millisecond {
		b.Errorf("it takes %v to be ready", median(all))
	}
}
