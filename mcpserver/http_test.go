package mcpserver_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// hearing returns a, whose answers are heard for text: the channel is closed
// once one has it.
func (a *agent) hearing(text string) (*agent, <-chan struct{}) {
	said := make(chan struct{})
	say := sync.OnceFunc(func() { close(said) })
	w := *a.web
	w.heard = func(line string) {
		if strings.Contains(line, text) {
			say()
		}
	}
	return &agent{&w, a.headers}, said
}

// soon waits for what has to happen.
func soon(t testing.TB, what string, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-time.After(patience):
		t.Fatalf("never: %s", what)
	}
}

// TestHTTPEras: both eras are served, each in its way.
func TestHTTPEras(t *testing.T) {
	w := overHTTP(t, newHome(t), mcpserver.Options{}, noAuth)
	a := w.connect("")
	if r := a.call("vault_list", `{}`); !strings.Contains(r.text(), "SLACK_BOT_TOKEN") {
		t.Errorf("%s", r.raw)
	}
	for _, name := range a.names() {
		switch name {
		case "auth_login", "auth_logout", "tenant_use", "vault_import":
			t.Errorf("%s is offered over HTTP", name)
		}
	}
	if res := w.modern("", "tools/call", "vault_list", `"name":"vault_list","arguments":{}`).is(200, 0); !strings.Contains(res.rpc().text(), "SLACK_BOT_TOKEN") || res.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%+v", res)
	}
	w.modern("", "server/discover", "", "").is(200, 0)
	w.modern("", "no/such", "", "").is(404, -32601)
}

// TestHTTPFiles: over HTTP an agent has no files here, whoever it is and
// whatever roots its client has.
func TestHTTPFiles(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "cli")
	for name, a := range map[string]*agent{
		"nobody": overHTTP(t, h, mcpserver.Options{}, noAuth).connectAs("", urlClient),
		"ada":    overHTTP(t, h, mcpserver.Options{}).connectAs(token, urlClient),
	} {
		if kind, _ := a.call("creds_check", `{"secretsFile":".env"}`).kind(); kind != "denied" {
			t.Errorf("%s: creds_check with a file is %q", name, kind)
		}
		if kind, _ := a.modernCall(token, "creds_check", `{"secretsFile":".env"}`, "").rpc().kind(); kind != "denied" {
			t.Errorf("%s, stateless: creds_check with a file is %q", name, kind)
		}
		if r := a.call("vault_import", `{"path":".env"}`); r.Error == nil || r.Error.Code != -32602 {
			t.Errorf("%s: %s", name, r.raw)
		}
	}
}

