//go:build unix && !aix && !solaris

package mcpserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"github.com/ncruces/go-sqlite3"
)

// refuses waits until d takes no connection any more, as once it was told to
// end.
func (d *daemon) refuses() {
	d.t.Helper()
	for end := time.Now().Add(8 * time.Second); ; time.Sleep(5 * time.Millisecond) { // it ends after 10
		c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/mcp"))
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(end) {
			d.t.Fatal("a new connection is taken")
		}
	}
}

// TestHTTPStory: the whole way of an IDE that is given an address.
func TestHTTPStory(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	addr := akostest.FreeAddr(t)
	akos := h.daemon(t, sidecar(t), "serve", "--listen", "127.0.0.1:0", "--resource", "http://"+addr+"/mcp")
	d := h.daemon(t, binary(t), "--http", addr)
	api := &web{t: t, url: akos.url}

	ada := d.login("ada", "acme", "")
	token := ada["access_token"].(string)
	if ada["scope"] != "read write" || ada["tenant_id"] != "acme" {
		t.Errorf("the token is for %v in %v", ada["scope"], ada["tenant_id"])
	}
	a := d.connect(token)
	names := strings.Join(a.names(), " ")
	if !strings.Contains(names, "vault_put") || strings.Contains(names, "vault_remove") {
		t.Errorf("the tools are %s", names)
	}
	if text := a.call("auth_status", `{}`).text(); !strings.Contains(text, `"userId":"ada","tenantId":"acme"`) {
		t.Error(text)
	}
	if r := a.call("connection_create", `{"kind":"slack","name":"chat","vaultKeys":{"token":"SLACK_BOT_TOKEN"},"config":{}}`); r.Result == nil {
		t.Error(r.raw)
	}
	// Bob's client, by the same way, sees nothing of ada's.
	b := d.connect(d.login("bob", "beta", "read write admin")["access_token"].(string))
	if text := b.call("connection_list", `{}`).text(); text != `{"connections":[]}` {
		t.Errorf("bob sees %s", text)
	}
	if kind, _ := b.call("connection_remove", `{"name":"chat"}`).kind(); kind != "not_found" {
		t.Errorf("bob removes ada's connection: %s", kind)
	}

	// A token is for one audience.
	if res := api.send("GET", "/api/v1/whoami", "", "Authorization", "Bearer "+token); res.status != 401 {
		t.Errorf("the API takes a token of the MCP server: %+v", res)
	}
	other := d.loginAt(akos.url, "ada", "acme")
	if res := api.send("GET", "/api/v1/whoami", "", "Authorization", "Bearer "+other); res.status != 200 {
		t.Errorf("the API does not take its own token: %+v", res)
	}
	d.send("POST", "/mcp", initialize, "Authorization", "Bearer "+other).is(401, -32600)

	// Revoked, it is worth nothing at once.
	a.post(ping).is(200, 0)
	res, err := http.PostForm(ada["revocation_endpoint"].(string), url.Values{"token": {ada["refresh_token"].(string)}, "client_id": {ada["client_id"].(string)}})
	if err != nil || res.StatusCode != 200 {
		t.Fatal(err, res)
	}
	res.Body.Close()
	a.post(ping).is(401, -32600)

	// Without the sidecar, tokens are still checked, and nobody finds a login.
	akos.signal(syscall.SIGTERM)
	akos.ends(0)
	b.post(ping).is(200, 0)
	if res := d.send("GET", "/.well-known/oauth-protected-resource/mcp", ""); res.status != 503 {
		t.Errorf("%+v", res)
	}
	d.signal(syscall.SIGTERM)
	d.ends(0)
	for _, text := range []string{token, ada["refresh_token"].(string), "fake password"} {
		if strings.Contains(d.out.String()+d.errs.String()+akos.errs.String(), text) {
			t.Error("a log has a secret")
		}
	}
}

