package entry

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A pipes is a listener without a network, so that time in it can be faked.
// What answers is the real server.
type pipes struct {
	mu     sync.Mutex
	conns  chan net.Conn
	closed chan struct{}
}

func pipeDesk(t *testing.T) (*Desk, *safe, *pipes) {
	l := &pipes{}
	return New(Options{Log: slog.New(slog.DiscardHandler), Listen: func() (net.Listener, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns, l.closed = make(chan net.Conn), make(chan struct{})
		return &pipeListener{l, l.conns, l.closed, sync.Once{}}, nil
	}}), &safe{}, l
}

type pipeListener struct {
	*pipes
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4217}
}

func (l *pipes) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

func (l *pipes) dial() net.Conn {
	l.mu.Lock()
	conns := l.conns
	l.mu.Unlock()
	ours, theirs := net.Pipe()
	conns <- theirs
	return ours
}

// do sends r on a connection of its own.
func (l *pipes) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	c := l.dial()
	defer c.Close()
	r.Close = true
	go func() { _ = r.Write(c) }()
	resp, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// dribble sends start, and then more each second; it tells how long that was
// put up with.
func (l *pipes) dribble(start, more string) <-chan time.Duration {
	end := make(chan time.Duration, 1)
	c := l.dial()
	began := time.Now()
	go func() {
		defer c.Close()
		go func() { _, _ = io.Copy(io.Discard, c) }()
		for text := start; ; text = more {
			if _, err := io.WriteString(c, text); err != nil {
				end <- time.Since(began)
				return
			}
			time.Sleep(time.Second)
		}
	}()
	return end
}

func get1(url string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err) // of an address of ours
	}
	return r
}
