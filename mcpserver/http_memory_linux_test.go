package mcpserver_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

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

// TestHTTPMemory: 130 MB of what nobody should send, 36 requests at once, are
// refused in little memory.
func TestHTTPMemory(t *testing.T) {
	t.Parallel()
	const limit = 60 << 10
	d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	a := d.connect("")
	a.call("vault_list", `{}`)
	bodies := []string{
		strings.Repeat("x", 4<<20), strings.Repeat("[", 4<<20), strings.Repeat(" ", 5<<20), strings.Repeat(`{"a":`, 800_000),
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"scope":"` + strings.Repeat("x", 4<<20-200) + `"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"scope":"` + strings.Repeat("x", 1<<20-20) + `"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault_list","arguments":{"a":[` + strings.Repeat("0,", 2<<20-200) + `0]}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a":[` + strings.Repeat("0,", 90_000) + `0]}}}`,
		`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 4<<20-200) + `","method":"ping"}`,
	}
	var wg sync.WaitGroup
	for range 4 { // all at once
		for _, body := range bodies {
			wg.Go(func() { a.post(body) })
		}
	}
	wg.Wait()
	a.post(ping).is(200, 0)
	kib := peakOf(t, d.Pid)
	t.Logf("peak: %d MiB", kib>>10)
	if kib > limit {
		t.Errorf("the process had %d MiB, want at most %d", kib>>10, limit>>10)
	}
}

// TestHTTPManySessions: 1,000 idle sessions cost little, and so do 4,000 that
// a client opens and forgets: the ones that were idle longest give way.
func TestHTTPManySessions(t *testing.T) {
	t.Parallel()
	d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	open := func(n int) {
		var wg sync.WaitGroup
		places := make(chan struct{}, 8)
		for range n {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				d.connect("")
			})
		}
		wg.Wait()
	}
	first := d.connect("")
	open(998)
	first.post(ping).is(200, 0)
	kib := peakOf(t, d.Pid)
	t.Logf("1,000 sessions: %d MiB", kib>>10)
	if kib > 100<<10 {
		t.Errorf("the process had %d MiB, want at most 100", kib>>10)
	}
	idle := d.connect("")
	open(1500)
	first.post(ping).is(404, -32600)
	idle.post(ping).is(404, -32600)
	d.connect("").post(ping).is(200, 0)
	if more := peakOf(t, d.Pid); more > 100<<10 {
		t.Errorf("the process had %d MiB, want at most 100", more>>10)
	}
}
