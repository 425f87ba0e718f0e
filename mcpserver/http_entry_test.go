package mcpserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
)

// TestHTTPEntry: two tenants are asked for the same key on two pages, and what
// one person enters is the one tenant's.
func TestHTTPEntry(t *testing.T) {
	h := entryHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "bob", "beta")
	w := overHTTP(t, h, mcpserver.Options{})
	adas, bobs := h.token(t, "ada", "acme", "read", "write"), h.token(t, "bob", "beta", "read", "write")
	ada, bob := w.connect(adas), w.connect(bobs)
	const put = `{"key":"GITHUB_TOKEN"}`
	first, second := entryOf(t, ada.call("vault_put", put)), entryOf(t, bob.call("vault_put", put))
	if first.Status != "pending" || second.Status != "pending" || first.EntryURL == second.EntryURL {
		t.Fatalf("%+v %+v", first, second)
	}
	if again := entryOf(t, ada.call("vault_put", put)); again != first {
		t.Errorf("called again: %+v", again)
	}
	if page := look(t, first.EntryURL); !strings.Contains(page, "<bdi>test</bdi>") {
		t.Errorf("the page does not say whose it is: %s", page)
	}
	if status := submit(t, first.EntryURL, map[string]string{"line-0": entered}); status != http.StatusSeeOther {
		t.Fatalf("status %d", status)
	}
	if e := entryOf(t, bob.call("vault_put", put)); e != second {
		t.Errorf("bob: %+v", e)
	}
	if e := entryOf(t, ada.call("vault_put", put)); e.Status != "stored" {
		t.Errorf("ada: %+v", e)
	}
	if text := bob.call("vault_list", `{}`).text(); strings.Contains(text, "GITHUB_TOKEN") {
		t.Errorf("bob has %s", text)
	}

	// What ada's client was asked in the newest revision, bob's does not answer.
	call := func(token, more string) answer {
		return w.modernCall(token, "vault_put", `{"key":"LINEAR_API_KEY"}`, more)
	}
	state := call(adas, "").asks()
	more := `,"requestState":"` + state + `","inputResponses":{"page":{"action":"cancel"}}`
	if kind, _ := call(bobs, more).rpc().kind(); kind != "invalid" {
		t.Errorf("bob answers for ada: %q", kind)
	}
	if e := entryOf(t, call(adas, more).rpc()); e.Status != "pending" {
		t.Errorf("ada: %+v", e)
	}
}

// TestHTTPEntryAskers: nobody's pages take the places of others, and nobody is
// led to the page of another, where another's agent says what it is for.
func TestHTTPEntryAskers(t *testing.T) {
	h := entryHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "eve", "acme")
	h.account(t, "bob", "beta")
	w := overHTTP(t, h, mcpserver.Options{})
	ada, eve, bob := w.connect(h.token(t, "ada", "acme", "write")), w.connect(h.token(t, "eve", "acme", "write")), w.connect(h.token(t, "bob", "beta", "write"))
	const put = `{"key":"GITHUB_TOKEN"}`
	first := entryOf(t, eve.call("vault_put", put))
	for i := range 16 {
		r := eve.call("vault_put", fmt.Sprintf(`{"key":"KEY_%d"}`, i))
		if refused := strings.Contains(r.text(), "16 pages wait"); refused != (i == 15) {
			t.Errorf("page %d: %s", i, r.raw)
		}
	}
	for who, a := range map[string]*agent{"ada": ada, "bob": bob} {
		if e := entryOf(t, a.call("vault_put", put)); e.Status != "pending" || e.EntryURL == first.EntryURL {
			t.Errorf("%s: %+v", who, e)
		}
	}
}

// TestHTTPElicitation: an older client is asked to open the page on the stream
// of its own call, and its answer comes in a request of its own.
func TestHTTPElicitation(t *testing.T) {
	h := entryHome(t)
	h.account(t, "ada", "acme")
	h.account(t, "eve", "acme")
	w := overHTTP(t, h, mcpserver.Options{})
	token := h.token(t, "ada", "acme", "read", "write")
	a := w.connectAs(token, `{"elicitation":{"url":{}}}`)
	req, err := http.NewRequest("POST", w.url, strings.NewReader(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	for i := 0; i < len(a.headers); i += 2 {
		req.Header.Set(a.headers[i], a.headers[i+1])
	}
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	r := bufio.NewReader(stream.Body)
	next := func() string {
		for {
			line, err := r.ReadString('\n')
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				return data
			}
			if err != nil {
				t.Fatalf("the stream ends: %v", err)
			}
		}
	}
	var question struct {
		ID, Method string
		Params     struct{ Mode, URL string }
	}
	if data := next(); json.Unmarshal([]byte(data), &question) != nil || question.Method != "elicitation/create" || question.Params.Mode != "url" || question.ID == "" {
		t.Fatalf("it asks %s", data)
	}
	reply := `{"jsonrpc":"2.0","id":"` + question.ID + `","result":{"action":"decline"}}`
	eve := w.connect(h.token(t, "eve", "acme", "read"))
	eve.post(reply).is(202, 0)                                                                                         // of another session: it answers nothing
	a.post(strings.Replace(reply, question.ID, "akos-nothing", 1)).is(202, 0)                                          // to no question
	if status := submit(t, question.Params.URL, map[string]string{"line-0": entered}); status != http.StatusSeeOther { // the person does it
		t.Fatalf("status %d", status)
	}
	a.post(strings.Replace(reply, "decline", "accept", 1)).is(202, 0)
	a.post(reply).is(202, 0) // a second answer is none
	if e := entryOf(t, parse(t, strings.TrimSpace(next()))); e.Status != "stored" {
		t.Errorf("%+v", e)
	}
}
