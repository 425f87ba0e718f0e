package mcpserver_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/mcpserver"
)

// An era is how a client is asked to open a page, and answers.
type era struct {
	name string
	// call returns the line of a call, of a client that opens pages.
	call func(tool, args string) string
	// answer answers the question ask of that call, and returns what comes.
	answer func(c *client, tool, args string, ask response, action string) response
}

const urlClient = `{"elicitation":{"url":{}},"roots":{}}`

func modernCall(tool, args, more string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s%s,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientInfo":{"name":"modern","version":"1"},"io.modelcontextprotocol/clientCapabilities":%s}}}`, tool, args, more, urlClient)
}

func eras(t *testing.T) []era {
	return []era{
		{"older", func(tool, args string) string { return request(1, tool, args) },
			func(c *client, _, _ string, ask response, action string) response {
				c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":%q}}`+"\n", ask.ID, action))
				return parse(t, c.recv())
			}},
		{"stateless", func(tool, args string) string { return modernCall(tool, args, "") },
			func(c *client, tool, args string, ask response, action string) response {
				return c.ask(modernCall(tool, args, fmt.Sprintf(`,"inputResponses":{"page":{"action":%q}},"requestState":%q`, action, requestState(t, ask))))
			}},
	}
}

// asksFor fails the test unless ask asks to open the page of an entry, and
// returns its address.
func asksFor(t *testing.T, ask response) string {
	t.Helper()
	_, rest, ok := strings.Cut(ask.raw, `"url":"http://127.0.0.1:`)
	if !ok || !strings.Contains(ask.raw, `"mode":"url"`) || !strings.Contains(ask.raw, "Enter GITHUB_TOKEN on a page of akos") || strings.Contains(ask.raw, "because") {
		t.Fatalf("it asks for no page: %s", ask.raw)
	}
	address, _, _ := strings.Cut(rest, `"`)
	return "http://127.0.0.1:" + address
}

// TestLadder: what each answer of a client that opens pages leads to.
func TestLadder(t *testing.T) {
	const args = `{"key":"GITHUB_TOKEN","reason":"because"}`
	for _, e := range eras(t) {
		for _, test := range []struct {
			name, action string
			after        time.Duration
			typed        bool
			want         string
		}{
			{"declined before anybody could read it", "decline", 0, false, "pending"},
			{"declined", "decline", 1200 * time.Millisecond, false, "declined"},
			{"canceled", "cancel", 1200 * time.Millisecond, false, "pending"},
			{"accepted, and typed", "accept", 0, true, "stored"},
			{"accepted, and not typed yet", "accept", 0, false, "pending"},
			{"an action that is none", "nonsense", 1200 * time.Millisecond, false, "pending"},
		} {
			t.Run(e.name+" "+test.name, func(t *testing.T) {
				t.Parallel()
				h := entryHome(t)
				c := connect(t, h.server(t, mcpserver.Options{}))
				c.ask(hello(urlClient))
				ask := c.ask(e.call("vault_put", args))
				url := asksFor(t, ask)
				var completed []string
				c.skip = func(line string) bool {
					is := strings.Contains(line, "elicitation/complete")
					if is {
						completed = append(completed, line)
					}
					return is
				}
				if r := c.ask(ping); r.Result == nil {
					t.Error("it answers nothing else meanwhile")
				}
				time.Sleep(test.after)
				if test.typed {
					time.AfterFunc(200*time.Millisecond, func() { submit(t, url, map[string]string{"line-0": entered}) })
				}
				began := time.Now()
				got := entryOf(t, e.answer(c, "vault_put", args, ask, test.action))
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("it took %v", took)
				}
				if got.Status != test.want || (got.EntryURL == url) != (test.want == "pending") {
					t.Fatalf("%+v, want %s", got, test.want)
				}
				// The page lives on where it waits, and is dead where it does not.
				resp, err := http.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if (resp.StatusCode == 200) != (test.want == "pending") {
					t.Errorf("the page answers %d", resp.StatusCode)
				}
				if test.want == "pending" {
					// Nobody is asked twice to open one page.
					if again := entryOf(t, c.ask(e.call("vault_put", args))); again != got {
						t.Errorf("called again: %+v", again)
					}
					submit(t, url, map[string]string{"line-0": entered})
					if end := entryOf(t, c.ask(e.call("vault_put", args))); end.Status != "stored" {
						t.Errorf("%+v", end)
					}
				}
				// A client of the older era is told of a store, once, and of nothing else.
				var told []string
				if id := regexp.MustCompile(`"elicitationId":"([^"]+)"`).FindStringSubmatch(ask.raw); e.name == "older" && test.want != "declined" {
					told = []string{`{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"` + id[1] + `"}}`}
				}
				for end := time.Now().Add(patience); len(completed) < len(told) && time.Now().Before(end); {
					c.ask(ping)
					time.Sleep(20 * time.Millisecond)
				}
				if completed = append(completed, c.end()...); !slices.Equal(completed, told) {
					t.Errorf("the client is told %q, want %q", completed, told)
				}
			})
		}
	}
}

