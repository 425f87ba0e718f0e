package mcpserver_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/entry"
	_ "github.com/ncruces/go-sqlite3/driver"
)

// entryHome returns a home where values are entered on a page.
func entryHome(t testing.TB) *home {
	h := newHome(t)
	d := entry.New(entry.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = d.Close() })
	h.with = func(o *workspace.Options) { o.Desk = d }
	return h
}

const entered = "fake-value-that-was-typed"

// An entryResult is what vault_put says of an entry.
type entryResult struct{ Status, Key, Scope, Source, EntryURL string }

// entryOf returns what r says of an entry.
func entryOf(t *testing.T, r response) (e entryResult) {
	t.Helper()
	if r.Result == nil || r.Result.IsError || json.Unmarshal(r.Result.Structured, &e) != nil || e.Status == "" {
		t.Fatalf("no state of an entry: %s", r.raw)
	}
	if strings.Contains(r.raw, entered) {
		t.Fatal("the answer holds the value")
	}
	// What it looks like, and how many there were, is the person's.
	if strings.Contains(r.raw, "notice") || strings.Contains(r.raw, "version\\") || strings.Contains(r.raw, "look like") {
		t.Errorf("the agent learns more of the value than that it is there: %s", r.raw)
	}
	return e
}

// look returns a page as a person's browser gets it.
func look(t testing.TB, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// submit sends the form of a page as a browser does, and returns the status.
func submit(t testing.TB, url string, fields map[string]string) int {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	r, err := http.NewRequest(http.MethodPost, url, &b)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	origin, _, _ := strings.Cut(url, "/enter/")
	r.Header.Set("Origin", origin)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if strings.Contains(string(body), entered) {
		t.Error("the page shows the value")
	}
	return resp.StatusCode
}

// TestEntry: without a client that opens pages the result has the address,
// the same one until the person is done, and then the outcome.
func TestEntry(t *testing.T) {
	for name, capabilities := range map[string]string{"none": `{}`, "empty": `{"elicitation":{}}`, "forms": `{"elicitation":{"form":{}}}`} {
		t.Run(name, func(t *testing.T) {
			h := entryHome(t)
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.ask(hello(capabilities))
			first := entryOf(t, c.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN","reason":"to open pull requests"}`)))
			if first.Status != "pending" || first.Key != "GITHUB_TOKEN" || first.Scope != "workspace" || !strings.HasPrefix(first.EntryURL, "http://127.0.0.1:") {
				t.Errorf("%+v", first)
			}
			if again := entryOf(t, c.ask(request(2, "vault_put", `{"key":"github_token"}`))); again != first {
				t.Errorf("called again: %+v", again)
			}
			if other := entryOf(t, c.ask(request(3, "vault_put", `{"key":"GITHUB_TOKEN","scope":"tenant"}`))); other.EntryURL == first.EntryURL || other.Scope != "tenant" {
				t.Errorf("another scope: %+v", other)
			}
			page := look(t, first.EntryURL)
			for _, want := range []string{"GITHUB_TOKEN", "GitHub", "“test”", "to open pull requests", "the workspace <bdi>app</bdi>"} {
				if want = strings.NewReplacer("“", "<q><bdi>", "”", "</bdi></q>").Replace(want); !strings.Contains(page, want) {
					t.Errorf("the page lacks %q: %s", want, page)
				}
			}
			if code := submit(t, first.EntryURL, map[string]string{"line-0": entered}); code != http.StatusSeeOther {
				t.Fatal(code)
			}
			if done := entryOf(t, c.ask(request(4, "vault_put", `{"key":"GITHUB_TOKEN"}`))); done != (entryResult{"stored", "GITHUB_TOKEN", "workspace", "file", ""}) {
				t.Errorf("%+v", done)
			}
			if r := c.ask(request(5, "creds_check", `{"provider":["github"]}`)); !strings.Contains(r.raw, `"ok":true`) {
				t.Error(r.raw)
			}
			if next := entryOf(t, c.ask(request(6, "vault_put", `{"key":"GITHUB_TOKEN"}`))); next.Status != "pending" || next.EntryURL == first.EntryURL {
				t.Errorf("an end is told once: %+v", next)
			}
			if got, want := h.audited(t, "GITHUB_TOKEN"), `mcp vault.put version 1, entered on a page for "test"`; got != want {
				t.Errorf("the audit says %q, want %q", got, want)
			}
			// A page that nobody fills in is noted as well.
			if code := submit(t, entryOf(t, c.ask(request(7, "vault_put", `{"key":"GITHUB_TOKEN"}`))).EntryURL, map[string]string{"decision": "decline"}); code != http.StatusSeeOther {
				t.Fatal(code)
			}
			if got, want := h.audited(t, "GITHUB_TOKEN"), `mcp entry.decline a page for "test"`; got != want {
				t.Errorf("the audit says %q, want %q", got, want)
			}
			h.hides(t, entered)
		})
	}
}

// TestEntryForAValue: a client that calls itself what is stored is not named, on
// the page or in the audit.
func TestEntryForAValue(t *testing.T) {
	h := entryHome(t)
	v := hex.EncodeToString([]byte(fakeToken()))
	h.store(t, "SENTRY_AUTH_TOKEN", workspace.ScopeWorkspace, v)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(strings.Replace(hello(`{}`), `"name":"test"`, `"name":"`+v+`"`, 1))
	e := entryOf(t, c.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)))
	page := look(t, e.EntryURL)
	if !strings.Contains(page, "GITHUB_TOKEN") || strings.Contains(page, v[:20]) {
		t.Errorf("%s", page)
	}
	if code := submit(t, e.EntryURL, map[string]string{"line-0": entered}); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	if got, want := h.audited(t, "GITHUB_TOKEN"), `mcp vault.put version 1, entered on a page for ""`; got != want {
		t.Errorf("the audit says %q, want %q", got, want)
	}
}

