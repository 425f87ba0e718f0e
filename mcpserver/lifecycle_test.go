package mcpserver_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"example.com/akos/mcpserver"
)

// TestEnd: when the client has gone, calls that run may end.
func TestEnd(t *testing.T) {
	for name, end := range map[string]func(*client){
		"end of input": func(c *client) { c.in.Close() },
		"signal":       func(c *client) { c.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			g := newGate()
			g.in(h)
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.send(request(1, "vault_import", slow) + "\n")
			g.await(t)
			end(c)
			select {
			case err := <-c.done:
				t.Fatalf("it ended before the call: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			close(g.open)
			rest := c.rest()
			if len(rest) != 1 || parse(t, rest[0]).Result == nil || parse(t, rest[0]).Result.IsError {
				t.Errorf("the answers are %q, want a result", rest)
			}
		})
	}
}

// TestEndWithoutAnswer: nobody waits longer than 2 s for a call that hangs,
// and the call learns of it.
func TestEndWithoutAnswer(t *testing.T) {
	for name, end := range map[string]func(*client){
		"end of input": func(c *client) { c.in.Close() },
		"signal":       func(c *client) { c.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			g := newGate()
			g.in(h)
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.send(request(1, "vault_import", slow) + "\n")
			g.await(t)
			start := time.Now()
			end(c)
			for _, line := range c.rest() {
				if kind, _ := parse(t, line).kind(); kind != "canceled" {
					t.Errorf("answer %s", line)
				}
			}
			if took := time.Since(start); took < 2*time.Second || took > 10*time.Second {
				t.Errorf("it took %v, want 2 s", took)
			}
			select {
			case <-g.left:
			case <-time.After(patience):
				t.Error("the call does not learn that nobody waits")
			}
		})
	}
}

// TestStop: after a signal no further line is answered, though a call that
// runs may still end.
func TestStop(t *testing.T) {
	h := newHome(t)
	g := newGate()
	g.in(h)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.send(request(1, "vault_import", slow) + "\n")
	g.await(t)
	c.stop()
	c.send(ping + "\n")
	close(g.open)
	if rest := c.rest(); len(rest) != 1 || string(parse(t, rest[0]).ID) != "1" {
		t.Errorf("the answers are %q, want that to the call", rest)
	}
}

// TestNobodyReads: a client that reads nothing does not keep the server from
// ending at a signal.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	s := newHome(t).server(t, mcpserver.Options{})
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	t.Cleanup(func() { outR.Close() })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ServeStdio(ctx, inR, outW) }()
	if _, err := io.WriteString(inW, list+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := outR.Read(make([]byte, 1)); err != nil { // it writes now
		t.Fatal(err)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the server does not end")
	}
}

// TestClosedOutput: when the client takes no more, the server ends, whatever
// still runs or may come.
func TestClosedOutput(t *testing.T) {
	h := newHome(t)
	g := newGate()
	g.in(h)
	s := h.server(t, mcpserver.Options{})
	inR, inW := io.Pipe()
	defer inW.Close()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.ServeStdio(t.Context(), inR, outW) }()
	if _, err := io.WriteString(inW, request(1, "vault_import", slow)+"\n"); err != nil {
		t.Fatal(err)
	}
	g.await(t)
	outR.Close()
	if _, err := io.WriteString(inW, ping+"\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the server does not end")
	}
}

// TestHanging: calls that wait for a keychain or a person block nobody else.
func TestHanging(t *testing.T) {
	const n = 100
	h := newHome(t)
	g := newGate()
	g.in(h)
	c := connect(t, h.server(t, mcpserver.Options{}))
	for id := range n {
		c.send(request(id, "vault_import", slow) + "\n")
	}
	for range n {
		g.await(t)
	}
	if r := c.ask(list); string(r.ID) != `"list"` || len(r.Result.Tools) == 0 {
		t.Errorf("tools/list: %.300s", r.raw)
	}
	if r := c.ask(request("fast", "vault_list", `{}`)); string(r.ID) != `"fast"` || r.Result.IsError {
		t.Errorf("vault_list: %s", r.raw)
	}
	close(g.open)
	seen := map[string]bool{}
	for _, line := range c.end() {
		r := parse(t, line)
		if r.Result == nil { // the first stores; the others find the key there
			t.Errorf("answer %s", line)
		}
		seen[string(r.ID)] = true
	}
	if len(seen) != n {
		t.Errorf("%d calls are answered, want %d", len(seen), n)
	}
}

// TestTooManyHanging: there is an end to what may wait, and it is an error and
// not the end of the server.
func TestTooManyHanging(t *testing.T) {
	t.Parallel()
	const most = 4096
	h := newHome(t)
	g := newGate()
	g.in(h)
	c := connect(t, h.server(t, mcpserver.Options{}))
	var lines strings.Builder
	for id := range most {
		lines.WriteString(request(id, "vault_import", slow) + "\n")
	}
	c.send(lines.String())
	for range most {
		g.await(t)
	}
	r := c.ask(request("one more", "vault_import", slow))
	if string(r.ID) != `"one more"` || r.Error == nil || r.Error.Code != -32603 {
		t.Errorf("%.300s", r.raw)
	}
	if r := c.ask(ping); r.Result == nil {
		t.Errorf("%s", r.raw)
	}
	c.stop()
	c.rest()
	for range most {
		<-g.left // before its home goes
	}
}

