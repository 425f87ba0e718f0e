package authserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// TestHost sends what DNS rebinding and clumsy proxies send.
func TestHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	host := strings.TrimPrefix(b.url, "http://")
	_, port, _ := net.SplitHostPort(host)
	for h, want := range map[string]int{
		host: 200, "localhost:" + port: 200, "LOCALHOST:" + port: 200,
		"evil.example": 421, "evil.example:" + port: 421, "127.0.0.1": 421, "localhost": 421, "127.0.0.1.:" + port: 421, "127.0.0.1:1": 421,
		"localhost.:" + port: 421, "127.0.0.1:" + port + "@evil.example": 400, "[::1]:" + port: 421, "0.0.0.0:" + port: 421, "127.1:" + port: 421,
	} {
		for _, path := range []string{"/", "/.well-known/oauth-authorization-server", "/nothing"} {
			r := raw(t, host, "GET "+path+" HTTP/1.1\r\nHost: "+h+"\r\nX-Forwarded-Host: "+host+"\r\n\r\n")
			expect := want
			if path == "/nothing" && want == 200 {
				expect = 404
			}
			if r.StatusCode != expect {
				t.Errorf("%s at %q: %d, want %d", path, h, r.StatusCode, expect)
			}
		}
	}
	for _, request := range []string{
		"GET / HTTP/1.0\r\n\r\n",
		"GET http://evil.example/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
		"POST /oauth/token HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
	} {
		if r := raw(t, host, request); r.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%q: %d", request, r.StatusCode)
		}
	}
	if r := raw(t, host, "GET / HTTP/1.1\r\nHost: "+host+"\r\nHost: evil.example\r\n\r\n"); r.StatusCode != 400 {
		t.Errorf("two hosts: %d", r.StatusCode)
	}
}

// raw sends bytes and reads one answer.
func raw(t *testing.T, host, request string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	r.Body.Close()
	return r
}

func TestFraming(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	host := strings.TrimPrefix(b.url, "http://")
	head := "POST /oauth/token HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for request, want := range map[string]int{
		head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\na=b&cd":                     400,
		head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":         400,
		head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n":                     501,
		head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n":                                 400,
		head + "Content-Length: -1\r\n\r\n":                                               400,
		head + "Content-Length: 3\r\nX: a\r\n b\r\nContent-Encoding: gzip\r\n\r\na=b":     400,
		"POST /oauth/token\x00 HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                    400,
		"GET /device?user_code=%00 HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                303,
		"GET /device?user_code=%zz HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                400,
		"GET /device?a=1;b=2 HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                      400,
		"GET /oauth/authorize?client_id=%0d%0aX:1 HTTP/1.1\r\nHost: " + host + "\r\n\r\n": 400,
	} {
		if r := raw(t, host, request); r.StatusCode != want || r.Header.Get("X") != "" {
			t.Errorf("%q: %d, want %d", request, r.StatusCode, want)
		}
	}
}

// TestBodies sends bodies of the wrong type and size to all that reads one.
func TestBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	br := b.signedIn(t, "bob")
	for _, path := range []string{"/oauth/token", "/oauth/device_authorization", "/oauth/revoke", "/oauth/introspect", "/device", "/device/approve", "/oauth/authorize/approve", "/signin"} {
		for _, kind := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded;;;", "application/x-www-form-urlencoded, text/plain"} {
			if r := br.post(t, path, form("client_id", "akos-cli", "user", "bob", "password", password("bob")), "Content-Type", kind); r.status != 400 || len(r.header["Set-Cookie"]) > 0 {
				t.Errorf("%s as %q: %d", path, kind, r.status)
			}
		}
		if r := br.post(t, path, form("a", strings.Repeat("x", maxBody))); r.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with too much: %d", path, r.status)
		}
		for _, f := range []url.Values{{"a": {"1", "1"}}, {"a": {"\xff"}}} {
			if r := br.post(t, path, f); r.status != 400 {
				t.Errorf("%s with %q: %d", path, f, r.status)
			}
		}
	}
	b.postJSON(t, `{"redirect_uris":["`+strings.Repeat("x", maxBody)+`"]}`).is(t, http.StatusRequestEntityTooLarge, "invalid_request")
	if r := br.get(t, "/oauth/authorize?state="+strings.Repeat("x", 9000)); r.status != http.StatusRequestURITooLong {
		t.Error(r.status)
	}
}

// TestLogInjection has strangers write what would look like lines of the log.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.TrustProxy = true })
	evil := "x\nlevel=ERROR msg=owned\x1b[31m\u2028\u202e"
	b.call(t, "/oauth/token", form("client_id", evil, "grant_type", evil))
	b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"client_name":"\" level=ERROR msg=owned"}`)
	b.browser(t).get(t, "/nothing%0alevel=ERROR%20msg=owned")
	b.browser(t).get(t, "/setup/%0alevel=ERROR%20msg=owned")
	for range maxFailures + 1 {
		b.browser(t).post(t, "/signin", form("user", evil, "password", evil), "X-Forwarded-For", "\tlevel=ERROR msg=owned", "Origin", "https"+strings.TrimPrefix(b.url, "http"))
	}
	log := b.log.String()
	for _, bad := range []string{"\nlevel=", "\x1b", "\u2028", "\u202e", " level=ERROR msg=owned"} {
		if strings.Contains(log, bad) && !(bad == " level=ERROR msg=owned" && strings.Contains(log, `\" level=ERROR msg=owned`)) {
			t.Errorf("%q is in the log:\n%s", bad, log)
		}
	}
	// Whatever writes the log, a name comes quoted.
	if want := `name="\"\\\" level=ERROR msg=owned\""`; !strings.Contains(log, want) {
		t.Errorf("%s is not in the log:\n%s", want, log)
	}
	if got := quoted("a\n\u202e" + strings.Repeat("x", 100)); len(got) > 90 || strings.ContainsAny(got, "\n\u202e") {
		t.Error(got)
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") || len(line) > 400 {
			t.Errorf("%q", line)
		}
	}
}

