package akostest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// serving is the network of an AuthServer: pipes in memory, which cost no time
// and which a bubble of testing/synctest sees through.
type serving struct {
	t         testing.TB
	pipes     chan net.Conn
	closed    chan struct{}
	transport *http.Transport
}

func (s *serving) serve(t testing.TB, h http.Handler) {
	s.t, s.pipes, s.closed = t, make(chan net.Conn), make(chan struct{})
	// An https address is spoken to without TLS: the pipe stands for it.
	s.transport = &http.Transport{DialContext: s.dial, DialTLSContext: s.dial}
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelError)}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve((*listener)(s)) })
	t.Cleanup(func() {
		s.transport.CloseIdleConnections()
		_ = server.Close()
		running.Wait()
	})
}

// Transport returns the way to the server, whatever the host is called.
func (s *serving) Transport() *http.Transport { return s.transport }

func (s *serving) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case s.pipes <- theirs:
		return ours, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listener is a serving as http.Server knows one.
type listener serving

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.pipes:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Listen opens a real port on this machine, at which Server and Issuer are
// from now on, for processes that know no Transport.
func (s *AuthServer) Listen() {
	real := httptest.NewUnstartedServer(s)
	s.Server = "http://" + real.Listener.Addr().String()
	s.Issuer = s.Server
	real.Start() // after the addresses are set: a request reads them
	s.t.Cleanup(real.Close)
}
