package mcpserver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHTTPMemory: 140 MB of what nobody should send, 39 requests at once, are
// refused in little memory.
func TestHTTPMemory(t *testing.T) {
	t.Parallel()
	const limit = 60 << 10
	d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	a := d.connect("")
	a.call("vault_list", `{}`)
	var wg sync.WaitGroup
	for range 3 { // all at once
		for _, body := range hostile {
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

// TestHTTPFatSessions: what a client says when it initializes is bounded, and
// of that only what is used is kept: 1,000 sessions that say as much as they
// may, and in the dearest way, cost little.
func TestHTTPFatSessions(t *testing.T) {
	t.Parallel()
	const longest = 16 << 10
	d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	fat := func(size int) string {
		const empty = `{"elicitation":{"url":{}},"experimental":{"x":[%s0]},"extensions":{"y":"%s"}}`
		maps := strings.Repeat(`{"a":0},`, 1500)
		return fmt.Sprintf(empty, maps, strings.Repeat("y", size-len(hello(fmt.Sprintf(empty, maps, "")))))
	}
	says := fat(longest)
	if n := len(hello(says)); n != longest {
		t.Fatalf("%d bytes", n)
	}
	if r := d.send("POST", "/mcp", hello(fat(longest+1))).is(413, -32600); !strings.Contains(r.body, "16 KiB") || r.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%s", r.body)
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, 8)
	for range 1000 {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			d.connectAs("", says)
		})
	}
	wg.Wait()
	kib := peakOf(t, d.Pid)
	t.Logf("peak: %d MiB", kib>>10)
	if kib > 100<<10 {
		t.Errorf("the process had %d MiB, want at most 100", kib>>10)
	}
}

// TestHTTPCrowd: a hundred clients that were asked to open a page and answer
// nothing keep nobody else waiting, and cost little.
func TestHTTPCrowd(t *testing.T) {
	t.Parallel()
	d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	var agents []*agent
	for range 200 {
		agents = append(agents, d.connectAs("", `{"elicitation":{"url":{}}}`))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	asked, refused := 0, 0
	began := time.Now()
	answered := make(chan struct{}, 100)
	for i, a := range agents[:100] {
		wg.Go(func() {
			res := a.post(request(1, "vault_put", fmt.Sprintf(`{"key":"KEY_%d"}`, i)))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case strings.Contains(res.body, "16 pages wait"):
				refused++
				answered <- struct{}{}
			case strings.Contains(res.body, "elicitation/create") && strings.Contains(res.body, "notifications/cancelled") && entryOf(t, res.rpc()).Status == "pending":
				asked++
			default:
				t.Errorf("%.500s", res.body)
			}
		})
	}
	for range 84 {
		<-answered // sixteen wait
	}
	over := func() bool { mu.Lock(); defer mu.Unlock(); return asked > 0 }
	lists := 0
	for i := 0; i < len(agents) && !over(); i++ { // those who were asked, and others
		sent := time.Now()
		if len(agents[i%2*100+i/2].names()) == 0 || time.Since(sent) > 10*time.Second { // the questions take 15
			t.Errorf("the list took %v", time.Since(sent))
		}
		lists++
	}
	if lists < 50 {
		t.Errorf("%d lists came before the questions were over", lists)
	}
	wg.Wait()
	if asked != 16 || refused != 84 || time.Since(began) > 2*patience {
		t.Errorf("%d asked, %d refused, after %v", asked, refused, time.Since(began))
	}
	kib := peakOf(t, d.Pid)
	t.Logf("peak: %d MiB", kib>>10)
	if kib > 60<<10 {
		t.Errorf("the process had %d MiB, want at most 60", kib>>10)
	}
}
