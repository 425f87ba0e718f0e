package sidecar_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
)

func TestValues(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	random := make([]byte, workspace.MaxValue)
	rand.New(rand.NewSource(1)).Read(random)
	for i, v := range [][]byte{{0}, {'\n'}, []byte("\r\n"), []byte("é"), {0xff, 0xfe}, every, []byte("--boundary\r\n\r\n0\r\n\r\n"), []byte(`{"a":"&lt;"}`), random[:workspace.MaxValue-1], random} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = bytes.NewReader(v)
			if chunked {
				body = io.MultiReader(body) // of unknown length
			}
			key := fmt.Sprintf("K_%d", i)
			if a := r.ask("PUT", "/api/v1/secrets/"+key, token, body); a.status != 200 {
				t.Fatalf("%d bytes: %d %s", len(v), a.status, a.body)
			}
			if got, ok := r.value(workspace.ScopeWorkspace, "acme/default", key); !ok || got != string(v) {
				t.Errorf("%d bytes came back as %d", len(v), len(got))
			}
		}
	}
	for name, v := range map[string][]byte{"nothing": {}, "1 MiB and 1": append(random, 1), "a little more": append(random, random[:100<<10]...)} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = bytes.NewReader(v)
			if chunked {
				body = io.MultiReader(body)
			}
			expect := func(req *http.Request) { req.Header.Set("Expect", "100-continue") }
			if a := r.ask("PUT", "/api/v1/secrets/BAD", token, body, expect); a.status != 400 || a.kind() != "invalid" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	}
	for _, kind := range []string{"", "text/plain", "application/json", "application/octet-stream; charset=utf-8", "application/x-www-form-urlencoded", "APPLICATION/OCTET-STREAM"} {
		a := r.ask("PUT", "/api/v1/secrets/BAD", token, strings.NewReader("value"), func(req *http.Request) { req.Header.Set("Content-Type", kind) })
		if a.status != 400 {
			t.Errorf("%q: %d", kind, a.status)
		}
	}
	if _, ok := r.value(workspace.ScopeWorkspace, "acme/default", "BAD"); ok {
		t.Error("something was stored")
	}
	// Who may not store is told so, and keeps the value.
	reader := r.token("acme", "read")
	for range 20 {
		expect := func(req *http.Request) { req.Header.Set("Expect", "100-continue") }
		if a := r.ask("PUT", "/api/v1/secrets/BAD", reader, bytes.NewReader(random), expect); a.status != 403 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	for _, v := range [][]byte{random[:64]} {
		if strings.Contains(r.log.String(), string(v)) {
			t.Error("a value is in the log")
		}
	}
	if strings.Contains(r.log.String(), token) || strings.Contains(r.log.String(), reader) {
		t.Error("a token is in the log")
	}
}

// TestExpectContinue: a value is not asked for from whom it is not taken.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for _, tt := range []struct{ scope, want string }{{"write", "HTTP/1.1 100 Continue"}, {"read", "HTTP/1.1 403"}} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "PUT /api/v1/secrets/KEY HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", r.token("acme", tt.scope))
		b := make([]byte, 1000)
		n, err := conn.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), tt.want) {
			t.Fatalf("%s: %q %v", tt.scope, b[:n], err)
		}
		if tt.scope == "read" {
			continue
		}
		fmt.Fprint(conn, "value")
		if n, err = conn.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 200") {
			t.Errorf("%q %v", b[:n], err)
		}
	}
	if v, _ := r.value(workspace.ScopeWorkspace, "acme/default", "KEY"); v != "value" {
		t.Errorf("%q", v)
	}
	if a := r.ask("PUT", "/api/v1/secrets/KEY", r.token("acme", "cli"), strings.NewReader("v"), func(req *http.Request) { req.Header.Set("Expect", "the unexpected") }); a.status != 417 {
		t.Errorf("%d", a.status)
	}
}

