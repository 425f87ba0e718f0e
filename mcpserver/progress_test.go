package mcpserver_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// hold has every write wait, as for another process, until release is called.
func (h *home) hold(t testing.TB) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.data, "state.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { db.Close() })
	t.Cleanup(release)
	return release
}

// under returns a call with a progress token, or without one for "".
func under(line, token string) string {
	switch {
	case token == "":
	case strings.Contains(line, `"_meta":{`):
		line = strings.Replace(line, `"_meta":{`, `"_meta":{"progressToken":`+token+`,`, 1)
	default:
		line = strings.TrimSuffix(line, "}}") + `,"_meta":{"progressToken":` + token + `}}}`
	}
	return line
}

// A way is how a client that opens pages calls, and what comes of the call, the
// answer last.
type way struct {
	name string
	call func(t *testing.T, line string, told func()) []response // told is called once there is progress; nil for nobody
	line func(tool, args string) string
}

// ways returns all four, of a server in h.
func ways(t *testing.T, h *home) []way {
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(urlClient))
	w := overHTTP(t, h, mcpserver.Options{}, noAuth)
	a := w.connectAs("", urlClient)
	older := func(tool, args string) string { return request(1, tool, args) }
	modern := func(tool, args string) string { return modernCall(tool, args, "") }
	stdio := func(t *testing.T, line string, told func()) (all []response) {
		t.Helper()
		c.send(line + "\n")
		for len(all) == 0 || all[len(all)-1].Method != "" {
			all = append(all, parse(t, c.recv()))
			if told != nil && all[len(all)-1].Method != "" {
				told()
			}
		}
		return all
	}
	hearing := func(told func()) *web {
		w := *w
		w.heard = func(line string) {
			if told != nil && strings.Contains(line, "notifications/progress") {
				told()
			}
		}
		return &w
	}
	read := func(res answer) []response {
		if all := res.messages(); len(all) > 0 {
			return all
		}
		return []response{res.rpc()}
	}
	return []way{
		{"stdio older", stdio, older},
		{"stdio modern", stdio, modern},
		{"http older", func(_ *testing.T, line string, told func()) []response {
			return read((&agent{hearing(told), a.headers}).post(line))
		}, older},
		{"http modern", func(_ *testing.T, line string, told func()) []response {
			tool, _, _ := strings.Cut(line[strings.Index(line, `"name":"`)+len(`"name":"`):], `"`)
			return read(hearing(told).send("POST", "/mcp", line, modernHeaders("", "tools/call", tool)...))
		}, modern},
	}
}

// told fails unless all but the last of messages are progress under token with
// text, in their order, and returns how many they are.
func told(t *testing.T, messages []response, token, text string) int {
	t.Helper()
	last := 0.0
	for i, r := range messages[:len(messages)-1] {
		var m struct {
			Params struct {
				Token    json.RawMessage `json:"progressToken"`
				Progress float64
				Total    *float64
				Message  string
			}
		}
		if err := json.Unmarshal([]byte(r.raw), &m); err != nil || r.Method != "notifications/progress" {
			t.Fatalf("message %d: %s", i, r.raw)
		}
		var got, want string
		isText := json.Unmarshal(m.Params.Token, &got) == nil && json.Unmarshal([]byte(token), &want) == nil && got == want
		if !isText && string(m.Params.Token) != token {
			t.Errorf("the token %s came back as %s", token, m.Params.Token)
		}
		if m.Params.Progress <= last || m.Params.Total != nil || m.Params.Message != text {
			t.Errorf("after %v: %s", last, r.raw)
		}
		last = m.Params.Progress
	}
	if end := messages[len(messages)-1]; end.Result == nil {
		t.Fatalf("no result at the end: %s", end.raw)
	}
	return len(messages) - 1
}

// waited returns messages without those that say "still at work": what a slow
// call says before and after it waits for somebody.
func waited(messages []response) []response {
	return slices.DeleteFunc(slices.Clone(messages), func(r response) bool { return strings.Contains(r.raw, `"message":"still at work"`) })
}

