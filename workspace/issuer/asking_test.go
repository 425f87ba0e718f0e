package issuer_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
	"example.com/akos/workspace/issuer"
)

// A teller is a provider that says that one token is active, while it is good.
type teller struct {
	*idp
	v           *issuer.Verifier
	good        atomic.Bool
	slow        chan struct{} // nil, or what it waits for before it speaks of others
	asked, most atomic.Int32  // how many questions wait for an answer
	clock       atomic.Int64
}

const known = "hidden-fake-token-that-is-active"

func newTeller(t *testing.T, slow chan struct{}) *teller {
	p := &teller{idp: newIDP(t), slow: slow}
	p.good.Store(true)
	p.v = p.verifier(t, func(o *issuer.Options) {
		o.Client, o.Secret = "client", func() (string, error) { return "hidden-fake", nil }
		o.Now = func() time.Time { return now.Add(time.Duration(p.clock.Load())) }
	})
	p.fault(introspect, func(w http.ResponseWriter, r *http.Request) {
		if n := p.asked.Add(1); n > p.most.Load() {
			p.most.Store(n)
		}
		defer p.asked.Add(-1)
		_ = r.ParseForm()
		body := `{"active":false}`
		if r.PostForm.Get("token") == known {
			if p.good.Load() {
				body = p.claims(map[string]any{"active": true})
			}
		} else if p.slow != nil {
			<-p.slow
		}
		answers(200, "application/json", body)(w, r)
	})
	return p
}

func (p *teller) pass(d time.Duration) { p.clock.Add(int64(d)) }

// TestInactive: a token that is not active is not asked about again for a few
// seconds, however often it comes; one that is active is asked about each time.
func TestInactive(t *testing.T) {
	p := newTeller(t, nil)
	bad := func(token string) {
		t.Helper()
		_, err := p.v.Verify(t.Context(), token)
		is(t, token, err, workspace.LoginNeeded)
	}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { bad("hidden-fake-stranger") })
	}
	all.Wait()
	if n := p.count(introspect); n > 16 {
		t.Errorf("asked %d times about one token", n)
	}
	before := p.count(introspect)
	bad("hidden-fake-other")
	p.pass(4 * time.Second)
	bad("hidden-fake-other")
	if n := p.count(introspect) - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
	p.pass(2 * time.Second)
	bad("hidden-fake-other")
	if n := p.count(introspect) - before; n != 2 {
		t.Errorf("asked %d times after a while", n)
	}
	before = p.count(introspect)
	for range 3 {
		if _, err := p.v.Verify(t.Context(), known); err != nil {
			t.Fatal(err)
		}
	}
	p.good.Store(false) // it is revoked, and that counts at once
	bad(known)
	if n := p.count(introspect) - before; n != 4 {
		t.Errorf("asked %d times about a token that was active", n)
	}
}

// TestAsking: strangers have a provider asked about few tokens at once, their
// wait ends with their request, and somebody whose token was active before
// does not wait behind them.
func TestAsking(t *testing.T) {
	slow := make(chan struct{})
	p := newTeller(t, slow)
	if _, err := p.v.Verify(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var done atomic.Int32
	for i := range 600 {
		all.Go(func() {
			_, err := p.v.Verify(ctx, fmt.Sprint("hidden-fake-", i))
			if k := workspace.Explain(err).Kind; k != workspace.Unavailable {
				t.Errorf("%v", err)
			}
			done.Add(1)
		})
	}
	// Those that the line has no place for know at once.
	deadline := time.Now().Add(10 * time.Second)
	for p.asked.Load() < 16 || done.Load() < 600-200 {
		if time.Now().After(deadline) {
			t.Errorf("%d of 600 were answered, and %d are asked about", done.Load(), p.asked.Load())
			break
		}
		time.Sleep(time.Millisecond)
	}
	for range 20 {
		start := time.Now()
		if id, err := p.v.Verify(t.Context(), known); err != nil || id.UserID != "ada" || time.Since(start) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	}
	if n := p.most.Load(); n > 17 {
		t.Errorf("the provider was asked about %d tokens at once", n)
	}
	cancel()
	all.Wait()
	close(slow)
}

// TestLine: strangers that come meanwhile don't end whoever waits for longest
// for a token to be asked about.
func TestLine(t *testing.T) {
	slow := make(chan struct{})
	p := newTeller(t, slow)
	const most = 24 // connections: less than the line has places
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := p.v.Verify(r.Context(), r.Header.Get("Token"))
		_, _ = fmt.Fprint(w, workspace.Explain(err).Kind)
	}))
	c := crowd.New(srv.Listener, most)
	srv.Listener, srv.Config.ConnState, srv.Config.ConnContext = c, c.State, c.Context
	srv.Start()
	t.Cleanup(srv.Close)
	send := func(head string) net.Conn {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a test of its own
		_, _ = io.WriteString(conn, head)                 // if it is let go, nothing answers
		return conn
	}
	var waiting []net.Conn
	for i := range most - 4 {
		waiting = append(waiting, send(fmt.Sprintf("GET / HTTP/1.1\r\nHost: x\r\nToken: hidden-fake-%d\r\nConnection: close\r\n\r\n", i)))
	}
	for deadline := time.Now().Add(10 * time.Second); p.asked.Load() < 16; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d are asked about", p.asked.Load())
			break
		}
	}
	gone := make(chan struct{}, 4*most)
	for range 4 * most {
		conn := send("GET / HTTP/1.1\r\nHo")
		go func() {
			_, _ = conn.Read(make([]byte, 1)) // until it is let go
			gone <- struct{}{}
		}()
	}
	for range 3 * most {
		<-gone
	}
	close(slow)
	for _, conn := range waiting {
		if all, _ := io.ReadAll(conn); len(all) == 0 {
			t.Error("somebody who waited was let go")
		}
	}
}
