package entry

import (
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"example.com/akos/internal/akostest"
)

// TestStrangers: another program on this machine that opens many connections
// keeps no person out, and the process keeps few of them.
func TestStrangers(t *testing.T) {
	for name, text := range map[string]string{
		"half a header":         "GET / HTTP/1.1\r\nHost: HOST\r\nX: ",
		"answered, and no body": "POST /x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 200000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var l counting
			d := New(Options{Log: slog.New(slog.DiscardHandler), Listen: func() (net.Listener, error) {
				var err error
				l.Listener, err = net.Listen("tcp4", "127.0.0.1:0")
				return &l, err
			}})
			t.Cleanup(func() { _ = d.Close() })
			page := ask(t, d, &safe{}, "one", "KEY")
			u, err := url.Parse(page.URL)
			if err != nil {
				t.Fatal(err)
			}
			akostest.Hold(t, u.Host, text, 300)
			akostest.Served(t, page.URL, "")
			if n := l.most.Load(); n > maxConns+1 { // and the one that waits
				t.Errorf("%d connections at once", n)
			}
		})
	}
}

// counting is a listener that knows how many of its connections were open at
// once.
type counting struct {
	net.Listener
	open, most atomic.Int32
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if n := l.open.Add(1); n > l.most.Load() {
		l.most.Store(n)
	}
	return &counted{Conn: c, of: l}, nil
}

type counted struct {
	net.Conn
	of     *counting
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.of.open.Add(-1)
	}
	return c.Conn.Close()
}