// TestProgress: a call that waits says so under the token that it was given,
// of its own type, before the answer; one without such a token is silent.
func TestProgress(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		h := newHome(t)
		stored := unguessable()
		h.store(t, "LINEAR_API_KEY", workspace.ScopeWorkspace, stored)
		n, w := 0, ways(t, h)[i]
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.call(t, w.line("vault_list", `{}`), nil) // the state is open
			for _, token := range []string{`"t-1"`, `"7"`, `7`, `-3`, `12345678901234567890123`, `"\u00e9<&> \"a\""`, `""`} {
				n++
				release := h.hold(t)
				all := w.call(t, under(w.line("connection_create", fmt.Sprintf(`{"kind":"slack","name":"n%d","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`, n)), token), release)
				if got := told(t, all, token, "still at work"); got == 0 {
					t.Errorf("%s: told nothing", token)
				}
			}
			for _, token := range []string{
				"", `null`, `1.5`, `1e3`, `true`, `{"a":1}`, `["a"]`, `[1]`, `"` + strings.Repeat("x", 1<<10) + `"`,
				`"` + fakeToken() + `"`, `"` + stored + `"`, `"Bearer ` + stored + `"`, `"\u00` + fmt.Sprintf("%x", stored[0]) + stored[1:] + `"`,
			} {
				n++
				release := h.hold(t)
				time.AfterFunc(200*time.Millisecond, release)
				all := w.call(t, under(w.line("connection_create", fmt.Sprintf(`{"kind":"slack","name":"n%d","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`, n)), token), nil)
				if len(all) != 1 || all[0].Result == nil || all[0].Result.IsError {
					t.Errorf("%.100s: %d messages, the last %s", token, len(all), all[len(all)-1].raw)
				}
			}
		})
	}
}

// TestProgressGoesOn: it is told about each second, and of a call that is
// answered at once nothing.
func TestProgressGoesOn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for i, w := range ways(t, h) {
		t.Run(w.name, func(t *testing.T) {
			w.call(t, w.line("vault_list", `{}`), nil)
			args := fmt.Sprintf(`{"kind":"slack","name":"long%d","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`, i)
			release := h.hold(t)
			time.AfterFunc(2500*time.Millisecond, release)
			if n := told(t, w.call(t, under(w.line("connection_create", args), `1`), nil), `1`, "still at work"); n < 2 || n > 4 {
				t.Errorf("told %d times in 2.5 s", n)
			}
			began := time.Now()
			n := told(t, w.call(t, under(w.line("connection_remove", fmt.Sprintf(`{"name":"long%d"}`, i)), `1`), nil), `1`, "still at work")
			if took := time.Since(began); n != 0 && took < 100*time.Millisecond {
				t.Errorf("told %d times in %v", n, took)
			}
		})
	}
}