// TestHTTPOtherSidecar: the tokens of the sidecar of another home are taken,
// by introspection; the vault is the one here.
func TestHTTPOtherSidecar(t *testing.T) {
	t.Parallel()
	there, here := newEmptyHome(t), newHome(t)
	there.account(t, "ada", "acme")
	there.account(t, "mcp", "ops")
	write := func(name, text string) string {
		path := filepath.Join(here.data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The clocks of the processes run, and that of the homes of tests does not.
	real := func(h *home, args ...string) string {
		cmd := exec.Command(sidecar(t), args...)
		cmd.Dir, cmd.Env = h.dir, h.environ()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(args[len(args)-1])
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	introspect := real(there, "token", "create", "--name", "mcp", "--user", "mcp", "--scope", "introspect", "--out", filepath.Join(there.data, "one"))
	addr := akostest.FreeAddr(t)
	akos := there.daemon(t, sidecar(t), "serve", "--listen", "127.0.0.1:0", "--resource", "http://"+addr+"/mcp")
	d := here.daemon(t, binary(t), "--http", addr, "--issuer", akos.url, "--introspection-secret-file", write("secret", introspect+"\n"))
	ada := d.login("ada", "acme", "")
	a := d.connect(ada["access_token"].(string))
	if text := a.call("auth_status", `{}`).text(); !strings.Contains(text, `"userId":"ada","tenantId":"acme"`) {
		t.Error(text)
	}
	d.send("POST", "/mcp", initialize, "Authorization", "Bearer "+d.loginAt(akos.url, "ada", "acme")).is(401, -32600) // for the API
	d.send("POST", "/mcp", initialize, "Authorization", "Bearer "+introspect).is(403, -32600)
	res, err := http.PostForm(ada["revocation_endpoint"].(string), url.Values{"token": {ada["refresh_token"].(string)}, "client_id": {ada["client_id"].(string)}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	a.post(ping).is(401, -32600)
	akos.signal(syscall.SIGTERM)
	akos.ends(0)
	a.post(ping).is(401, -32600) // it was said a moment ago that it is not active
	if res := d.send("POST", "/mcp", initialize, "Authorization", "Bearer hidden-fake-other").is(503, -32603); res.header.Get("Retry-After") == "" {
		t.Errorf("%+v", res)
	}
}

// busy has a call of d wait for the lock on the state, and returns what lets
// it go and where its answer will be.
func (h *home) busy(t *testing.T, d *daemon) (release func(), done chan answer) {
	t.Helper()
	a := d.connect("")
	a.call("vault_list", `{}`) // the state is open
	db, err := sqlite3.Open("file:" + filepath.Join(h.data, "state.db") + "?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done = make(chan answer, 1)
	a, waits := a.hearing("still at work")
	go func() {
		done <- a.post(under(request(1, "connection_create", `{"kind":"slack","name":"slow","vaultKeys":{"token":"SLACK_BOT_TOKEN"},"config":{}}`), `1`))
	}()
	soon(t, "the call waits", waits)
	return sync.OnceFunc(func() { db.Close() }), done
}

// TestHTTPShutdown: a signal ends the server once running calls are answered.
func TestHTTPShutdown(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			d := h.daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
			release, done := h.busy(t, d)
			defer release()
			d.signal(s)
			d.refuses()
			release()
			select {
			case res := <-done:
				if r := res.is(200, 0).rpc(); r.Result == nil || r.Result.IsError {
					t.Errorf("%s", r.raw)
				}
			case <-time.After(patience):
				t.Fatal("no answer")
			}
			d.ends(0)
			if !strings.Contains(d.errs.String(), "--no-auth") {
				t.Errorf("there is no warning: %s", d.errs)
			}
		})
	}
	t.Run("a question", func(t *testing.T) {
		t.Parallel()
		d := newHome(t).daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
		a, asked := d.connectAs("", `{"elicitation":{"url":{}}}`).hearing("elicitation/create")
		done := make(chan answer, 1)
		go func() { done <- a.post(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)) }()
		soon(t, "the client is asked", asked)
		start := time.Now()
		d.signal(syscall.SIGTERM)
		d.ends(0)
		if took := time.Since(start); took > 9*time.Second { // or else 10
			t.Errorf("it took %v", took)
		}
		// The client is told that nobody waits for its answer, and how things stand.
		if res := <-done; !strings.Contains(res.body, "notifications/cancelled") || entryOf(t, res.rpc()).Status != "pending" {
			t.Errorf("%s", res.body)
		}
	})
	t.Run("second signal", func(t *testing.T) {
		t.Parallel()
		h := newHome(t)
		cmd := h.daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
		conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(cmd.url, "http://"), "/mcp"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// A body that does not come keeps the server from ending.
		fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", conn.RemoteAddr())
		if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("it does not wait for the body: %q %v", line, err)
		}
		cmd.signal(syscall.SIGTERM)
		cmd.refuses() // it has seen it
		start := time.Now()
		cmd.signal(syscall.SIGTERM)
		cmd.ends(130)
		if took := time.Since(start); took > 8*time.Second { // or else 10
			t.Errorf("it took %v", took)
		}
	})
}

// TestHTTPRefusals: what would be open to others is not served.
func TestHTTPRefusals(t *testing.T) {
	h := newEmptyHome(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tt := range []struct {
		code int
		says string
		args string
	}{
		{5, "a token would travel in clear", "--http 0.0.0.0:0"},
		{5, "a token would travel in clear", "--http :0"},
		{5, "a token would travel in clear", "--http [::]:0 --public-url https://akos.example.com"},
		{2, "--public-url is needed", "--http 0.0.0.0:0 --behind-proxy"},
		{2, "--public-url is needed", "--http 127.0.0.1:0 --behind-proxy"},
		{2, "go together", "--http 127.0.0.1:0 --tls-cert x"},
		{2, "by https", "--http 0.0.0.0:0 --behind-proxy --public-url http://akos.example.com"},
		{5, "--no-auth is for tests on loopback", "--http 0.0.0.0:0 --no-auth"},
		{5, "--no-auth is for tests on loopback", "--http 0.0.0.0:0 --no-auth --tls-cert a --tls-key b --public-url https://akos.example.com"},
		{5, "--no-auth is for tests on loopback", "--http 127.0.0.1:0 --no-auth --behind-proxy --public-url https://akos.example.com"},
		{5, "--no-auth is for tests on loopback", "--http 127.0.0.1:0 --no-auth --public-url https://akos.example.com"},
		{2, "HOST:PORT", "--http 127.0.0.1"},
		{2, "HOST:PORT", "--http="},
		{8, "can't be listened on", "--http " + busy.Addr().String()},
		{2, "--no-auth is of --http", "--no-auth"},
		{2, "--issuer is of --http", "--issuer https://login.example.com"},
		{2, "are of --issuer", "--http 127.0.0.1:0 --audience x"},
		{2, "are of --issuer", "--http 127.0.0.1:0 --tenant-claim team"},
		{2, "exclude each other", "--http 127.0.0.1:0 --no-auth --issuer https://login.example.com"},
		{2, "--issuer is the https URL", "--http 127.0.0.1:0 --issuer http://login.example.com"},
		{2, "go together", "--http 127.0.0.1:0 --issuer https://login.example.com --introspection-client x"},
		{2, "can't be read", "--http 127.0.0.1:0 --issuer https://login.example.com --introspection-secret-file /nonexistent"},
		{2, "is an id", "--http 127.0.0.1:0 --workspace ."},
		{2, "no tool at all", "--http 127.0.0.1:0 --tools vault_import"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, binary(t), strings.Fields(tt.args)...)
		cmd.Dir, cmd.Env = h.dir, h.environ()
		out, err := cmd.CombinedOutput()
		cancel()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != tt.code || !strings.Contains(string(out), tt.says) {
			t.Errorf("%s: %v %s", tt.args, err, out)
		}
	}
	token := fakeToken()
	cmd := exec.CommandContext(t.Context(), binary(t), "--http", "127.0.0.1:0", "--tls-cert", token)
	cmd.Dir, cmd.Env = h.dir, h.environ()
	if out, _ := cmd.CombinedOutput(); strings.Contains(string(out), token) {
		t.Errorf("the argument is repeated: %s", out)
	}
}

// TestHTTPSlow: a client that is slow to say what it wants, or to take what it
// is told, is left, whether it has a token or not.
func TestHTTPSlow(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.account(t, "ada", "")
	open := h.daemon(t, binary(t), "--http", "127.0.0.1:0", "--no-auth")
	closed := h.daemon(t, binary(t), "--http", "127.0.0.1:0")
	start := time.Now()
	type slow struct {
		name  string
		conn  net.Conn
		after time.Duration
	}
	var all []slow
	dial := func(d *daemon, name string, after time.Duration, say string) net.Conn {
		t.Helper()
		addr := strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/mcp")
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, strings.ReplaceAll(say, "HOST", addr)); err != nil {
			t.Fatal(err)
		}
		all = append(all, slow{name, c, after})
		return c
	}
	const head = " HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
	for range 200 {
		dial(open, "a header that does not end", 10*time.Second, "POST /mcp"+head+"X-Slow: ")
	}
	for name, say := range map[string]string{
		"a body":              "POST /mcp" + head + "Content-Length: 100\r\n\r\n{",
		"a body in chunks":    "POST /mcp" + head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"a body of a GET":     "GET /mcp" + head + "Content-Length: 100\r\n\r\n{",
		"a body to nobody":    "POST /nothing" + head + "Content-Length: 100\r\n\r\n{",
		"a body to healthz":   "POST /healthz" + head + "Content-Length: 100\r\n\r\n{",
		"a body of metadata":  "POST /.well-known/oauth-protected-resource" + head + "Content-Length: 100\r\n\r\n{",
		"a body as something": "POST /mcp" + strings.Replace(head, "application/json", "text/plain", 1) + "Content-Length: 100\r\n\r\n{",
	} {
		dial(open, name, 30*time.Second, say)
		dial(closed, name+", without a token", 30*time.Second, say)
	}
	// One that asks and asks and takes no answer: its own requests wait, too.
	for _, d := range []*daemon{open, closed} {
		c := dial(d, "answers", 30*time.Second, "")
		ask := strings.Repeat(strings.ReplaceAll("GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n", "HOST", c.RemoteAddr().String()), 100)
		go func() {
			for {
				if _, err := io.WriteString(c, ask); err != nil {
					return
				}
			}
		}()
	}
	open.connect("").post(ping).is(200, 0)               // others are served meanwhile
	if took := time.Since(start); took > 9*time.Second { // then the first are left
		t.Errorf("it took %v", took)
	}
	for _, s := range all {
		if err := s.conn.SetReadDeadline(start.Add(s.after + patience)); err != nil {
			t.Fatal(err)
		}
		if s.name == "answers" {
			time.Sleep(time.Until(start.Add(s.after + 3*time.Second)))
		}
		if _, err := io.Copy(io.Discard, s.conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", s.name, err)
		}
		if took := time.Since(start); took < s.after-time.Second {
			t.Errorf("%s: left after %v, want %v", s.name, took, s.after)
		}
	}
	if took := time.Since(start); took > 30*time.Second+patience {
		t.Errorf("the last was left after %v", took)
	}
}
