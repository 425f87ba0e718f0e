package crowd_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"example.com/akos/internal/crowd"
)

// TestCrowd: connections that have asked before and are kept keep nobody out who
// asks, and of those that are answered none is cut off.
func TestCrowd(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const most = 4
	c := crowd.New(tcp, most)
	slow := make(chan struct{})
	srv := &http.Server{ConnState: c.State, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-slow
		}
		_, _ = io.WriteString(w, "ok")
	})}
	go func() { _ = srv.Serve(c) }() // it ends with Close
	t.Cleanup(func() { _ = srv.Close() })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a test of its own
		return conn
	}
	ask := func(conn net.Conn, path string) {
		t.Helper()
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Error(err)
		}
	}
	answered := func(conn net.Conn) {
		t.Helper()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("no answer: %v", err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // to its end, which the status promises
	}
	for range 3 * most {
		conn := dial()
		ask(conn, "/")
		answered(conn)
	}
	var busy []net.Conn
	for range most {
		conn := dial()
		ask(conn, "/slow")
		busy = append(busy, conn)
	}
	last := dial() // there is no place until one of them is answered
	ask(last, "/")
	time.Sleep(50 * time.Millisecond)
	close(slow)
	for _, conn := range append(busy, last) {
		answered(conn)
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
	case <-time.After(20 * time.Second):
		t.Error("Accept does not end")
	}
}