// audited returns the last line of the audit about key.
func (h *home) audited(t testing.TB, key string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.data, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var actor, op, detail string
	if err := db.QueryRow(`SELECT actor, op, detail FROM audit WHERE subject = ? ORDER BY rowid DESC`, key).Scan(&actor, &op, &detail); err != nil {
		t.Fatal(err)
	}
	return actor + " " + op + " " + detail
}

// hides fails the test if a file of the state holds value.
func (h *home) hides(t testing.TB, value string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(h.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		n++
		for _, form := range []string{value, base64.StdEncoding.EncodeToString([]byte(value)), fmt.Sprintf("%x", value)} {
			if bytes.Contains(data, []byte(form)) {
				t.Errorf("%s holds the value", path)
			}
		}
		return err
	})
	if err != nil || n == 0 {
		t.Errorf("%d files: %v", n, err)
	}
}

// TestEntrySeveral: one page for all that a provider lacks, which is stored
// as a whole, and whose end is told although nothing is missing then.
func TestEntrySeveral(t *testing.T) {
	h := entryHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(initialize)
	type several struct{ Results []entryResult }
	call := func() (s several) {
		r := c.ask(request(1, "creds_set", `{"provider":"twilio"}`))
		if r.Result == nil || r.Result.IsError || json.Unmarshal(r.Result.Structured, &s) != nil || len(s.Results) != 2 {
			t.Fatal(r.raw)
		}
		return s
	}
	first := call()
	url := first.Results[0].EntryURL
	if url == "" || first.Results[1].EntryURL != url || first.Results[0].Status != "pending" || first.Results[0].Key == first.Results[1].Key {
		t.Errorf("%+v", first)
	}
	if other := c.ask(request(1, "creds_set", `{"provider":"github"}`)); strings.Contains(other.raw, url) || !strings.Contains(other.raw, "GITHUB_TOKEN") {
		t.Errorf("two providers are one page: %s", other.raw)
	}
	if code := submit(t, url, map[string]string{"line-0": entered}); code != http.StatusUnprocessableEntity {
		t.Errorf("half of it: %d", code)
	}
	if r := c.ask(request(2, "vault_list", `{}`)); strings.Contains(r.raw, "TWILIO") {
		t.Errorf("half of it is stored: %s", r.raw)
	}
	if code := submit(t, url, map[string]string{"line-0": entered, "line-1": entered}); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	for _, r := range call().Results {
		if r.Status != "stored" || r.EntryURL != "" {
			t.Errorf("%+v", r)
		}
	}
	if kind, _ := c.ask(request(3, "creds_set", `{"provider":"twilio"}`)).kind(); kind != "invalid" {
		t.Errorf("nothing is missing: %q", kind)
	}
	// creds_set and vault_put of one key are one page.
	one := c.ask(request(4, "creds_set", `{"key":"GITHUB_TOKEN"}`))
	if e := entryOf(t, c.ask(request(5, "vault_put", `{"key":"GITHUB_TOKEN"}`))); !strings.Contains(one.raw, e.EntryURL) {
		t.Errorf("%+v, and %s", e, one.raw)
	}
	for args, want := range map[string]string{`{}`: "invalid", `{"provider":"nonsense"}`: "invalid", `{"key":"NOT_IN_THE_CATALOG"}`: "invalid", `{"provider":"slack","key":"SLACK_BOT_TOKEN"}`: "invalid"} {
		if kind, _ := c.ask(request(6, "creds_set", args)).kind(); kind != want {
			t.Errorf("%s: %q, want %q", args, kind, want)
		}
	}
}

// TestEntryBound: a page stores where it said, or nowhere.
func TestEntryBound(t *testing.T) {
	h := entryHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(initialize)
	first := entryOf(t, c.ask(request(1, "vault_put", `{"key":"GITHUB_TOKEN"}`)))
	untrust(t, h)
	if code := submit(t, first.EntryURL, map[string]string{"line-0": entered}); code != http.StatusConflict {
		t.Errorf("a workspace that is not trusted any more: %d", code)
	}
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	if _, err := w.Init(t.Context(), workspace.InitRequest{Dir: h.dir, ID: "another", Force: true}); err != nil {
		t.Fatal(err)
	}
	if code := submit(t, first.EntryURL, map[string]string{"line-0": entered}); code != http.StatusConflict {
		t.Errorf("another workspace: %d", code)
	}
	if r := c.ask(request(2, "vault_list", `{}`)); strings.Contains(r.raw, "GITHUB_TOKEN") {
		t.Error(r.raw)
	}
	if e := entryOf(t, c.ask(request(3, "vault_put", `{"key":"GITHUB_TOKEN"}`))); e.EntryURL == first.EntryURL {
		t.Error("two workspaces have one page")
	}
}
