package crowd_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/internal/crowd"
)

// most is how many connections a hall has at once.
const most = 4

// A hall is a server with few places. /slow is answered once slow is closed, to
// somebody whom it vouches for, and /stranger then too; /body reads its body.
// The query names an owner; without one, each connection has its own.
type hall struct {
	t       *testing.T
	address string
	slow    chan struct{}
	waiting atomic.Int32 // requests for /wait, which never end by themselves
}

func newHall(t *testing.T) *hall {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{t: t, address: tcp.Addr().String(), slow: make(chan struct{})}
	c := crowd.New(tcp, most)
	srv := &http.Server{ConnState: c.State, ConnContext: c.Context, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		owner := r.URL.RawQuery
		if owner == "" {
			owner = r.RemoteAddr
		}
		switch r.URL.Path {
		case "/slow":
			defer crowd.Keep(r.Context(), owner)()
			<-h.slow
		case "/known":
			defer crowd.Keep(r.Context(), owner)()
		case "/kept":
			defer crowd.Keep(r.Context(), owner)()
			_, _ = io.Copy(io.Discard, r.Body) // it never comes
		case "/held":
			defer crowd.Hold(r.Context())()
		case "/stranger":
			<-h.slow
		case "/wait":
			h.waiting.Add(1)
			<-r.Context().Done()
			h.waiting.Add(-1)
		case "/body":
			_, _ = io.Copy(io.Discard, r.Body) // it never comes
		}
		_, _ = io.WriteString(w, "ok")
	})}
	go func() { _ = srv.Serve(c) }() // it ends with Close
	t.Cleanup(func() { _ = srv.Close() })
	return h
}

func (h *hall) dial() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a test of its own
	return conn
}

// ask sends a request on a new connection.
func (h *hall) ask(path string) net.Conn {
	h.t.Helper()
	conn := h.dial()
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n") // if it is let go, nothing answers
	return conn
}

// again sends one more on a connection, and reads the answer.
func (h *hall) again(conn net.Conn, path string) {
	h.t.Helper()
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n") // as above
	h.answered(conn)
}

func (h *hall) answered(conn net.Conn) {
	h.t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		h.t.Fatalf("no answer: %v", err)
	}
	_, _ = io.Copy(io.Discard, res.Body) // to its end, which the status promises
}

// came reports whether a client that comes now is answered.
func (h *hall) came() bool {
	res, err := http.ReadResponse(bufio.NewReader(h.ask("/")), nil)
	return err == nil && res.StatusCode == http.StatusOK
}

// TestCrowd: connections that have asked before and are kept keep nobody out who
// asks, and of those that a server vouches for none is cut off.
func TestCrowd(t *testing.T) {
	h := newHall(t)
	for range 3 * most {
		h.answered(h.ask("/"))
	}
	var busy []net.Conn
	for range most {
		busy = append(busy, h.ask("/slow"))
	}
	last := h.ask("/") // there is no place until one of them is answered
	time.Sleep(300 * time.Millisecond)
	close(h.slow)
	for _, conn := range append(busy, last) {
		h.answered(conn)
	}
}

// TestStrangers: whatever strangers hold on with, and however often they come
// again, somebody who comes is answered, and somebody whom the server vouches
// for stays.
func TestStrangers(t *testing.T) {
	for name, text := range map[string]string{
		"silence":               "",
		"half a header":         "GET / HTTP/1.1\r\nHost: x\r\nX: ",
		"answered, and no body": "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"a body that is read":   "GET /body HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"a long wait":           "GET /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"a long answer":         "GET /stranger HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t)
			mine := h.ask("/slow")
			var wg sync.WaitGroup
			ended := make(chan struct{})
			defer wg.Wait()
			defer close(ended)
			for range 3 * most {
				wg.Go(func() {
					for {
						conn := h.dial()
						_, _ = io.WriteString(conn, text)                                // it may be let go already
						_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // or the stranger goes
						_, _ = io.Copy(io.Discard, conn)
						_ = conn.Close()
						select {
						case <-ended:
							return
						default:
						}
					}
				})
			}
			time.Sleep(200 * time.Millisecond) // for them to come
			for range 5 {
				start := time.Now()
				for !h.came() { // it was let go before it asked: the machine is busy
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("answered after %v", took)
				}
			}
			if n := h.waiting.Load(); n > 2*most {
				t.Errorf("%d requests of connections that ended are still answered", n)
			}
			close(h.slow)
			h.answered(mine)
		})
	}
}