// TestCompleteEnds: nothing waits for a page once its client has gone.
func TestCompleteEnds(t *testing.T) {
	h := entryHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(urlClient))
	asksFor(t, c.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)))
	until := func(want bool) {
		t.Helper()
		all := make([]byte, 1<<20)
		for deadline := time.Now().Add(patience); bytes.Contains(all[:runtime.Stack(all, true)], []byte("(*conn).complete")) != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("something waits for the page: %v", !want)
			}
		}
	}
	until(true)
	c.end()
	until(false)
}

// TestLadderNoAnswer: a client that never answers is waited for, and not
// longer than 20 s; the answer then has the address.
func TestLadderNoAnswer(t *testing.T) {
	t.Parallel()
	h := entryHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(urlClient))
	began := time.Now()
	url := asksFor(t, c.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)))
	// Meanwhile another call learns where the page is, and the list is there.
	if e := entryOf(t, c.ask(request(2, "vault_put", `{"key":"GITHUB_TOKEN"}`))); e.EntryURL != url {
		t.Errorf("%+v", e)
	}
	c.ask(list)
	if cancelled := parse(t, c.recv()); cancelled.Method != "notifications/cancelled" {
		t.Error(cancelled.raw)
	}
	if e := entryOf(t, parse(t, c.recv())); e.Status != "pending" || e.EntryURL != url {
		t.Errorf("%+v", e)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestLadderCrowd: a hundred calls whose client answers nothing keep nobody
// else waiting.
func TestLadderCrowd(t *testing.T) {
	h := entryHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(urlClient))
	for i := range 100 {
		c.send(request(i, "vault_put", fmt.Sprintf(`{"key":"KEY_%d"}`, i)) + "\n")
	}
	asked, refused := 0, 0
	for range 100 {
		switch r := parse(t, c.recv()); {
		case r.Method == "elicitation/create":
			asked++
		case strings.Contains(r.text(), "16 pages wait") && strings.Contains(r.text(), "hint: akos vault put KEY_"):
			refused++
		default:
			t.Error(r.raw)
		}
	}
	if asked != 16 || refused != 84 {
		t.Errorf("%d asked, %d refused", asked, refused)
	}
	began := time.Now()
	if r := c.ask(list); r.Result == nil || time.Since(began) > 10*time.Second { // the questions take 15
		t.Errorf("the list took %v", time.Since(began))
	}
}

