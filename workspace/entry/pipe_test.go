package entry

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
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

// dribbleForm sends the form of the page at url so slowly that it never ends.
func (l *pipes) dribbleForm(url string) <-chan time.Duration {
	host := origin(url)
	return l.dribble("POST "+strings.TrimPrefix(url, host)+" HTTP/1.1\r\nHost: "+strings.TrimPrefix(host, "http://")+
		"\r\nOrigin: "+host+"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n", "-")
}

// TestSlowForms: whoever sends forms slowly, and however many, makes nobody
// else's person wait, and each of them is given up soon.
func TestSlowForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, l := pipeDesk(t)
		page := func(asker, name string) string {
			state, err := d.Open(t.Context(), name, "", func() (workspace.Entry, error) {
				return workspace.Entry{Asker: asker, Store: s.store, Declined: s.decline, Keys: []workspace.EntryKey{{Ref: workspace.Ref{Key: "KEY"}}}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return state.URL
		}
		slow := []string{page("a", "one"), page("a", "two"), page("a", "three"), page("a", "four"), page("a", "five")}
		theirs := page("b", "theirs")
		began := time.Now()
		var ends []<-chan time.Duration
		for _, url := range slow {
			ends = append(ends, l.dribbleForm(url), l.dribbleForm(url))
		}
		synctest.Wait()
		a := l.do(t, post(t, theirs, field{"line-0", value, ""}))
		if took := time.Since(began); a.code != http.StatusSeeOther || took > time.Second {
			t.Errorf("%d after %v", a.code, took)
		}
		s.has(t, value)
		var lives []time.Duration
		for _, end := range ends {
			lives = append(lives, <-end)
		}
		slices.Sort(lives)
		for i, life := range lives {
			if most := time.Duration(i+1)*formTime + time.Second; life > most {
				t.Errorf("slow form %d lived %v, over %v", i, life, most)
			}
		}
		_ = d.Close()
		synctest.Wait()
	})
}

func get1(url string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err) // of an address of ours
	}
	return r
}