// TestKnown: a client who is known keeps its connection for a while when it is
// idle; a stranger does not, also when something took long for them; nor does
// one with more than a quarter of all.
func TestKnown(t *testing.T) {
	wait := func(path string) time.Duration {
		h := newHall(t)
		h.answered(h.ask(path))
		start := time.Now()
		for range most - 1 {
			h.answered(h.ask(path))
		}
		h.answered(h.ask("/"))
		return time.Since(start)
	}
	known, held, many := wait("/known"), wait("/held"), wait("/known?mallory")
	if known < 900*time.Millisecond || known > 5*time.Second || held >= known || many >= known {
		t.Errorf("there is a place after %v, of strangers after %v, of one with many after %v", known, held, many)
	}
}

// TestOwner: one who is known, and holds on with more than there are places,
// keeps nobody else out.
func TestOwner(t *testing.T) {
	h := newHall(t)
	mine := h.ask("/slow?ada")
	for range 3 * most {
		_, _ = io.WriteString(h.dial(), "GET /kept?mallory HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n") // it may be let go already
	}
	time.Sleep(200 * time.Millisecond) // for them to come
	start := time.Now()
	for !h.came() && time.Since(start) < 3*time.Second {
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("no answer after %v", took)
	}
	close(h.slow)
	h.answered(mine)
}

// TestShare: what an owner has no more is not counted: who asks once more is
// vouched for.
func TestShare(t *testing.T) {
	for name, before := range map[string]func(*hall){
		"a connection that left":      func(h *hall) { c := h.ask("/known?ada"); h.answered(c); _ = c.Close() },
		"one that is idle for long":   func(h *hall) { h.answered(h.ask("/known?ada")); time.Sleep(1100 * time.Millisecond) },
		"one that somebody else uses": func(h *hall) { c := h.ask("/known?ada"); h.answered(c); h.again(c, "/known?eve") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t)
			before(h)
			time.Sleep(50 * time.Millisecond) // for the server to notice
			mine := h.ask("/slow?ada")
			for range 3 * most {
				h.ask("/wait")
				time.Sleep(150 * time.Millisecond) // more than each has
			}
			close(h.slow)
			h.answered(mine)
		})
	}
}

// TestTLS: a connection on which TLS runs leaves, and is vouched for, like any
// other.
func TestTLS(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := crowd.New(tcp, 2)
	slow := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			defer crowd.Keep(r.Context(), r.RemoteAddr)()
			<-slow
		}
	}))
	_ = srv.Listener.Close()
	srv.Listener, srv.Config.ConnContext = c, c.Context
	srv.Config.ConnState, srv.Config.ErrorLog = c.State, slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	srv.Client().Timeout = 5 * time.Second // a test of its own
	first := make(chan error, 1)
	go func() {
		res, err := srv.Client().Get(srv.URL + "/slow")
		if err == nil {
			err = res.Body.Close()
		}
		first <- err
	}()
	time.Sleep(100 * time.Millisecond)
	for range 3 {
		silent, err := net.Dial("tcp", tcp.Addr().String()) // not even a handshake
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		res, err := srv.Client().Get(srv.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	close(slow)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// TestClose: closing ends an Accept that waits for a place.
func TestClose(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := crowd.New(tcp, 1)
	for range 2 {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // for it to wait
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("one too many")
		}
	case <-time.After(5 * time.Second):
		t.Error("Accept does not end")
	}
}
