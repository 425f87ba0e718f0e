package issuer_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	for i := range 600 {
		all.Go(func() {
			_, err := p.v.Verify(ctx, fmt.Sprint("hidden-fake-", i))
			if k := workspace.Explain(err).Kind; k != workspace.Unavailable {
				t.Errorf("%v", err)
			}
		})
	}
	for p.asked.Load() < 16 {
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
