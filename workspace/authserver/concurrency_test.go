package authserver

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// race runs fn 50 times at once and counts those that won.
func race(fn func() bool) int {
	var wg sync.WaitGroup
	var wins atomic.Int32
	start := make(chan struct{})
	for range 50 {
		wg.Go(func() {
			<-start
			if fn() {
				wins.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(wins.Load())
}

// TestOnce exchanges each kind of secret in 50 places at once.
func TestOnce(t *testing.T) {
	t.Parallel()
	t.Run("device code", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		d := b.device(t)
		b.signedIn(t, "bob").decide(t, d, "approve", "")
		if n := race(func() bool { return b.poll(t, d).status == 200 }); n != 1 {
			t.Errorf("%d won", n)
		}
		if n := len(b.store.AllTokens()); n != 0 {
			t.Errorf("%d tokens live on after their code was used again", n)
		}
	})
	t.Run("refresh token", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		r := b.login(t, "bob", "")
		if n := race(func() bool { return b.refresh(t, r).status == 200 }); n != 1 {
			t.Errorf("%d won", n)
		}
	})
	t.Run("question", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		d := b.device(t)
		br := b.signedIn(t, "bob")
		tx := br.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
		if n := race(func() bool {
			return br.post(t, "/device/approve", form("transaction", tx, "decision", "approve")).status == 200
		}); n != 1 {
			t.Errorf("%d won", n)
		}
	})
	t.Run("device decided by two", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		d := b.device(t)
		alice, bob := b.signedIn(t, "alice"), b.signedIn(t, "bob")
		ta := alice.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
		tb := bob.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
		if r := bob.post(t, "/device/approve", form("transaction", tb, "decision", "deny")); r.status != 200 {
			t.Error(r.status)
		}
		if r := alice.post(t, "/device/approve", form("transaction", ta, "decision", "approve", "tenant", "acme")); r.status != 409 {
			t.Error(r.status)
		}
		b.poll(t, d).is(t, 400, "access_denied")
	})
	t.Run("set-up link", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		b.removeUser("alice")
		b.removeUser("bob")
		path, needed, err := b.s.SetupPath()
		if !needed || err != nil {
			t.Fatal(needed, err)
		}
		if n := race(func() bool {
			f := form("user", "carol", "password", password("carol"), "again", password("carol"))
			return b.browser(t).post(t, path, f).status == 303
		}); n != 1 {
			t.Errorf("%d won", n)
		}
	})
}

// A slowStore holds its first Write until it is let go.
type slowStore struct {
	workspace.Store
	writes           atomic.Int32
	entered, release chan struct{}
}

func (s *slowStore) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	if s.writes.Add(1) == 1 {
		close(s.entered)
		<-s.release
	}
	return s.Store.Write(ctx, fn)
}

// TestAgainMeanwhile uses a code again while its tokens are being written:
// they end all the same.
func TestAgainMeanwhile(t *testing.T) {
	t.Parallel()
	slow := &slowStore{entered: make(chan struct{}), release: make(chan struct{})}
	b := newBench(t, func(o *Options) {
		slow.Store = o.Store
		o.Store = slow
	})
	d := b.device(t)
	b.signedIn(t, "bob").decide(t, d, "approve", "")
	var wg sync.WaitGroup
	var first, second reply
	wg.Go(func() { first = b.poll(t, d) })
	<-slow.entered
	wg.Go(func() { second = b.poll(t, d) })
	time.Sleep(50 * time.Millisecond)
	close(slow.release)
	wg.Wait()
	first.is(t, 200, "")
	second.is(t, 400, "invalid_grant")
	if n := len(b.store.AllTokens()); n != 0 {
		t.Errorf("%d tokens live on", n)
	}
}

// TestCrowd has 1,000 people log in 1,000 devices at once.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const people = 1_000
	b := newBench(t, nil)
	b.http.MaxConnsPerHost = 100
	for i := range people {
		b.addUser(fmt.Sprintf("user-%d", i), fmt.Sprintf("tenant-%d", i))
	}
	start := time.Now()
	var wg sync.WaitGroup
	tokens := make([]reply, people)
	for i := range people {
		wg.Go(func() { tokens[i] = b.login(t, fmt.Sprintf("user-%d", i), "") })
	}
	wg.Wait()
	t.Logf("%d device logins in %v", people, time.Since(start))
	seen := map[string]bool{}
	for i, r := range tokens {
		user, tenant := fmt.Sprintf("user-%d", i), fmt.Sprintf("tenant-%d", i)
		tok, err := b.s.Check(t.Context(), r.text("access_token"), b.url)
		if err != nil || tok.User != user || tok.Tenant != tenant || r.text("user_id") != user || r.text("tenant_id") != tenant || seen[tok.Family] {
			t.Fatalf("%s got %+v, %v", user, tok, err)
		}
		seen[tok.Family] = true
	}
}