// TestProgressOfPerson: a call that waits for a person says so at once where
// the client of an older revision is asked, and until the call is canceled.
func TestProgressOfPerson(t *testing.T) {
	t.Parallel()
	h := entryHome(t)
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
	line := func(key string) string {
		return under(request(1, "vault_put", `{"key":"`+key+`"}`), `"t"`)
	}
	t.Run("stdio", func(t *testing.T) {
		c := connect(t, h.server(t, mcpserver.Options{}))
		c.ask(hello(urlClient))
		question := func(line string) (ask response, before []response) {
			c.send(line + "\n")
			for ask = parse(t, c.recv()); ask.Method == "notifications/progress"; ask = parse(t, c.recv()) {
				before = append(before, ask)
			}
			if rest := waited(before); len(rest) > 0 {
				t.Errorf("it waits before it asks: %s", rest[0].raw)
			}
			return ask, before
		}
		ask, _ := question(line("GITHUB_TOKEN"))
		url := asksFor(t, ask)
		waiting := []response{parse(t, c.recv()), parse(t, c.recv())}
		submit(t, url, map[string]string{"line-0": entered})
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`+"\n", ask.ID))
		for waiting[len(waiting)-1].Method != "" {
			if r := parse(t, c.recv()); r.Method != "notifications/elicitation/complete" {
				waiting = append(waiting, r)
			}
		}
		if n := told(t, waited(waiting), `"t"`, "waiting for the person"); n < 2 {
			t.Errorf("told %d times", n)
		}
		if e := entryOf(t, waiting[len(waiting)-1]); e.Status != "stored" {
			t.Errorf("%+v", e)
		}

		_, told := question(line("LINEAR_API_KEY"))
		if told = append(told, parse(t, c.recv())); !strings.Contains(told[0].raw, `"progress":1,`) {
			t.Errorf("another call counts anew: %s", told[0].raw)
		}
		c.send(cancel + "\n")
		time.Sleep(1500 * time.Millisecond)
		c.send(ping + "\n")
		for {
			r := parse(t, c.recv())
			if r.Method == "notifications/progress" {
				t.Errorf("after the cancel: %s", r.raw)
			}
			if string(r.ID) == `"ping"` {
				break
			}
		}
	})
	t.Run("http", func(t *testing.T) {
		w := overHTTP(t, h, mcpserver.Options{}, noAuth)
		a, said := w.connectAs("", urlClient).hearing("waiting for the person")
		done := make(chan answer, 1)
		go func() { done <- a.post(line("SENTRY_AUTH_TOKEN")) }()
		soon(t, "it says that it waits", said)
		a.post(cancel).is(http.StatusAccepted, 0)
		res := <-done
		if n := strings.Count(res.body, "waiting for the person"); n != 1 {
			t.Errorf("told %d times before the cancel: %s", n, res.body)
		}
		if ask, first := strings.Index(res.body, "elicitation/create"), strings.Index(res.body, "waiting for the person"); ask < 0 || first < ask {
			t.Errorf("the question comes first: %s", res.body)
		}
	})
	// A client of the newest revision calls again and waits, for 4 s.
	for i, w := range ways(t, h) {
		if !strings.HasSuffix(w.name, "modern") {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			args := fmt.Sprintf(`{"key":"KEY_%d"}`, i)
			all := w.call(t, under(w.line("vault_put", args), `5`), nil)
			if all = waited(all); len(all) != 1 {
				t.Fatalf("%d messages before a question", len(all)-1)
			}
			more := fmt.Sprintf(`,"inputResponses":{"page":{"action":"accept"}},"requestState":%q`, requestState(t, all[0]))
			all = waited(w.call(t, under(modernCall("vault_put", args, more), `6`), nil))
			if n := told(t, all, `6`, "waiting for the person"); n < 3 || n > 5 {
				t.Errorf("told %d times in 4 s", n)
			}
			if e := entryOf(t, all[len(all)-1]); e.Status != "pending" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// A farDesk is an authorization server that takes its time, whoever has gone.
type farDesk struct{ *desk }

func (d farDesk) Begin(ctx context.Context, req workspace.LoginRequest) (workspace.DeviceLogin, error) {
	time.Sleep(1400 * time.Millisecond)
	return d.desk.Begin(ctx, req)
}

// TestProgressOfServer: auth_login says that it waits for the server, and no
// more once it is canceled, even if what it does goes on.
func TestProgressOfServer(t *testing.T) {
	t.Parallel()
	h, d := loginHome(t)
	h.with = func(o *workspace.Options) { o.Authority = farDesk{d} }
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(`{}`))
	first := c.ask(under(request(1, "auth_login", `{}`), `"canceled"`))
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}` + "\n")
	if !strings.Contains(first.raw, `"message":"waiting for the server"`) {
		t.Errorf("first comes %s", first.raw)
	}
	for next := first; next.Method != ""; {
		if next = parse(t, c.recv()); next.Method == "notifications/progress" {
			t.Errorf("after the cancel: %s", next.raw)
		}
	}
	h, d = loginHome(t)
	h.with = func(o *workspace.Options) { o.Authority = farDesk{d} }
	c = connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(`{}`))
	c.send(under(request(1, "auth_login", `{}`), `"login"`) + "\n")
	all := []response{parse(t, c.recv())}
	for all[len(all)-1].Method != "" {
		all = append(all, parse(t, c.recv()))
	}
	if told(t, all, `"login"`, "waiting for the server") == 0 {
		t.Error("told nothing")
	}
}

// TestProgressToNobody: a client that takes nothing holds up no call.
func TestProgressToNobody(t *testing.T) {
	h := newHome(t)
	c, _ := deaf(t, h.server(t, mcpserver.Options{}))
	release := h.hold(t)
	c.send(under(request(1, "connection_create", `{"kind":"slack","name":"unheard","vaultKeys":{"token":"SLACK_BOT_TOKEN"}}`), `1`) + "\n")
	time.Sleep(500 * time.Millisecond) // it would have been told by now
	release()
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := w.Connection(t.Context(), "unheard"); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the connection is not made")
		}
	}
}