// TestBounds fills what strangers can fill.
func TestBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	now := b.clock
	s := newShelf[int](now, deviceLife, 10, 3)
	for i := range 5 {
		s.put(fmt.Sprint("a", i), "a", i)
	}
	if _, ok := s.get("a1"); ok || s.owned["a"] != 3 {
		t.Errorf("the oldest stays, of %d", s.owned["a"])
	}
	if v, ok := s.get("a4"); !ok || v != 4 {
		t.Error("the newest is gone")
	}
	for i := range 20 {
		s.put(fmt.Sprint("b", i), fmt.Sprint("owner ", i), i)
	}
	if len(s.items) != 10 {
		t.Errorf("%d items", len(s.items))
	}
	if s.put("c", "c", 1) || s.put("a4", "a", 1) {
		t.Error("there is a place for what there is none for")
	}
	b.pass(deviceLife)
	if !s.put("c", "c", 1) || len(s.items) != 1 || len(s.owned) != 1 {
		t.Errorf("%d items of %d after they have expired", len(s.items), len(s.owned))
	}

	l := newLimiter(now, deviceLife, 2)
	for i := range 3 * maxCounted {
		l.take(fmt.Sprint(i))
	}
	if len(l.counts) > maxCounted+1 {
		t.Errorf("%d counts", len(l.counts))
	}
	if l.take("one more") {
		t.Error("who comes from many addresses has as many tries")
	}
	b.pass(deviceLife)
	if !l.take("one more") || len(l.counts) > 2 {
		t.Errorf("%d counts after the window", len(l.counts))
	}
	l = newLimiter(now, deviceLife, 2)
	l.yields = true
	for i := range 3 * maxCounted {
		if !l.take(fmt.Sprint(i)) {
			t.Fatal("others' tries count")
		}
	}
	if len(l.counts) != maxCounted {
		t.Errorf("%d counts", len(l.counts))
	}

	// A shelf of which some values yield: the owner with the most loses.
	s = newShelf[int](now, deviceLife, 10, 8)
	s.yields = func(v int) bool { return v != 0 }
	s.put("mine", "me", 7)
	for i := range 30 {
		s.put(fmt.Sprint("c", i), fmt.Sprint("owner ", i%2), i%5)
	}
	if _, ok := s.get("mine"); !ok || len(s.items) != 10 {
		t.Errorf("%d items, and one who has one lost it to those that have many", len(s.items))
	}
	for key, it := range s.items {
		it.value = 0
		s.items[key] = it
	}
	if s.put("d", "d", 1) {
		t.Error("what does not yield gave way")
	}
}

// TestBurst: what a stranger brings in one burst keeps nobody out who comes
// after, and leaves nothing on disk. What may be guessed is no more than before.
func TestBurst(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range maxFailures + 5 {
		if r := b.browser(t).post(t, "/signin", form("user", fmt.Sprint("nobody", i), "password", "wrong wrong wrong")); r.status != http.StatusUnprocessableEntity {
			t.Fatalf("a name that is nobody's: %d", r.status)
		}
	}
	bob := b.signedIn(t, "bob")

	seen, decided, first := b.device(t), b.device(t), b.device(t)
	bob.post(t, "/device", form("user_code", seen.text("user_code"))).transaction(t)
	bob.decide(t, decided, "approve", "")
	for i := range maxDevicesEach + 10 { // which takes longer than a login lives
		code := fmt.Sprintf("CODE%04d", i)
		b.s.userCodes.put(code, "", hash(code))
		b.s.devices.put(hash(code), "this machine", device{userCode: code, until: b.clock().Add(deviceLife)})
	}
	if n, m := len(b.s.devices.items), len(b.s.userCodes.items); n != maxDevicesEach || m != n-1 {
		t.Errorf("%d devices, %d codes of those that are not decided", n, m)
	}
	b.poll(t, first).is(t, 400, "invalid_grant")
	if r := bob.post(t, "/device", form("user_code", first.text("user_code"))); r.status != http.StatusUnprocessableEntity {
		t.Errorf("the code of a login that gave way: %d", r.status)
	}
	b.poll(t, seen).is(t, 400, "authorization_pending")
	b.poll(t, decided).is(t, 200, "")
	bob.decide(t, seen, "approve", "")
	if r := bob.decide(t, b.device(t), "approve", ""); r.status != 200 {
		t.Errorf("a login after the burst: %d", r.status)
	}

	for range maxNewcomersEach/maxArrivals + 1 {
		for range maxArrivals {
			b.register(t, callback)
		}
		b.pass(arrivalWindow)
	}
	if n := len(b.s.newcomers.items); n != maxNewcomersEach || b.clients() != 0 {
		t.Errorf("%d newcomers, %d on disk", n, b.clients())
	}
	c := b.register(t, callback)
	if r := b.exchange(t, c, bob.allow(t, asking(c), "approve", "").Get("code")); r.status != 200 || b.clients() != 1 {
		t.Errorf("a client after the burst: %d, %d on disk", r.status, b.clients())
	}
}

// clients returns how many clients are in the store.
func (b *bench) clients() (n int) {
	err := b.store.Read(context.Background(), func(tx workspace.Tx) (err error) { n, err = tx.Clients(); return err })
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}
