package mcpserver_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// TestMemory: a line of 100 MB is read to its end, and not kept.
func TestMemory(t *testing.T) {
	t.Parallel()
	h := newEmptyHome(t)
	const limit = 60 << 10 // KiB
	for _, line := range []string{strings.Repeat("x", 1<<20), strings.Repeat("[", 1<<20), strings.Repeat("\r", 1<<20)} {
		p := start(t, h)
		p.ask(initialize)
		p.ask(list)
		for range 100 {
			p.send(line)
		}
		if r := p.ask(""); r.Error == nil || r.Error.Code != -32700 {
			t.Errorf("%.300s", r.raw)
		}
		if r := p.ask(ping); r.Result == nil {
			t.Errorf("%.300s", r.raw)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
		if err != nil {
			t.Fatal(err)
		}
		m := peak.FindSubmatch(status)
		if m == nil {
			t.Fatalf("no VmHWM in %s", status)
		}
		kib, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		if kib > limit {
			t.Errorf("the process had %d MiB, want at most %d", kib>>10, limit>>10)
		}
		t.Logf("peak: %d MiB", kib>>10)
		p.in.Close()
		p.ends(0)
	}
}