// TestRequestState: what a stateless client sends back is looked at: nobody
// makes it up, moves it to another call, or declines another page with it.
func TestRequestState(t *testing.T) {
	h := entryHome(t)
	s := h.server(t, mcpserver.Options{})
	c := connect(t, s)
	const args = `{"key":"GITHUB_TOKEN","scope":"workspace"}`
	ask := c.ask(modernCall("vault_put", args, ""))
	url, state := asksFor(t, ask), requestState(t, ask)
	head, sig, _ := strings.Cut(state, ".")
	plain, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || strings.Contains(url, head) || strings.Contains(string(plain), strings.SplitAfter(url, "/enter/")[1]) {
		t.Errorf("the state leads to the page: %s %v", plain, err)
	}
	old := base64.RawURLEncoding.EncodeToString(bytes.Replace(plain, []byte(`"at":`), []byte(`"at":1,"x":`), 1))
	other := connect(t, h.server(t, mcpserver.Options{}))
	foreign := requestState(t, other.ask(modernCall("vault_put", `{"key":"ANOTHER"}`, "")))
	time.Sleep(1100 * time.Millisecond)
	for what, line := range map[string]string{
		"none":             modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}}`),
		"empty":            modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":""`),
		"no signature":     modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+head+`"`),
		"another time":     modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+old+"."+sig+`"`),
		"a signature less": modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+state[:len(state)-4]+`"`),
		"of another call":  modernCall("vault_put", `{"key":"OTHER"}`, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+state+`"`),
		"of another tool":  modernCall("creds_set", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+state+`"`),
		"of another scope": modernCall("vault_put", `{"key":"GITHUB_TOKEN","scope":"tenant"}`, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+state+`"`),
		"of a stranger":    modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"decline"}},"requestState":"`+foreign+`"`),
	} {
		if r := c.ask(line); !strings.HasPrefix(r.text(), "invalid: the requestState") {
			t.Errorf("%s: %s", what, r.raw)
		}
	}
	// The same arguments in another order are the same call.
	retry := func(args, action string) entryResult {
		return entryOf(t, c.ask(modernCall("vault_put", args, `,"inputResponses":{"page":{"action":"`+action+`"}},"requestState":"`+state+`"`)))
	}
	if e := retry(`{ "scope":"workspace", "key":"GITHUB_TOKEN" }`, "cancel"); e.Status != "pending" || e.EntryURL != url {
		t.Errorf("%+v", e)
	}
	if e := retry(args, "decline"); e.Status != "declined" {
		t.Errorf("%+v", e)
	}
	if got := h.audited(t, "GITHUB_TOKEN"); !strings.HasPrefix(got, "mcp entry.decline a page for ") {
		t.Errorf("the audit says %q", got)
	}
	// Said again, it is about that page still, and not about a new one.
	if e := retry(args, "decline"); e.Status != "declined" {
		t.Errorf("%+v", e)
	}
	next := asksFor(t, c.ask(modernCall("vault_put", args, "")))
	if e := retry(args, "decline"); e.Status != "declined" {
		t.Errorf("%+v", e)
	}
	if code := submit(t, next, map[string]string{"line-0": entered}); code != http.StatusSeeOther {
		t.Errorf("an old answer ended a new page: %d", code)
	}
}

// TestNoPage: where no browser can reach this machine, the answer is the
// command for a person; by the real binary.
func TestNoPage(t *testing.T) {
	for name, test := range map[string]struct {
		env  string
		args []string
		page bool
	}{
		"a browser":        {"", nil, true},
		"--no-entry-page":  {"", []string{"--no-entry-page"}, false},
		"SSH_CONNECTION":   {"SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", nil, false},
		"SSH_TTY":          {"SSH_TTY=/dev/pts/1", nil, false},
		"an empty SSH_TTY": {"SSH_TTY=", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			if name, value, ok := strings.Cut(test.env, "="); ok {
				h.env[name] = value
			}
			p := start(t, h, append(test.args, "--verbose")...)
			p.ask(hello(`{}`))
			r := p.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`))
			if !test.page {
				if kind, _ := r.kind(); kind != "human_needed" || !strings.Contains(r.text(), "hint: akos vault put GITHUB_TOKEN --workspace "+h.dir) {
					t.Error(r.raw)
				}
			} else {
				e := entryOf(t, r)
				if code := submit(t, e.EntryURL, map[string]string{"line-0": entered}); code != http.StatusSeeOther {
					t.Error(code)
				}
				if e := entryOf(t, p.ask(request(2, "vault_put", `{"key":"GITHUB_TOKEN"}`))); e.Status != "stored" {
					t.Errorf("%+v", e)
				}
				entryOf(t, p.ask(request(3, "vault_put", `{"key":"GITHUB_TOKEN"}`))) // it waits when the process ends
			}
			p.in.Close()
			p.ends(0)
			if strings.Contains(p.errs.String(), entered) || strings.Contains(p.errs.String(), "/enter/") {
				t.Errorf("the log: %s", p.errs.String())
			}
			h.hides(t, entered)
		})
	}
}
