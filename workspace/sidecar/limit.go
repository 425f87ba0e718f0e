package sidecar

import (
	"net"
	"sync"
)

// maxConns is how many TCP connections are open at once: below the 1,024
// files that a process may usually have, and each costs some 20 kB. More wait
// in the queue of the system. The socket has no limit, since this user alone
// can open it.
const maxConns = 512

// limited is a listener that has a number of connections open at the most.
type limited struct {
	net.Listener
	places chan struct{}
	ended  chan struct{}
	end    func()
}

func newLimited(l net.Listener, most int) *limited {
	ended := make(chan struct{})
	return &limited{l, make(chan struct{}, most), ended, sync.OnceFunc(func() { close(ended) })}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.ended:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &counted{c, sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limited) Close() error {
	l.end()
	return l.Listener.Close()
}

// counted is a connection that gives its place back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer in good order while the client still
// sends.
func (c *counted) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
