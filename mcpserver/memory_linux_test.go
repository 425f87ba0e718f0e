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

// hostile are messages that nobody should send: much in little, and each as
// long as a message may be, or longer.
var hostile = []string{
	strings.Repeat("x", 4<<20), strings.Repeat("[", 4<<20), strings.Repeat(" ", 5<<20), strings.Repeat(`{"a":`, 800_000),
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"scope":"` + strings.Repeat("x", 4<<20-200) + `"}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"scope":"` + strings.Repeat("x", 1<<20-20) + `"}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"a":[` + strings.Repeat("0,", 2<<20-200) + `0]}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"a":[` + strings.Repeat("{},", 1<<20) + `0]}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a":[` + strings.Repeat("0,", 90_000) + `0]}}}`,
	`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a":[` + strings.Repeat("[],", 1<<20) + `0]}}}`,
	`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 4<<20-200) + `","method":"ping"}`,
	`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 4<<20-200) + `"}`,
	`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"` + strings.Repeat("x", 4<<20-200) + `"}}`,
}

// peakOf returns the peak of a process's memory in KiB.
func peakOf(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
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
	return kib
}

// TestMemory: a line of 100 MB is read to its end, and not kept; nor does it
// take much memory to refuse 100 MB in lines of the greatest length.
func TestMemory(t *testing.T) {
	t.Parallel()
	h := newEmptyHome(t)
	const limit = 60 << 10 // KiB
	longest := func(part string) func(*program) {
		return func(p *program) {
			for range 100 {
				p.send(part)
			}
			if r := p.ask(""); r.Error == nil || r.Error.Code != -32700 {
				t.Errorf("%.300s", r.raw)
			}
		}
	}
	for name, sends := range map[string]func(*program){
		"words": longest(strings.Repeat("x", 1<<20)), "brackets": longest(strings.Repeat("[", 1<<20)), "line ends": longest(strings.Repeat("\r", 1<<20)),
		"lines": func(p *program) {
			for range 3 {
				for _, line := range hostile {
					if strings.TrimSpace(line) == "" {
						continue // is no message, and gets no answer
					}
					if r := p.ask(line); r.Error == nil && !r.Result.IsError && !strings.Contains(line, `"ping"`) {
						t.Errorf("%.100s: %.300s", line, r.raw)
					}
				}
			}
		},
	} {
		p := start(t, h)
		p.ask(initialize)
		p.ask(list)
		sends(p)
		if r := p.ask(ping); r.Result == nil {
			t.Errorf("%.300s", r.raw)
		}
		kib := peakOf(t, p.Pid)
		t.Logf("%s: %d MiB", name, kib>>10)
		if kib > limit {
			t.Errorf("%s: the process had %d MiB, want at most %d", name, kib>>10, limit>>10)
		}
		p.in.Close()
		p.ends(0)
	}
}