// TestFraming: a message whose end can be read in two ways is not taken, and
// never is what follows it a request of its own.
func TestFraming(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	head := func(framing string) string {
		return "PUT /api/v1/secrets/KEY HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/octet-stream\r\n" + framing + "\r\n"
	}
	second := "DELETE /api/v1/secrets/VICTIM HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	r.put(token, "VICTIM", "", "a fake value")
	for _, tt := range []struct{ name, text, status string }{
		{"two lengths", head("Content-Length: 5\r\nContent-Length: 6\r\n") + "value" + second, "400"},
		{"a list of lengths", head("Content-Length: 5, 6\r\n") + "value" + second, "400"},
		{"a negative length", head("Content-Length: -1\r\n") + second, "400"},
		{"a length with a sign", head("Content-Length: +5\r\n") + "value" + second, "400"},
		{"a length in hex", head("Content-Length: 0x5\r\n") + "value" + second, "400"},
		{"two encodings", head("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n" + second, "501"},
		{"an unknown encoding", head("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n" + second, "501"},
		{"an encoding in tabs", head("Transfer-Encoding:\tchunked, x\r\n") + "0\r\n\r\n" + second, "501"},
		{"a space before the colon", head("Content-Length : 5\r\n") + "value" + second, "400"},
		// RFC 9112 section 6.3: the chunks count; section 6.1: and then it closes.
		{"a length and chunks", head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n" + second, "400"},
		{"a bare CR", head("X: a\rContent-Length: 5\r\n") + "value" + second, "400"},
		{"a NUL", head("X: a\x00\r\n"), "400"},
		{"no host", strings.Replace(head(""), "Host: x\r\n", "", 1), "400"},
		{"two hosts", strings.Replace(head(""), "Host: x\r\n", "Host: x\r\nHost: y\r\n", 1), "400"},
		{"a bad chunk", head("Transfer-Encoding: chunked\r\n") + "zz\r\n" + second, "400"},
		{"a huge chunk", head("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n" + second, "400"},
		{"cut off", head("Content-Length: 100\r\n") + "value", "400"},
		{"chunks cut off", head("Transfer-Encoding: chunked\r\n") + "5\r\nvalue\r\n", "400"},
		{"HTTP 0.9", "GET /api/v1/whoami\r\n\r\n", "400"},
		{"HTTP 9", "GET /api/v1/whoami HTTP/9.0\r\nHost: x\r\n\r\n", "505"},
		{"a long header", "GET /api/v1/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "431"},
	} {
		got := r.raw(tt.text)
		if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status) && !strings.HasPrefix(got, "HTTP/1.0 "+tt.status) || strings.Count(got, "HTTP/1.") != 1 {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	if got := r.ask("GET", "/api/v1/secrets", token, nil).keys(); !slices.Equal(got, []string{"workspace VICTIM"}) {
		t.Errorf("%q", got)
	}
}

// TestMethods: what is not offered is 404 or 405, and no answer is for another
// origin (CORS).
func TestMethods(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	for _, tt := range []struct{ path, takes string }{
		{"/api/v1/whoami", "GET"}, {"/api/v1/secrets", "GET"}, {"/api/v1/secrets/KEY", "PUT DELETE"}, {"/healthz", "GET HEAD"}, {"/readyz", "GET HEAD"},
		{"/api/v1/", ""}, {"/api/v1/secretsKEY", ""}, {"/api/v2/whoami", ""}, {"/api/v1/whoami/", ""}, {"/debug/pprof/", ""},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"} {
			for _, tok := range []string{token, ""} {
				var body io.Reader
				if method == "PUT" {
					body = strings.NewReader("value")
				}
				a := r.ask(method, tt.path, tok, body, func(req *http.Request) {
					req.Header.Set("Origin", "http://evil.example")
					req.Header.Set("Access-Control-Request-Method", method)
				})
				if slices.Contains(strings.Fields(tt.takes), method) {
					if a.status == 404 && method != "DELETE" || a.status == 405 {
						t.Errorf("%s %s: %d", method, tt.path, a.status)
					}
				} else if a.status != 404 && a.status != 405 && (tok != "" || a.status != 401) {
					t.Errorf("%s %s: %d", method, tt.path, a.status)
				}
				for name := range a.header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s %s: %s", method, tt.path, name)
					}
				}
			}
		}
	}
}

// TestAnyHost: the Host does not matter, since the token does.
func TestAnyHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	for _, host := range []string{"evil.example", "127.0.0.1", "localhost:1", "[::1]"} {
		as := func(req *http.Request) { req.Host = host }
		for _, path := range []string{"/api/v1/whoami", "/api/v1/secrets"} {
			if a := r.ask("GET", path, "", nil, as); a.status != 401 {
				t.Errorf("%s without a token: %d", host, a.status)
			}
			if a := r.ask("GET", path, token, nil, as); a.status != 200 {
				t.Errorf("%s: %d", host, a.status)
			}
		}
	}
}

// TestCutOff: of a client that goes away nothing is stored, and it is no error
// of the server.
func TestCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	token := r.token("acme", "cli")
	for _, framing := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT /api/v1/secrets/KEY HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\n%s\r\nExpect: 100-continue\r\n\r\n", token, framing)
		if n, err := conn.Read(make([]byte, 1000)); err != nil || n == 0 {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "5\r\nvalue\r\n")
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset
		_ = conn.Close()
	}
	for range 20 {
		if a := r.ask("GET", "/api/v1/secrets", token, nil); len(a.keys()) != 0 {
			t.Fatalf("half a value was stored: %s", a.body)
		}
		time.Sleep(time.Millisecond)
	}
	if strings.Contains(r.log.String(), "ERROR") {
		t.Errorf("%s", r.log)
	}
}

// TestManyConnections: 512 are open at once. One more is answered, and the one
// that has been idle longest ends. The socket is not among them.
func TestManyConnections(t *testing.T) {
	r := newRig(t, "")
	const most = 512
	conns := make([]net.Conn, most+1)
	answers := func(c net.Conn, within time.Duration) bool {
		_ = c.SetReadDeadline(time.Now().Add(within))
		n, err := c.Read(make([]byte, 1000))
		return err == nil && n > 0
	}
	for i := range conns {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if !answers(c, 10*time.Second) {
			t.Fatalf("number %d is not answered", i)
		}
	}
	_ = conns[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conns[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("one too many: %v", err)
	}
	if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 200 {
		t.Errorf("the socket: %d", a.status)
	}
}
