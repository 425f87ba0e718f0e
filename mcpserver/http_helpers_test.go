package mcpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

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

// messages returns what came on the stream of an answer before it.
func (a answer) messages() (all []response) {
	a.t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^data: (.*)$`).FindAllStringSubmatch(a.body, -1) {
		all = append(all, parse(a.t, m[1]))
	}
	return all
}
