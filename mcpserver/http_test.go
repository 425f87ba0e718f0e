package mcpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/internal/wire"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

const jsonType = "application/json"

// A web is a server over HTTP and what a test knows of it.
type web struct {
	t     testing.TB
	url   string
	stop  context.CancelFunc
	done  chan error
	heard func(line string) // is told each line of an answer as it comes; nil for nobody
}

// overHTTP serves a home in this process.
func overHTTP(t testing.TB, h *home, opts mcpserver.Options, change ...func(*mcpserver.HTTPOptions)) *web {
	t.Helper()
	opts.HTTP = true
	s := h.server(t, opts)
	var o mcpserver.HTTPOptions
	o.Listen = "127.0.0.1:0"
	for _, c := range change {
		c(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &web{t: t, stop: stop, done: make(chan error, 1)}
	ready := make(chan string, 1)
	go func() { w.done <- s.ServeHTTP(ctx, o, "", func(url string) { ready <- url }) }()
	select {
	case w.url = <-ready:
	case err := <-w.done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		select {
		case err := <-w.done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
	return w
}

func noAuth(o *mcpserver.HTTPOptions) { o.NoAuth = true }

// A answer is one of HTTP.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	ends   bool // the connection, with this answer
}

// send sends a request. headers are names and values; one without a value is
// not sent.
func (w *web) send(method, path, body string, headers ...string) answer {
	w.t.Helper()
	return w.sendFrom(strings.NewReader(body), method, path, headers...)
}

func (w *web) sendFrom(body io.Reader, method, path string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequest(method, strings.TrimSuffix(w.url, "/mcp")+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", jsonType)
		req.Header.Set("Accept", "application/json, text/event-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; {
		case name == "Host":
			req.Host = value
		case value == "":
			req.Header.Del(name)
		default:
			req.Header.Add(name, value)
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	for r := bufio.NewReader(res.Body); err == nil; {
		var line string
		line, err = r.ReadString('\n')
		b.WriteString(line)
		if w.heard != nil {
			w.heard(line)
		}
	}
	if !errors.Is(err, io.EOF) {
		w.t.Fatal(err)
	}
	return answer{w.t, res.StatusCode, res.Header, b.String(), res.Close}
}

// is fails unless a has the status and, for JSON-RPC, the code; 0 is none.
func (a answer) is(status, code int) answer {
	a.t.Helper()
	var m struct {
		Error *struct{ Code int }
	}
	got := 0
	if json.Unmarshal([]byte(a.body), &m) == nil && m.Error != nil {
		got = m.Error.Code
	}
	if a.status != status || got != code {
		a.t.Errorf("status %d, code %d, want %d, %d: %.500s", a.status, got, status, code, a.body)
	}
	return a
}

func (a answer) rpc() response {
	a.t.Helper()
	body := a.body
	if data := regexp.MustCompile(`(?m)^data: (.*"(?:result|error)":.*)$`).FindStringSubmatch(body); data != nil {
		body = data[1]
	}
	return parse(a.t, strings.TrimSpace(body))
}

// code returns the code of an error; 0 for a result.
func (r response) code() int {
	if r.Error == nil {
		return 0
	}
	return r.Error.Code
}

// An agent is a client with a session of the older protocol.
type agent struct {
	*web
	headers []string
}

// connect initializes a session with a token, or without one for "".
func (w *web) connect(token string) *agent {
	w.t.Helper()
	return w.connectAs(token, `{}`)
}

// connectAs initializes a session of a client that can do what capabilities
// say.
func (w *web) connectAs(token, capabilities string) *agent {
	w.t.Helper()
	a := &agent{web: w}
	if token != "" {
		a.headers = []string{"Authorization", "Bearer " + token}
	}
	res := w.send("POST", "/mcp", hello(capabilities), a.headers...).is(200, 0)
	id := res.header.Get("Mcp-Session-Id")
	if !regexp.MustCompile(`^[\x21-\x7e]{26,}$`).MatchString(id) {
		w.t.Fatalf("the session id is %q", id)
	}
	a.headers = append(a.headers, "Mcp-Session-Id", id, "Mcp-Protocol-Version", "2025-11-25")
	a.post(initialized).is(202, 0)
	return a
}

func (a *agent) post(body string) answer {
	a.t.Helper()
	return a.send("POST", "/mcp", body, a.headers...)
}

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

func (a *agent) call(tool, args string) response {
	a.t.Helper()
	return a.post(request(1, tool, args)).rpc()
}

// modernHeaders are the headers of a message of the newest revision.
func modernHeaders(token, method, name string) []string {
	headers := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method, "Mcp-Name", name}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return headers
}

// modern sends a call of the newest revision.
func (w *web) modern(token, method, name, params string) answer {
	w.t.Helper()
	if params != "" {
		params = "," + params
	}
	return w.send("POST", "/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}%s}}`, method, params),
		modernHeaders(token, method, name)...)
}

// modernCall calls a tool in the newest revision, for a client that opens
// pages and has roots. more is what follows the arguments.
func (w *web) modernCall(token, tool, args, more string) answer {
	w.t.Helper()
	return w.send("POST", "/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":%q,"arguments":%s%s,`+
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s}}}`, tool, args, more, urlClient),
		modernHeaders(token, "tools/call", tool)...)
}

// asks returns the state of the question that a asks.
func (a answer) asks() (state string) {
	a.t.Helper()
	var m struct {
		Result struct{ ResultType, RequestState string }
	}
	if a.is(200, 0); json.Unmarshal([]byte(a.body), &m) != nil || m.Result.ResultType != "input_required" || m.Result.RequestState == "" {
		a.t.Fatalf("it asks nothing: %s", a.body)
	}
	return m.Result.RequestState
}

// account makes an account, a member of tenant.
func (h *home) account(t testing.TB, user, tenant string) {
	t.Helper()
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	req := workspace.AddUserRequest{User: user, Tenant: tenant}
	if _, ok, err := w.Join(t.Context(), req); ok || err != nil {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := w.AddUser(t.Context(), req, workspace.NewSecret([]byte("a fake password of "+user))); err != nil {
		t.Fatal(err)
	}
}

// token makes a personal token.
func (h *home) token(t testing.TB, user, tenant string, scopes ...string) string {
	t.Helper()
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	var out bytes.Buffer
	name := strings.Join(append(scopes, user, tenant), " ")
	if _, err := w.CreateToken(t.Context(), workspace.TokenRequest{Name: name, User: user, Tenant: tenant, Scopes: scopes, Lifetime: time.Hour}, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// names returns the tools that a lists.
func (a *agent) names() (names []string) {
	a.t.Helper()
	for _, raw := range a.post(list).rpc().Result.Tools {
		var tool struct{ Name string }
		if err := json.Unmarshal(raw, &tool); err != nil {
			a.t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return names
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

// TestHTTPScopes: a token does what its scopes allow, and sees no more.
func TestHTTPScopes(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	w := overHTTP(t, h, mcpserver.Options{})
	const read, write, admin = "vault_list", "connection_create", "vault_remove"
	for _, tt := range []struct{ scopes, sees string }{
		{"read", read}, {"write", write}, {"admin", admin}, {"read write", read + " " + write}, {"cli", read + " " + write + " " + admin},
	} {
		token := h.token(t, "ada", "", strings.Fields(tt.scopes)...)
		a := w.connect(token)
		listed := " " + strings.Join(a.names(), " ") + " "
		for tool, scope := range map[string]string{read: "read", write: "write", admin: "admin"} {
			may := strings.Contains(tt.sees, tool)
			if strings.Contains(listed, " "+tool+" ") != may {
				t.Errorf("%s lists %s", tt.scopes, listed)
			}
			for era, res := range map[string]answer{
				"older":  a.post(request(1, tool, `{}`)),
				"newest": w.modern(token, "tools/call", tool, fmt.Sprintf(`"name":%q,"arguments":{}`, tool)),
			} {
				if may {
					res.is(200, 0)
					continue
				}
				res.is(403, -32600)
				challenge := res.header.Get("WWW-Authenticate")
				if !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.HasSuffix(challenge, `, scope="`+tt.scopes+" "+scope+`"`) {
					t.Errorf("%s, %s: %s", era, tt.scopes, challenge)
				}
			}
		}
	}
	res := w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+h.token(t, "ada", "", "introspect")).is(403, -32600)
	if !strings.Contains(res.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("%q", res.header)
	}
}

// TestHTTPTokens: without a token that is good here and now there is a
// challenge and nothing else.
func TestHTTPTokens(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "read")
	w := overHTTP(t, h, mcpserver.Options{})
	a := w.connect(token)
	for _, headers := range [][]string{
		{}, {"Authorization", "Bearer"}, {"Authorization", "Basic " + token}, {"Authorization", token},
		{"Authorization", "Bearer " + token + "x"}, {"Authorization", "Bearer " + strings.ToUpper(token)},
		{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
		{"Authorization", "Bearer " + strings.Repeat("x", 9<<10)},
	} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			res := w.send(method, "/mcp?access_token="+token, initialize, headers...)
			challenge := res.header.Get("WWW-Authenticate")
			metadata := `Bearer resource_metadata="` + strings.TrimSuffix(w.url, "/mcp") + `/.well-known/oauth-protected-resource/mcp"`
			if res.status != 401 || !strings.HasPrefix(challenge, metadata) || strings.Contains(challenge, "invalid_token") != (len(headers) > 0) ||
				!strings.HasSuffix(challenge, `scope="read write"`) {
				t.Errorf("%s %.80q: %d %s", method, headers, res.status, challenge)
			}
			if strings.Contains(res.body+challenge, token) {
				t.Errorf("the token is repeated: %s", res.body)
			}
		}
	}
	// One that has ended is worth nothing.
	h.with = func(o *workspace.Options) {
		now := o.Now
		o.Now = func() time.Time { return now().Add(time.Hour) }
	}
	overHTTP(t, h, mcpserver.Options{}).send("POST", "/mcp", initialize, "Authorization", "Bearer "+token).is(401, -32600)
	h.with = nil
	// One that is revoked is worth nothing at once, session or not.
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	a.post(ping).is(200, 0)
	if _, err := open.RevokeToken(t.Context(), "read ada "); err != nil {
		list, _ := open.PersonalTokens(t.Context(), "")
		t.Fatal(err, list)
	}
	a.post(ping).is(401, -32600)
	w.modern(token, "tools/list", "", "").is(401, -32600)
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

// TestHTTPProvider: the tokens of an identity provider are JWTs, whose tenant
// and scopes count, for the audience that this server has.
func TestHTTPProvider(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	mux := http.NewServeMux()
	idp := httptest.NewServer(mux)
	defer idp.Close()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[2]s/a","token_endpoint":"%[2]s/t","jwks_uri":"%[2]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, idp.URL, idp.URL)
	})
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
	})
	token := func(audience, tenant, scope string, ends time.Time) string {
		signed := b64([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + b64(fmt.Appendf(nil, `{"iss":%q,"aud":%q,"sub":"ada","tenant_id":%q,"scope":%q,"exp":%d}`, idp.URL, audience, tenant, scope, ends.Unix()))
		sum := sha256.Sum256([]byte(signed))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	w := overHTTP(t, newHome(t), mcpserver.Options{}, func(o *mcpserver.HTTPOptions) {
		o.Issuer = idp.URL
		o.Verifier = func(o workspace.ServeOptions, audience string) (mcpserver.Verifier, error) {
			return wire.Verifier(o, audience)
		}
	})
	later := time.Now().Add(time.Hour)
	a := w.connect(token(w.url, "acme", "openid read", later))
	if text := a.call("auth_status", `{}`).text(); !strings.Contains(text, `"userId":"ada","tenantId":"acme"`) || !strings.Contains(text, `"scopes":["read"]`) {
		t.Error(text)
	}
	a.post(request(1, "connection_create", `{}`)).is(403, -32600)
	good := token(w.url, "acme", "read", later)
	for name, bad := range map[string]string{
		"another audience": token("https://other.example", "acme", "read", later),
		"it has ended":     token(w.url, "acme", "read", time.Now().Add(-time.Hour)),
		"changed":          good[:len(good)-8] + "AAAAAAAA",
		"not signed":       good[:strings.LastIndex(good, ".")+1],
	} {
		if res := w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+bad); res.status != 401 {
			t.Errorf("%s: %+v", name, res)
		}
	}
	w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+token(w.url, "local", "read", later)).is(403, -32600) // it is this home's own
	var doc map[string]any
	if err := json.Unmarshal([]byte(w.send("GET", "/.well-known/oauth-protected-resource/mcp", "").body), &doc); err != nil || fmt.Sprint(doc["authorization_servers"]) != "["+idp.URL+"]" {
		t.Errorf("%v %v", doc, err)
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

// messages returns what came on the stream of an answer before it.
func (a answer) messages() (all []response) {
	a.t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^data: (.*)$`).FindAllStringSubmatch(a.body, -1) {
		all = append(all, parse(a.t, m[1]))
	}
	return all
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
