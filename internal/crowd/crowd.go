// Package crowd bounds the connections of an HTTP server.
//
// It knows nothing of what they carry. Its invariant: who keeps connections
// open and asks nothing keeps nobody out.
package crowd

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// A Listener is one that has a number of connections open at the most. One
// more waits, and where none of those that are open leaves, the one that has
// been idle longest does: whoever opens many and says nothing more keeps nobody
// out. One that has not asked yet has the time that a header may take.
type Listener struct {
	net.Listener
	places chan struct{}
	ended  chan struct{}
	end    func()

	mu    sync.Mutex
	idle  map[net.Conn]time.Time // since when
	short bool                   // somebody waits for a place
}

// New returns l with at most so many connections open.
func New(l net.Listener, most int) *Listener {
	ended := make(chan struct{})
	return &Listener{
		Listener: l, places: make(chan struct{}, most), idle: map[net.Conn]time.Time{},
		ended: ended, end: sync.OnceFunc(func() { close(ended) }),
	}
}

// Accept implements net.Listener.
func (c *Listener) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case c.places <- struct{}{}:
	default:
		c.dismiss()
		select {
		case c.places <- struct{}{}:
			c.placed()
		case <-c.ended:
			_ = conn.Close() // the error that matters is that all has ended
			return nil, net.ErrClosed
		}
	}
	return &member{conn, sync.OnceFunc(func() { <-c.places })}, nil
}

// dismiss closes the connection that has been idle longest; where none is, the
// next that will be.
func (c *Listener) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first net.Conn
	for conn, since := range c.idle {
		if first == nil || since.Before(c.idle[first]) {
			first = conn
		}
	}
	if c.short = first == nil; !c.short {
		delete(c.idle, first)
		go first.Close() // of TLS it writes, and its place is free all the same
	}
}

// placed notes that nobody waits for a place any more.
func (c *Listener) placed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.short = false
}

// State is the ConnState of the server that c is the listener of.
func (c *Listener) State(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s != http.StateIdle:
		delete(c.idle, conn)
	case c.short:
		c.short = false
		go conn.Close()
	default:
		c.idle[conn] = time.Now()
	}
}

// Close implements net.Listener.
func (c *Listener) Close() error {
	c.end()
	return c.Listener.Close()
}

// A member is a connection that gives its place back when it is closed.
type member struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (m *member) Close() error {
	defer m.leave()
	return m.Conn.Close()
}

// CloseWrite lets net/http end an answer in good order while the client still
// sends.
func (m *member) CloseWrite() error {
	if w, ok := m.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