// TestHTTPRequests: what is no good request gets an answer that says so, and
// the server lives on.
func TestHTTPRequests(t *testing.T) {
	w := overHTTP(t, newHome(t), mcpserver.Options{}, noAuth)
	a := w.connect("")
	// Ids come back in their own bytes, from the library and past it.
	for _, id := range []string{`1`, `1.0`, `-0`, `1e3`, `9007199254740993`, `123456789012345678901234567890`, `""`, `"1"`, `"\u0041"`, `"a/b"`, `"ü"`} {
		for _, method := range []string{`"ping"`, `"tools/call","params":{"name":"auth_status"}`, `"no/such"`, `"tools/call","params":{"name":"vault_put","arguments":{"key":"A"}}`} {
			res := a.post(`{"jsonrpc":"2.0","id":` + id + `,"method":` + method + `}`)
			if !strings.HasPrefix(res.body, `{"jsonrpc":"2.0","id":`+id+`,`) {
				t.Errorf("id %s of %s: %.200s", id, method, res.body)
			}
		}
	}
	if r := a.call("vault_list", `{"scope":"tenant","scope":"workspace"}`); r.Result == nil || !r.Result.IsError {
		t.Errorf("an argument that is there twice is taken: %s", r.raw)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		headers            []string
	}{
		{"GET", "/mcp", "", 405, nil},
		{"HEAD", "/mcp", "", 405, nil},
		{"PUT", "/mcp", "", 405, nil},
		{"OPTIONS", "/mcp", "", 405, nil},
		{"POST", "/mcp", ping, 415, []string{"Content-Type", ""}},
		{"POST", "/mcp", ping, 400, []string{"Mcp-Session-Id", ""}},
		{"POST", "/mcp", ping, 404, []string{"Mcp-Session-Id", "request"}},
		{"POST", "/mcp", ping, 404, []string{"Mcp-Session-Id", "mcp-session-00000000-0000-0000-0000-000000000000"}},
		{"POST", "/mcp/", ping, 404, nil},
		{"GET", "/", "", 404, nil},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "", 404, nil}, // nobody needs a token
		{"GET", "/healthz", "", 200, nil},
		{"GET", "/healthz", "", 200, []string{"Host", "10.0.0.1"}},
		{"POST", "/mcp", initialize, 421, []string{"Host", "evil.example"}},
		{"POST", "/mcp", initialize, 421, []string{"Host", "127.0.0.1"}},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "", 421, []string{"Host", "evil.example"}},
		{"POST", "/mcp", initialize, 403, []string{"Origin", "https://evil.example"}},
		{"POST", "/mcp", initialize, 403, []string{"Origin", "null"}},
		{"POST", "/mcp", initialize, 403, []string{"Origin", strings.Replace(strings.TrimSuffix(w.url, "/mcp"), "http:", "https:", 1)}},
		{"POST", "/mcp", initialize, 403, []string{"Origin", strings.TrimSuffix(w.url, "/mcp"), "Origin", "https://evil.example"}},
		{"POST", "/mcp", initialize, 200, []string{"Origin", strings.TrimSuffix(w.url, "/mcp")}},
		{"POST", "/mcp", initialize, 200, []string{"Origin", strings.Replace(strings.TrimSuffix(w.url, "/mcp"), "127.0.0.1", "localhost", 1), "Host", strings.TrimSuffix(strings.Replace(strings.TrimPrefix(w.url, "http://"), "127.0.0.1", "localhost", 1), "/mcp")}},
	} {
		if res := w.send(tt.method, tt.path, tt.body, tt.headers...); res.status != tt.status {
			t.Errorf("%s %s %q: status %d, want %d: %.200s", tt.method, tt.path, tt.headers, res.status, tt.status, res.body)
		}
	}
	if res := w.send("GET", "/mcp", ""); res.header.Get("Allow") != "POST, DELETE" {
		t.Errorf("Allow is %q", res.header.Get("Allow"))
	}
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader(strings.Repeat(" ", 4<<20+1)),
		"in chunks": io.MultiReader(strings.NewReader(strings.Repeat(" ", 4<<20)), strings.NewReader(" ")),
	} {
		if res := w.sendFrom(body, "POST", "/mcp", a.headers...); res.status != 413 || res.is(413, -32600).body == "" {
			t.Errorf("%s: %+v", name, res)
		}
	}
	// After chunks a connection ends, whoever answers: there may have been a
	// length too, by which a proxy goes.
	for _, body := range []string{ping, list, request(1, "vault_list", `{}`), "{"} {
		for _, chunks := range []bool{false, true} {
			var r io.Reader = strings.NewReader(body)
			if chunks {
				r = io.MultiReader(r)
			}
			if res := w.sendFrom(r, "POST", "/mcp", a.headers...); res.ends != chunks {
				t.Errorf("in chunks %v: %s: it ends %v", chunks, body, res.ends)
			}
		}
	}
	// As much as there may be is read.
	padded := strings.Repeat(" ", 4<<20-len(ping)) + ping
	a.post(padded).is(200, 0)
	if r := a.call("auth_status", `{}`); r.Result == nil {
		t.Errorf("%s", r.raw)
	}
}

