package sidecar_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// TestStrangers: whoever holds more connections than there are places, and opens
// each again that ends, keeps nobody out who has a token: neither without one
// nor with one of another tenant.
func TestStrangers(t *testing.T) {
	for name, text := range map[string]string{
		"half a header":                "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
		"answered, and no body":        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"refused, and no body":         "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"refused for a token, no body": "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fake\r\nContent-Length: 200000\r\n\r\n",
		"a good token, half a body":    "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer GOOD\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nv",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			token := r.token("acme", "read")
			text = strings.Replace(text, "GOOD", r.token("beta", "write"), 1)
			akostest.Hold(t, strings.TrimPrefix(r.url, "http://"), text, 700)
			akostest.Served(t, r.url+"/api/v1/whoami", token)
		})
	}
}

// TestSlowValues: whoever sends many large values slowly keeps nobody else's
// away; and one that waited in vain is told so, also if it is sent to its end
// before the answer is read.
func TestSlowValues(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ada, mallory := r.token("acme", "write"), r.token("beta", "write")
	const size = 1 << 20
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	put := func(c net.Conn, bytes int) {
		if _, err := fmt.Fprintf(c, "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\n"+
			"Content-Length: %d\r\nConnection: close\r\n\r\n%s", mallory, size, strings.Repeat("v", bytes)); err != nil {
			t.Error(err)
		}
	}
	put(dial(), 70_000)         // has its turn for ten seconds
	time.Sleep(5 * time.Second) // and one of these for ten more, and the rest wait in vain
	for range 20 {
		put(dial(), 70_000)
	}
	time.Sleep(200 * time.Millisecond) // they are there
	late := dial()
	var wg sync.WaitGroup
	wg.Go(func() {
		put(late, size) // the server reads on when it has refused
		said, err := io.ReadAll(late)
		if !strings.HasPrefix(string(said), "HTTP/1.1 503 ") || !strings.Contains(string(said), "too many large values") || err != nil {
			t.Errorf("one that waited in vain: %q, %v", said, err)
		}
	})
	sent := time.Now()
	r.put(ada, "LARGE", "", strings.Repeat("v", 100_000))
	if took := time.Since(sent); took > 5*time.Second {
		t.Errorf("others waited %v", took)
	}
	wg.Wait()
}
