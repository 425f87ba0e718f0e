// Package crowd bounds the connections of an HTTP server.
//
// It knows nothing of what they carry. Its invariant: who keeps connections
// open keeps nobody out, unless a server vouches for each of them; and of one
// owner's it does so for a quarter of all at the most.
package crowd

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// grace is what every connection has before it can be let go: enough for a
// request that is on its way, and for an answer to leave. It bounds how many
// can be opened in a second, too: those that there are places for, ten times.
const grace = 100 * time.Millisecond

// friendly is what a connection has after a request that a server vouched for:
// a client that is at work does not lose it to strangers.
const friendly = time.Second

// A Listener is one that has a number of connections open at the most. When
// there is no place for one more, the one leaves on which nothing has happened
// for longest: that has sent no whole header yet, is idle, or is answered and
// holds on by a body that never comes. Where there is none, a request gives way
// that nobody has vouched for. A stranger who opens many, and others in the
// place of those that end, is so let go in favour of whoever comes.
//
// What a server vouches for, by Keep or Hold, is never let go. Keep does it for
// a quarter of the places at the most, of one owner.
type Listener struct {
	net.Listener
	places chan struct{}
	ended  chan struct{}
	end    func()

	mu        sync.Mutex
	quiet     list.List // members that no request of is being answered
	strangers list.List // those with one that nobody has vouched for
	known     list.List // quiet ones, with one before that somebody did vouch for

	owners map[string]int // how many of each are counted
}

// New returns l with at most so many connections open. The server is to have
// its State and its Context.
func New(l net.Listener, most int) *Listener {
	ended := make(chan struct{})
	return &Listener{
		Listener: l, places: make(chan struct{}, most), owners: map[string]int{},
		ended: ended, end: sync.OnceFunc(func() { close(ended) }),
	}
}

// Accept implements net.Listener.
func (c *Listener) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !c.enter() {
		_ = conn.Close() // the error that matters is that all has ended
		return nil, net.ErrClosed
	}
	m := &member{Conn: conn, of: c, end: func() {}}
	c.move(m, &c.quiet)
	return m, nil
}

// enter takes a place, or returns false if all has ended.
func (c *Listener) enter() bool {
	for {
		select {
		case c.places <- struct{}{}:
			return true
		default:
		}
		wait := c.dismiss()
		if wait == 0 {
			continue
		}
		select {
		case c.places <- struct{}{}:
			return true
		case <-time.After(wait):
		case <-c.ended:
			return false
		}
	}
}

// dismiss closes a connection, or returns when to try again.
func (c *Listener) dismiss() (wait time.Duration) {
	m, wait := c.longest()
	if m != nil {
		_ = m.Close() // not by way of TLS, which would write first
		return 0
	}
	return wait
}

// longest returns the member that is to leave, or when there may be one.
func (c *Listener) longest() (m *member, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait = grace
	for _, in := range []*list.List{&c.quiet, &c.strangers, &c.known} {
		if in.Len() == 0 {
			continue
		}
		has := grace
		if in == &c.known {
			has = friendly
		}
		m = in.Front().Value.(*member)
		left := has - time.Since(m.since)
		if left <= 0 {
			return m, 0
		}
		wait = min(wait, left)
	}
	return nil, wait
}

// State is the ConnState of the server that c is the listener of.
func (c *Listener) State(conn net.Conn, s http.ConnState) {
	switch m := under(conn); {
	case m == nil:
	case s == http.StateActive: // its header is there
		c.move(m, &c.strangers)
	case s == http.StateIdle && m.owner != "" && c.vouch(m, m.owner, &c.known):
	case s == http.StateIdle:
		c.move(m, &c.quiet)
	}
}

type memberKey struct{}

// Context is the ConnContext of the server that c is the listener of. It ends
// with the connection: net/http notices the end of one only once the body of
// the request is read.
func (c *Listener) Context(ctx context.Context, conn net.Conn) context.Context {
	m := under(conn)
	ctx, m.end = context.WithCancel(context.WithValue(ctx, memberKey{}, m))
	return ctx
}

// under returns the member that conn is, or is TLS on.
func under(conn net.Conn) *member {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	m, _ := conn.(*member)
	return m
}

// Keep vouches for the request whose context is given, since it is known to be
// of owner, who has a name, until done is called: its connection is not let go
// in favour of others. Where owner has a quarter of the places, it stays one
// that nobody vouched for.
func Keep(ctx context.Context, owner string) (done func()) {
	m, _ := ctx.Value(memberKey{}).(*member)
	if m == nil || !m.of.vouch(m, owner, nil) {
		return func() {}
	}
	return func() { m.of.move(m, &m.of.quiet) }
}

// Hold does the same for whoever it is, while something is done for them that
// is done for few at one time.
func Hold(ctx context.Context) (done func()) {
	m, _ := ctx.Value(memberKey{}).(*member)
	if m == nil {
		return func() {}
	}
	m.of.move(m, nil)
	return func() { m.of.move(m, &m.of.quiet) }
}

// vouch puts m where it is safe, as one of owner's, unless those are a quarter
// of all already.
func (c *Listener) vouch(m *member, owner string, to *list.List) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := max(1, cap(c.places)/4)
	if c.owners[owner] >= most {
		c.forget()
	}
	if c.owners[owner] >= most {
		m.owner = ""
		return false
	}
	c.put(m, to)
	m.owner = owner
	if !m.left {
		m.counted = true
		c.owners[owner]++
	}
	return true
}

// forget no longer counts who was idle for so long that they may be let go.
func (c *Listener) forget() {
	for e := c.known.Front(); e != nil; e = e.Next() {
		m := e.Value.(*member)
		if time.Since(m.since) < friendly {
			return
		}
		c.uncount(m)
	}
}

func (c *Listener) uncount(m *member) {
	if !m.counted {
		return
	}
	m.counted = false
	if c.owners[m.owner]--; c.owners[m.owner] == 0 {
		delete(c.owners, m.owner)
	}
}

// move puts m last in a list, or in none.
func (c *Listener) move(m *member, to *list.List) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(m, to)
}

// put does what move does, under the lock.
func (c *Listener) put(m *member, to *list.List) {
	c.uncount(m)
	if m.in != nil {
		m.in.Remove(m.at)
	}
	if m.in = to; m.left {
		m.in = nil
	}
	if m.in != nil {
		m.at, m.since = m.in.PushBack(m), time.Now()
	}
}

// Close implements net.Listener.
func (c *Listener) Close() error {
	c.end()
	return c.Listener.Close()
}

// A member is a connection that gives its place back when it is closed. The
// lock of its Listener guards where it is, and whose.
type member struct {
	net.Conn
	of      *Listener
	owner   string     // of the last request that was vouched for; only who serves it changes it
	counted bool       // as one of owner's
	in      *list.List // nil: it can't be let go
	at      *list.Element
	since   time.Time // since when it is there
	left    bool
	end     func() // of its context; set before it is served
}

// Close implements net.Conn.
func (m *member) Close() error {
	m.leave()
	return m.Conn.Close()
}

// leave gives the place back, once.
func (m *member) leave() {
	m.of.mu.Lock()
	left := m.left
	m.left = true
	m.of.mu.Unlock()
	if !left {
		m.end()
		m.of.move(m, nil)
		<-m.of.places
	}
}

// CloseWrite lets net/http end an answer in good order while the client still
// sends.
func (m *member) CloseWrite() error {
	if w, ok := m.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