// TestPanic: of a panic the client learns that there was one, and the log its
// type and place. Its value is nowhere: it may hold anything.
func TestPanic(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			h := newHome(t)
			f := &faulty{gate: newGate()}
			h.keys = f.in
			f.set(t, "panics")
			p := serve(t, h, "--verbose", "--log-format", format)
			for id := range 3 { // and the server lives on
				r := p.ask(request(id, "vault_import", slow))
				if r.Result == nil || r.text() != "internal: internal error" {
					t.Errorf("%s", r.raw)
				}
				if kind, _ := r.kind(); kind != "internal" {
					t.Errorf("kind %q", kind)
				}
				if strings.Contains(r.raw, panicText) {
					t.Errorf("the answer shows the value of the panic: %s", r.raw)
				}
			}
			p.end()
			log := p.errs.String()
			if strings.Contains(log, panicText) {
				t.Errorf("the log shows the value of the panic: %s", log)
			}
			if n := strings.Count(log, "faulty_test.go:"); n < 3 {
				t.Errorf("the log says %d times where it was, want 3: %s", n, log)
			}
		})
	}
}

// TestUnforeseen: an error that nobody foresaw is told in the log alone.
func TestUnforeseen(t *testing.T) {
	h := newHome(t)
	f := &faulty{gate: newGate()}
	h.keys = f.in
	f.set(t, "unforeseen")
	p := serve(t, h)
	if r := p.ask(request(1, "vault_import", slow)); r.text() != "internal: internal error" || strings.Contains(r.raw, panicText) {
		t.Errorf("%s", r.raw)
	}
	p.end()
	if log := p.errs.String(); !strings.Contains(log, panicText) {
		t.Errorf("the log does not say what it was: %s", log)
	}
}

// TestNoEcho: whatever place of a message holds what looks like a credential,
// neither an answer nor the log shows it.
func TestNoEcho(t *testing.T) {
	token := fakeToken()
	p := serve(t, newHome(t), "--verbose")
	call := func(params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`
	}
	method := func(method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	}
	for _, line := range []string{
		`$`, `{"$":`, `"$"`, `["$"]`, `{"jsonrpc":"$","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":["$"],"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":{"$":1}}`, `{"jsonrpc":"2.0","id":1,"method":"ping","$":"$"}`,
		method("$", `{}`), method("tools/$", `{}`), method("ping", `"$"`), method("ping", `{"_meta":"$"}`),
		method("initialize", `{"protocolVersion":"$","capabilities":{},"clientInfo":{"name":"$","version":"$"}}`),
		method("initialize", `{"protocolVersion":{"$":1}}`), method("tools/list", `{"cursor":"$"}`), method("logging/setLevel", `{"level":"$"}`),
		method("resources/read", `{"uri":"$"}`), method("prompts/get", `{"name":"$"}`), method("completion/complete", `{"ref":{"type":"$"}}`),
		method("tasks/get", `{"taskId":"$"}`), method("subscriptions/listen", `{"notifications":{"$":true}}`),
		method("ping", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"$","io.modelcontextprotocol/clientCapabilities":{}}}`),
		method("ping", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":"$"}}`),
		method("tools/list", `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"$"}}`),
		call(`"$"`), call(`{"name":"$"}`), call(`{"name":["$"]}`), call(`{"name":"auth_status","arguments":"$"}`),
		call(`{"name":"auth_status","arguments":{"$":1}}`), call(`{"name":"auth_status","arguments":{"a":"$"}}`),
		call(`{"name":"auth_status","arguments":{"a":"$","a":"$"}}`), call(`{"name":"auth_status","arguments":{"a":{"b":["$"]}}}`),
		call(`{"name":"auth_status","arguments":{},"_meta":{"progressToken":"$"}}`), call(`{"name":"auth_status","task":{"ttl":"$"}}`),
		call(`{"name":"creds_check","arguments":{"secretsFile":"$"}}`), call(`{"name":"connection_inspect","arguments":{"name":"$"}}`),
		call(`{"name":"vault_put","arguments":{"key":"$"}}`), call(`{"name":"vault_put","arguments":{"key":"A","value":"$"}}`),
		call(`{"name":"vault_put","arguments":{"key":"A","scope":"$"}}`), call(`{"name":"vault_import","arguments":{"path":"$"}}`),
	} {
		line = strings.ReplaceAll(line, "$", token)
		if r := p.ask(line); strings.Contains(r.raw, token) {
			t.Errorf("%s\nis answered by\n%s", line, r.raw)
		}
	}
	p.send(`{"jsonrpc":"2.0","method":"notifications/` + token + `","params":{"` + token + `":1}}` + "\n")
	p.end()
	if log := p.errs.String(); strings.Contains(log, token) {
		t.Errorf("the log shows it: %s", log)
	}
}
