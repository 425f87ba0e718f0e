//go:build linux

package canary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// overHTTP has agents with tokens of their own use akos-mcp over HTTP, in all
// ways, right and wrong: a token is a secret that comes with every request.
func (b *box) overHTTP() {
	b.learns, b.hashes = true, true
	ada, look, bob := b.token("ada", "acme", "cli"), b.token("ada", "acme", "read"), b.token("bob", "beta", "cli")
	schemas := b.toolArguments()
	for _, format := range []string{"text", "json"} {
		s := b.serveHTTP(format)
		a := s.agent(ada)
		for _, m := range reads() {
			a.send(m, true)
			s.agent(look).send(m, true)
		}
		a.send(call("connection_create", map[string]any{"kind": "slack", "name": "web", "vaultKeys": map[string]string{"token": "SLACK_BOT_TOKEN"}}), true)
		for _, v := range []string{string(values.Vendor.Value), ada, name} {
			asNames, asOthers, _ := messageSlips(schemas, v)
			for _, m := range asNames {
				a.send(m, true)
			}
			for _, m := range asOthers {
				a.send(m, false)
			}
			s.places(v, ada)
		}
		// A person enters each value, on a page that this agent asked for.
		p := &entering{box: b}
		for _, c := range values.All() {
			page := a.page()
			p.refused(page, string(c.Value))
			if code := p.submit(page, "line-0", "key", string(c.Value), nil); code != http.StatusSeeOther {
				b.report.Errorf("%s: status %d", c.Name, code)
			}
		}
		// Another's session, and a session whose token is gone.
		a.token = bob
		a.send(call("vault_list", map[string]any{}), true)
		b.do(op{args: []string{"--verbose", "token", "revoke", "ada" + "read"}, want: anyCode, mayName: true})
		a.token = look
		a.send(call("vault_list", map[string]any{}), true)
		s.ends(syscall.SIGTERM, 0)
	}
	b.brokenHTTP(ada)
	b.vouchedHTTP()
	// In the middle of a request, with all stacks.
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGKILL} {
		s := b.serveHTTP("text")
		s.agent(ada)
		s.raw("POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer "+ada+"\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{\"a\":\""+string(values.Token.Value), 200*time.Millisecond)
		s.ends(sig, anyCode)
	}
	b.again()
}

// token returns a new token of user's, with an account for it.
func (b *box) token(user, tenant, scope string) string {
	b.Helper()
	b.do(op{args: []string{"--verbose", "user", "add", user, "--tenant", tenant, "--password-stdin"}, stdin: append(values.Password.Value, '\n'), want: anyCode})
	path := filepath.Join(b.sources, user+scope)
	b.do(op{args: []string{"--verbose", "token", "create", "--name", user + scope, "--user", user, "--tenant", tenant, "--scope", scope, "--out", path}})
	text := string(personalToken.Find(mustRead(b, path)))
	b.world.learnt.add("personal token", text)
	return text
}

// brokenHTTP breaks what a server needs while it serves.
func (b *box) brokenHTTP(token string) {
	for what, change := range map[string]func(f *box) error{
		"the key": func(f *box) error { return os.Remove(filepath.Join(f.akosHome, "vault.identity")) },
		"another key": func(f *box) error {
			return os.WriteFile(filepath.Join(f.akosHome, "vault.identity"), otherKey(), 0o600)
		},
		"no database": func(f *box) error { return os.Remove(filepath.Join(f.akosHome, "state.db")) },
		"truncated":   func(f *box) error { return os.Truncate(filepath.Join(f.akosHome, "state.db"), 5000) },
		"a folder": func(f *box) error {
			p := filepath.Join(f.akosHome, "state.db")
			os.Remove(p)
			return os.Mkdir(p, 0o700)
		},
		"no home": func(f *box) error { return os.RemoveAll(f.akosHome) },
		"the token": func(f *box) error {
			f.corrupt(`UPDATE token SET scopes = '` + string(values.Vendor.Value) + `'`)
			return nil
		},
		"the audience": func(f *box) error {
			f.corrupt(`UPDATE token SET kind = 'access', audience = '` + string(values.Vendor.Value) + `'`)
			return nil
		},
	} {
		f := b.fork(b.T)
		f.learns, f.hashes = true, true
		for _, name := range []string{"vault.identity", "state.db", "state.db-wal", "state.db-shm"} {
			f.own[filepath.Join(f.akosHome, name)] = true // the test itself put values there
		}
		s := f.serveHTTP("text")
		a := s.agent(token)
		if err := change(f); err != nil {
			b.Fatalf("%s: %v", what, err)
		}
		page := ""
		for _, m := range append(reads(), call("vault_put", map[string]any{"key": "ENTERED"})) {
			if found := entryURL.FindStringSubmatch(a.send(m, true)); found != nil {
				page = found[1]
			}
		}
		if page != "" {
			(&entering{box: f}).submit(page, "line-0", "key", string(values.Text.Value), nil)
		}
		s.ends(syscall.SIGTERM, 0)
	}
}