// TestHTTPSessions: a session is its owner's, and ends.
func TestHTTPSessions(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "acme")
	w := overHTTP(t, h, mcpserver.Options{})
	ada, again, bob := h.token(t, "ada", "acme", "read"), h.token(t, "ada", "acme", "write", "read"), h.token(t, "bob", "acme", "read")
	a := w.connect(ada)
	session := a.headers[3]
	theirs := func(token, method, body string) answer {
		return w.send(method, "/mcp", body, "Authorization", "Bearer "+token, "Mcp-Session-Id", session)
	}
	theirs(again, "POST", ping).is(200, 0) // the same person, by another token
	for _, method := range []string{"POST", "DELETE"} {
		theirs(bob, method, ping).is(404, -32600)
	}
	theirs(bob, "POST", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`).is(404, -32600)
	theirs(bob, "POST", `{"jsonrpc":"2.0","id":"akos-1","result":{}}`).is(404, -32600)
	theirs(ada, "POST", ping).is(200, 0)
	if res := w.send("POST", "/mcp", ping, "Mcp-Session-Id", session); res.status != 401 {
		t.Errorf("without a token: %+v", res)
	}
	theirs(ada, "DELETE", "").is(200, 0)
	theirs(ada, "POST", ping).is(404, -32600)
	theirs(ada, "DELETE", "").is(404, -32600)
	w.send("DELETE", "/mcp", "", "Authorization", "Bearer "+ada, "Mcp-Protocol-Version", "2026-07-28").is(405, -32600)

	// The same user in another tenant is somebody else.
	h.account(t, "ada", "beta")
	a = w.connect(ada)
	session = a.headers[3]
	theirs(h.token(t, "ada", "beta", "read"), "POST", ping).is(404, -32600)
	theirs(ada, "POST", ping).is(200, 0)
}

// A panicking part of a home.
type panicking struct{ workspace.Project }

func (panicking) Locate(context.Context) (workspace.Site, error)                  { panic(panicText) }
func (panicking) Verify(context.Context, string) (id workspace.Identity, e error) { panic(panicText) }

// TestHTTPPanic: a panic ends one request, and its text stays here.
func TestHTTPPanic(t *testing.T) {
	h := newHome(t)
	var log safeBuffer
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	h.with = func(o *workspace.Options) { o.Project = panicking{o.Project} }
	a := overHTTP(t, h, mcpserver.Options{}, noAuth).connect("")
	for _, tool := range []string{"vault_list", "vault_remove"} { // past the library, and through it
		args := map[string]string{"vault_list": `{}`, "vault_remove": `{"key":"A"}`}[tool]
		if r := a.call(tool, args); r.text() != "internal: internal error" {
			t.Errorf("%s: %s", tool, r.raw)
		}
	}
	a.post(ping).is(200, 0)
	w := overHTTP(t, h, mcpserver.Options{}, func(o *mcpserver.HTTPOptions) {
		o.Issuer = "https://login.example.com"
		o.Verifier = func(workspace.ServeOptions, string) (mcpserver.Verifier, error) { return panicking{}, nil }
	})
	res := w.send("POST", "/mcp", initialize, "Authorization", "Bearer x").is(500, -32603)
	if strings.Contains(res.body+log.String(), panicText) || strings.Count(log.String(), "msg=panic") != 3 {
		t.Errorf("%s\n%s", res.body, &log)
	}
}

// TestHTTPTLS: off loopback there is TLS, and a name for others.
func TestHTTPTLS(t *testing.T) {
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	defer example.Close()
	cert := example.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "read")
	addr := akostest.FreeAddr(t)
	overHTTP(t, h, mcpserver.Options{}, func(o *mcpserver.HTTPOptions) {
		o.Listen = strings.Replace(addr, "127.0.0.1", "0.0.0.0", 1)
		o.TLSCert, o.TLSKey, o.PublicURL = filepath.Join(dir, "cert"), filepath.Join(dir, "key"), "https://example.com"
	})
	client := example.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	// One connection is one request at a time, which the limits count on.
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: client.Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("the protocol is %q", p)
	}
	for _, host := range []string{"example.com", "evil.example", addr} {
		for _, auth := range []string{"", "Bearer " + token} {
			req, err := http.NewRequest("POST", "https://example.com/mcp", strings.NewReader(initialize))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			req.Header.Set("Content-Type", jsonType)
			req.Header.Set("Authorization", auth)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			want := http.StatusOK
			switch {
			case host != "example.com":
				want = http.StatusMisdirectedRequest
			case auth == "":
				want = http.StatusUnauthorized
				if c := res.Header.Get("WWW-Authenticate"); !strings.Contains(c, `resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp"`) {
					t.Errorf("%q", c)
				}
			}
			if res.StatusCode != want {
				t.Errorf("%s %.10s: %d, want %d", host, auth, res.StatusCode, want)
			}
		}
	}
}

// TestHTTPOrder: what a request has sent comes before its answer, and on no
// other stream, however many run in one session.
func TestHTTPOrder(t *testing.T) {
	w := overHTTP(t, newHome(t), mcpserver.Options{}, noAuth)
	a := w.connect("")
	a.post(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`).is(200, 0)
	var wg sync.WaitGroup
	for i := range 300 {
		tool := []string{"auth_status", "vault_list", "creds_list"}[i%3]
		wg.Go(func() {
			all := a.post(request(i, tool, `{}`)).messages()
			if len(all) != 2 || !strings.Contains(all[0].raw, `"call":"`+tool+`"`) || string(all[1].ID) != fmt.Sprint(i) {
				t.Errorf("%s: %d messages", tool, len(all))
			}
		})
		wg.Go(func() {
			all := w.modern("", "subscriptions/listen", "", `"notifications":{}`).messages()
			if len(all) != 2 || all[0].Method != "notifications/subscriptions/acknowledged" || all[1].Result == nil {
				t.Errorf("listen: %d messages", len(all))
			}
		})
		if i%10 == 9 {
			wg.Wait()
		}
	}
}
