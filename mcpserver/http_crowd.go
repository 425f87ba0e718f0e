package mcpserver

import (
	"net"
	"sync"
)

// A crowd is a listener that has a number of connections open at the most.
// More wait in the queue of the system.
type crowd struct {
	net.Listener
	places chan struct{}
	ended  chan struct{}
	end    func()
}

func newCrowd(l net.Listener, most int) *crowd {
	ended := make(chan struct{})
	return &crowd{l, make(chan struct{}, most), ended, sync.OnceFunc(func() { close(ended) })}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	select {
	case c.places <- struct{}{}:
	case <-c.ended:
		return nil, net.ErrClosed
	}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.places
		return nil, err
	}
	return &member{conn, sync.OnceFunc(func() { <-c.places })}, nil
}

// Close implements net.Listener.
func (c *crowd) Close() error {
	c.end()
	return c.Listener.Close()
}

// A member is a connection that gives its place back when it is closed.
type member struct {
	net.Conn
	leave func()
}

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