// vouchedHTTP takes the tokens of a provider that answers with what it was
// sent, the secret for asking it among that.
func (b *box) vouchedHTTP() {
	idp := newEchoing()
	defer idp.Close()
	secret := b.source("introspection", append(values.Token.Value, '\n'))
	for _, args := range [][]string{{"--introspection-client", "canary", "--introspection-secret-file", secret}, {"--introspection-secret-file", secret}, nil} {
		const audience = "https://canary.invalid/mcp"
		s := b.serveHTTP("text", append([]string{"--issuer", idp.URL, "--audience", audience}, args...)...)
		idp.each(audience, func(tokens []string) {
			for _, token := range tokens {
				if !strings.ContainsFunc(token, func(r rune) bool { return r > '~' }) {
					s.agent(token).send(call("auth_status", map[string]any{}), true)
				}
			}
		})
		s.ends(syscall.SIGTERM, 0)
	}
}

// A webServer is an akos-mcp that serves HTTP.
type webServer struct {
	*box
	daemon
	url string
}

var servesMCP = regexp.MustCompile(`akos-mcp serves (\S+)\n`)

func (b *box) serveHTTP(format string, args ...string) *webServer {
	b.Helper()
	s := &webServer{box: b}
	s.daemon = b.daemon(exec.Command(filepath.Join(b.world.bin, "akos-mcp"), append([]string{"--verbose", "--log-format", format, "--http", "127.0.0.1:0"}, args...)...))
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(3 * time.Millisecond) {
		if m := servesMCP.FindSubmatch(s.out.Bytes()); m != nil {
			s.url = string(m[1])
			b.world.operations.Add(1)
			return s
		}
	}
	b.Fatalf("akos-mcp serves nothing:\n%s%s", s.out.Bytes(), s.errs.Bytes())
	return nil
}

// ends ends the server and searches what it wrote.
func (s *webServer) ends(sig syscall.Signal, want int) {
	s.Helper()
	s.end("akos-mcp --http", s.daemon, sig, want, true)
}

// A webAgent is a client with a token.
type webAgent struct {
	*webServer
	token, session string
}

// agent initializes a session, if the token is good.
func (s *webServer) agent(token string) *webAgent {
	s.Helper()
	a := &webAgent{webServer: s, token: token}
	a.send(request("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{"elicitation": map[string]any{}},
		"clientInfo": map[string]any{"name": string(values.Vendor.Value), "title": string(values.Token.Value), "version": "1"}}), false)
	return a
}

// send sends a message in both eras, and returns the answer of the older one.
func (a *webAgent) send(m message, mayName bool) string {
	a.Helper()
	answer := a.post(m.text, mayName, "Mcp-Session-Id", a.session, "Mcp-Protocol-Version", "2025-11-25")
	var parts map[string]any
	params, ok := map[string]any(nil), false
	if json.Unmarshal([]byte(m.text), &parts) == nil {
		params, ok = parts["params"].(map[string]any)
	}
	if method, _ := parts["method"].(string); ok && method != "initialize" {
		params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{},
			"io.modelcontextprotocol/clientInfo": map[string]any{"name": string(values.Vendor.Value), "version": "1"}}
		text, _ := json.Marshal(parts) // it was decoded
		called, _ := params["name"].(string)
		if uri, ok := params["uri"].(string); ok {
			called = uri
		}
		a.post(string(text), mayName, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method, "Mcp-Name", called)
	}
	return answer
}

// post sends a body with headers, and searches the answer.
func (a *webAgent) post(body string, mayName bool, headers ...string) string {
	a.Helper()
	req, err := http.NewRequest(http.MethodPost, a.url, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+a.token)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	a.world.operations.Add(1)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		a.report.Errorf("akos-mcp --http does not answer: %v", err)
		return ""
	}
	defer res.Body.Close()
	if id := res.Header.Get("Mcp-Session-Id"); id != "" {
		a.session = id
	}
	var all bytes.Buffer
	_ = res.Header.Write(&all) // to memory
	_, _ = io.Copy(&all, res.Body)
	a.search("an answer over HTTP", all.Bytes(), true, mayName)
	return all.String()
}

