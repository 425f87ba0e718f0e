package sidecar

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
)

// pipes is a listener in memory, whose deadlines follow the clock of a bubble.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	end   func()
}

func newPipes() *pipes {
	ended := make(chan struct{})
	return &pipes{make(chan net.Conn), ended, sync.OnceFunc(func() { close(ended) })}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.end(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// TestDeadlines: whoever is slow, or silent, is let go; the figures are those
// of the real server.
func TestDeadlines(t *testing.T) {
	const put = "PUT /value HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
	for _, tt := range []struct {
		name string
		do   func(net.Conn)
		want time.Duration
		said string // status
	}{
		{"silence", func(net.Conn) {}, 10 * time.Second, ""},
		{"a header a byte at a time", func(c net.Conn) {
			drip(c, "GET /value HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 1000), time.Second)
		}, 10 * time.Second, "400"},
		{"a body that does not come", func(c net.Conn) { fmt.Fprint(c, put) }, time.Minute, "400"},
		{"a body a byte at a time", func(c net.Conn) { fmt.Fprint(c, put); drip(c, strings.Repeat("a", 1000), time.Second) }, time.Minute, "400"},
		{"an answer, and then silence", func(c net.Conn) { fmt.Fprint(c, "GET /value HTTP/1.1\r\nHost: x\r\n\r\n") }, 2 * time.Minute, "200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				o := &Options{Log: slog.New(slog.DiscardHandler)}
				server := o.server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPut {
						if _, err := workspace.ReadSecret(r.Body); err != nil {
							w.WriteHeader(http.StatusBadRequest)
						}
					}
					fmt.Fprint(w, "value")
				}))
				go func() { _ = server.Serve(l) }()
				c := l.dial()
				start := time.Now()
				var doing sync.WaitGroup
				defer doing.Wait()
				doing.Go(func() { tt.do(c) })
				said, err := io.ReadAll(bufio.NewReader(c))
				if took := time.Since(start); err != nil || took < tt.want || took > tt.want+time.Second {
					t.Errorf("let go after %v, %v", took, err)
				}
				if status, _, _ := strings.Cut(strings.TrimPrefix(string(said), "HTTP/1.1 "), " "); status != tt.said {
					t.Errorf("%q", said)
				}
				_ = c.Close()
				_ = server.Close()
			})
		})
	}
}

// drip writes a byte at a time, until nobody reads.
func drip(c net.Conn, text string, every time.Duration) {
	for i := range text {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(every)
	}
}

// TestFilesAreEnough: the limit leaves files for the rest.
func TestFilesAreEnough(t *testing.T) {
	if maxConns > 1024-256 {
		t.Errorf("%d connections", maxConns)
	}
}

// TestPanic: what a panic says is neither sent nor logged.
func TestPanic(t *testing.T) {
	var log strings.Builder
	o := &Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := o.server(o.recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fake value") })))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(inner) }()
	res, err := http.Get("http://" + inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	_ = server.Close()
	<-done
	if res.StatusCode != 500 || strings.Contains(string(body)+log.String(), "fake") || !strings.Contains(log.String(), "type=string") {
		t.Errorf("%d %s %s", res.StatusCode, body, log.String())
	}
}
