package authserver

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
)

// newHall returns a bench that has so many connections at once.
func newHall(t *testing.T, most int, with func(*Options)) *bench {
	t.Helper()
	return newBenchOn(t, with, func(l *httptest.Server) {
		c := crowd.New(l.Listener, most)
		l.Listener, l.Config.ConnState, l.Config.ConnContext = c, c.State, c.Context
	})
}

// throng has strangers come until most of them were let go: what nobody vouches
// for is gone by then, since it has been there for longer.
func (b *bench) throng(t *testing.T, most int) {
	t.Helper()
	gone := make(chan struct{}, 4*most)
	for range 4 * most {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// If it is let go, nothing answers.
		_, _ = io.WriteString(conn, "POST /oauth/token HTTP/1.1\r\nHost: "+strings.TrimPrefix(b.url, "http://")+
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na")
		go func() {
			_, _ = conn.Read(make([]byte, 1)) // it ends with the connection
			gone <- struct{}{}
		}()
	}
	late := time.After(30 * time.Second)
	for i := range 3 * most {
		select {
		case <-gone:
		case <-late:
			t.Fatalf("%d strangers were let go", i)
		}
	}
}

// A gate holds the first call of one method of a transaction, once it is shut.
type gate struct {
	workspace.Store
	method           atomic.Value // its name, or the hash that Token is called with
	entered, release chan struct{}
}

func (g *gate) at(method string) {
	if g.method.CompareAndSwap(method, "") {
		close(g.entered)
		<-g.release
	}
}

func (g *gate) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	return g.Store.Read(ctx, func(tx workspace.Tx) error { return fn(gated{tx, g}) })
}

func (g *gate) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	return g.Store.Write(ctx, func(tx workspace.Tx) error { return fn(gated{tx, g}) })
}

type gated struct {
	workspace.Tx
	g *gate
}

func (g gated) Token(hash string) (workspace.Token, bool, error) {
	g.g.at(hash)
	return g.Tx.Token(hash)
}
func (g gated) AddToken(t workspace.Token) error   { g.g.at("AddToken"); return g.Tx.AddToken(t) }
func (g gated) AddClient(c workspace.Client) error { g.g.at("AddClient"); return g.Tx.AddClient(c) }

// TestVouched: who came with a secret that is known here gets the answer,
// however many strangers come while it takes.
func TestVouched(t *testing.T) {
	t.Parallel()
	const most = 8
	for name, prepare := range map[string]func(*bench) (method string, ask func() reply){
		"refresh": func(b *bench) (string, func() reply) {
			r := b.login(t, "bob", "")
			return "AddToken", func() reply { return b.refresh(t, r) }
		},
		"device code": func(b *bench) (string, func() reply) {
			d := b.device(t)
			b.signedIn(t, "bob").decide(t, d, "approve", "")
			return "AddToken", func() reply { return b.poll(t, d) }
		},
		"authorization code": func(b *bench) (string, func() reply) {
			c := b.register(t, callback)
			code := b.signedIn(t, "bob").allow(t, asking(c), "approve", "").Get("code")
			return "AddToken", func() reply { return b.exchange(t, c, code) }
		},
		"introspection": func(b *bench) (string, func() reply) {
			r := b.login(t, "bob", "")
			own := b.personal(t, workspace.Token{User: "bob", Tenant: "local", Scopes: []string{scopeIntrospect}})
			return hash(r.text("access_token")), func() reply {
				return b.call(t, "/oauth/introspect", form("token", r.text("access_token")), "Authorization", "Bearer "+own)
			}
		},
		"approval": func(b *bench) (string, func() reply) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			q := br.get(t, "/oauth/authorize?"+asking(c).Encode())
			return "AddClient", func() reply {
				r := br.post(t, "/oauth/authorize/approve", form("transaction", q.transaction(t), "decision", "approve"))
				if r.status == http.StatusSeeOther {
					r.status = http.StatusOK
				}
				return r
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gate{entered: make(chan struct{}), release: make(chan struct{})}
			g.method.Store("")
			b := newHall(t, most, func(o *Options) {
				g.Store = o.Store
				o.Store = g
			})
			method, ask := prepare(b)
			g.method.Store(method)
			var all sync.WaitGroup
			var r reply
			all.Go(func() { r = ask() })
			<-g.entered
			b.throng(t, most)
			close(g.release)
			all.Wait()
			r.is(t, 200, "")
		})
	}
}

// TestSignInLine: of those that wait for their password to be checked none is
// let go in favour of strangers; they are few, and the rest know at once.
func TestSignInLine(t *testing.T) {
	t.Parallel()
	const most = 16
	release := make(chan struct{})
	slow := func(o *Options) {
		o.TrustProxy = true
		check := o.CheckPassword
		o.CheckPassword = func(ctx context.Context, user string, password workspace.Secret) error {
			<-release
			return check(ctx, user, password)
		}
	}
	b, full := newHall(t, most, slow), newBench(t, slow)
	var all sync.WaitGroup
	var in, refused atomic.Int32
	enter := func(b *bench, from string) {
		r := b.browser(t).post(t, "/signin", form("user", "bob", "password", password("bob")),
			"X-Forwarded-For", from, "Origin", "https"+strings.TrimPrefix(b.url, "http"))
		if r.onward() != "" {
			in.Add(1)
		} else if r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != "" {
			refused.Add(1)
		}
	}
	until := func(what string, is func() bool) {
		for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("never %s: %d refused", what, refused.Load())
				return
			}
		}
	}
	for range most - 4 {
		all.Go(func() { enter(b, "192.0.2.1") })
	}
	until("in line", func() bool { return b.queued() == most-4 })
	b.throng(t, most)

	for range maxQueueEach + 20 {
		all.Go(func() { enter(full, "192.0.2.1") })
	}
	until("full", func() bool { return full.queued() == maxQueueEach && refused.Load() == 20 })
	all.Go(func() { enter(full, "192.0.2.2") })
	until("one of another address in line", func() bool { return full.queued() == maxQueueEach+1 })
	close(release)
	all.Wait()
	if n := in.Load(); n != most-4+maxQueueEach+1 || refused.Load() != 20 {
		t.Errorf("%d signed in, %d were refused", n, refused.Load())
	}
	if n := full.queued(); n != 0 || len(full.s.queue.owned) != 0 {
		t.Errorf("%d are in line after all", n)
	}
}

func (b *bench) queued() int {
	b.s.queue.mu.Lock()
	defer b.s.queue.mu.Unlock()
	return b.s.queue.all
}