// page returns the address of a new page, once the end of the last is told.
func (a *webAgent) page() string {
	a.Helper()
	var answer string
	for range 2 {
		answer = a.post(call("vault_put", map[string]any{"key": "ENTERED"}).text, true, "Mcp-Session-Id", a.session)
		if m := entryURL.FindStringSubmatch(answer); m != nil {
			return m[1]
		}
	}
	a.Fatalf("no page: %s", answer)
	return ""
}

// places puts v wherever a request has a place for text, with a good token and
// without.
func (s *webServer) places(v, token string) {
	s.Helper()
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	auth := "Authorization: Bearer " + token + "\r\n"
	var wg sync.WaitGroup
	answers := make(chan []byte, 1000)
	for _, head := range []string{
		"GET /@ HTTP/1.1\r\nHost: HOST", "GET /mcp/@ HTTP/1.1\r\nHost: HOST", "POST /mcp?@=@ HTTP/1.1\r\nHost: HOST", "POST /mcp?workspace=@ HTTP/1.1\r\nHost: HOST",
		"POST /mcp?access_token=@ HTTP/1.1\r\nHost: HOST", "POST /mcp?a;@ HTTP/1.1\r\nHost: HOST", "POST /mcp?%@ HTTP/1.1\r\nHost: HOST", "GET /.well-known/oauth-protected-resource/@ HTTP/1.1\r\nHost: HOST",
		"GET /.well-known/oauth-protected-resource?@ HTTP/1.1\r\nHost: HOST", "GET /healthz?@ HTTP/1.1\r\nHost: HOST", "@ /mcp HTTP/1.1\r\nHost: HOST", "POST /mcp HTTP/@\r\nHost: HOST", "POST @ HTTP/1.1\r\nHost: HOST",
		"POST http://@/mcp HTTP/1.1\r\nHost: HOST", "POST /mcp HTTP/1.1\r\nHost: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nHost: @", "POST /mcp HTTP/1.1\r\n@: @\r\nHost: HOST", "POST /mcp HTTP/1.1\r\nHost: HOST\r\n@",
		"POST /mcp HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nContent-Length: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nExpect: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nUpgrade: @\r\nConnection: upgrade",
		"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer @@", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic @",
		"POST /mcp HTTP/1.1\r\nHost: HOST\r\nOrigin: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nOrigin: http://@", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nContent-Type: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nMcp-Session-Id: @",
		"DELETE /mcp HTTP/1.1\r\nHost: HOST\r\nMcp-Session-Id: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nMcp-Protocol-Version: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nMcp-Method: @\r\nMcp-Name: @\r\nMcp-Protocol-Version: 2026-07-28",
		"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAccept: @", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nLast-Event-ID: @\r\nMcp-Protocol-Version: 2026-07-28", "POST /mcp HTTP/1.1\r\nHost: HOST\r\nCookie: @=@", "@", "\x16\x03\x01\x02@",
	} {
		for _, with := range []string{"", auth} {
			text := strings.ReplaceAll(head, "@", v) + "\r\n" + with
			if !strings.Contains(head, "Content-Length") && !strings.Contains(head, "Transfer-Encoding") {
				text += fmt.Sprintf("Content-Length: %d\r\n", len(ping))
			}
			if !strings.Contains(head, "Content-Type") {
				text += "Content-Type: application/json\r\n"
			}
			wg.Go(func() { answers <- s.raw(text+"Connection: close\r\n\r\n"+ping, time.Second) })
		}
	}
	wg.Wait()
	close(answers)
	for answer := range answers {
		s.search("an answer to a raw request", answer, true, false)
	}
}

// raw sends text, whatever it is, and returns what comes back in time.
func (s *webServer) raw(text string, wait time.Duration) []byte {
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/mcp")
	c, err := net.Dial("tcp", host)
	if err != nil {
		s.report.Errorf("akos-mcp --http is not there: %v", err)
		return nil
	}
	defer c.Close()
	s.world.operations.Add(1)
	_ = c.SetDeadline(time.Now().Add(wait))
	_, _ = io.WriteString(c, strings.ReplaceAll(text, "HOST", host)) // it may be refused on the way
	answer, _ := io.ReadAll(c)
	return answer
}
