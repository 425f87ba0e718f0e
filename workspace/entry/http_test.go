package entry

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// TestForeign: only a form of the page itself is taken, and the page is shown
// under its own host alone.
func TestForeign(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "KEY")
	port := state.URL[len("http://127.0.0.1:"):strings.Index(state.URL, "/enter")]
	for what, change := range map[string]func(*http.Request){
		"a rebound name": func(r *http.Request) { r.Host = "evil.example:" + port },
		"a rebound name that claims it": func(r *http.Request) {
			r.Host = "evil.example:" + port
			r.Header.Set("Origin", "http://evil.example:"+port)
		},
		"localhost":                       func(r *http.Request) { r.Host = "localhost:" + port },
		"another port":                    func(r *http.Request) { r.Host = "127.0.0.1:1" },
		"no port":                         func(r *http.Request) { r.Host = "127.0.0.1" },
		"a dot behind":                    func(r *http.Request) { r.Host = "127.0.0.1.:" + port },
		"the address in another spelling": func(r *http.Request) { r.Host = "127.1:" + port },
		"an empty host":                   func(r *http.Request) { r.Host = " " },
		"another site": func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		},
		"another port of this machine": func(r *http.Request) {
			r.Header.Set("Origin", "http://127.0.0.1:1")
			r.Header.Set("Sec-Fetch-Site", "same-site")
		},
		"an older browser at another site": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example"); r.Header.Del("Sec-Fetch-Site") },
		"an older browser, another port":   func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1"); r.Header.Del("Sec-Fetch-Site") },
		"an older browser, a sandbox":      func(r *http.Request) { r.Header.Set("Origin", "null"); r.Header.Del("Sec-Fetch-Site") },
		"no origin":                        func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") },
		"an empty origin":                  func(r *http.Request) { r.Header.Set("Origin", ""); r.Header.Set("Sec-Fetch-Site", "") },
	} {
		for _, form := range [][]field{{{"line-0", value, ""}}, {{"decision", "decline", ""}}} {
			r := post(t, state.URL, form...)
			change(r)
			a := send(t, r)
			want := http.StatusForbidden
			if r.Host != "127.0.0.1:"+port {
				want = http.StatusMisdirectedRequest
			}
			if a.code != want && a.code != http.StatusBadRequest {
				t.Errorf("%s: %d, want %d", what, a.code, want)
			}
		}
	}
	if a := get(t, state.URL); a.code != 200 || s.count() != 0 {
		t.Fatalf("the page is used up: %d, %d stores", a.code, s.count())
	}
	for _, host := range []string{"evil.example:" + port, "localhost:" + port} {
		r := get1(state.URL)
		r.Host = host
		if a := send(t, r); a.code != http.StatusMisdirectedRequest || strings.Contains(a.body, "KEY") {
			t.Errorf("%s is shown: %d %s", host, a.code, a.body)
		}
	}
	// A browser that sends only one of the two is good enough.
	r := post(t, state.URL, field{"line-0", value, ""})
	r.Header.Del("Sec-Fetch-Site")
	if a := send(t, r); a.code != 303 {
		t.Error(a)
	}
}

// TestHeaders: no answer is kept, framed, or lets anything in.
func TestHeaders(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "KEY")
	put, err := http.NewRequest(http.MethodPut, state.URL, strings.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	put.Header.Set("Origin", origin(state.URL))
	wrong := post(t, state.URL, field{"line-0", value, ""})
	wrong.Host = "evil.example"
	plain := post(t, state.URL)
	plain.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	plain.Body = io.NopCloser(strings.NewReader("line-0=" + value))
	plain.ContentLength = -1
	answers := map[string]answer{
		"form": get(t, state.URL), "none": get(t, origin(state.URL)+"/"), "icon": get(t, origin(state.URL)+"/favicon.ico"),
		"wrong host": send(t, wrong), "PUT": send(t, put), "another format": send(t, plain), "problem": send(t, post(t, state.URL)),
		"stored": send(t, post(t, state.URL, field{"line-0", value, ""})), "used": get(t, state.URL),
	}
	answers["done"] = get(t, origin(state.URL)+answers["stored"].header.Get("Location"))
	for name, code := range map[string]int{"form": 200, "none": 404, "icon": 404, "wrong host": 421, "PUT": 405, "another format": 415, "problem": 422, "stored": 303, "used": 410, "done": 200} {
		a := answers[name]
		if a.code != code {
			t.Errorf("%s: status %d, want %d", name, a.code, code)
		}
		csp := a.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s: %s", name, want, csp)
			}
		}
		if strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: the policy lets something in: %s", name, csp)
		}
		for h, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Set-Cookie": ""} {
			if got := a.header.Get(h); got != want {
				t.Errorf("%s: %s is %q, want %q", name, h, got, want)
			}
		}
		if strings.Contains(a.body, value) || strings.Contains(a.body, "<script") || strings.Contains(a.body, "src=") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// TestPaths: a page is found by its whole path alone.
func TestPaths(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "KEY")
	root, path, _ := strings.Cut(state.URL, "/enter/")
	if b, err := base64.RawURLEncoding.DecodeString(path); err != nil || len(b) != 32 {
		t.Errorf("the path has %d bytes: %v", len(b), err)
	}
	if strings.Contains(state.URL, state.ID) {
		t.Error("the id leads to the page")
	}
	after := d.pages[0].after
	for _, p := range []string{
		"/", "/enter", "/enter/", "/enter/" + path[:42], "/enter/" + path + "a", "/enter/" + path + "/", "/enter//" + path, "/ENTER/" + path, "/enter/" + state.ID,
		"/entered/" + path, "/entered/", "/entered/" + after /* not yet */, "/enter/" + after,
	} {
		if a := get(t, root+p); a.code != 404 {
			t.Errorf("%s: %d", p, a.code)
		}
		if a := send(t, post(t, root+p, field{"line-0", value, ""})); a.code != 404 && a.code != 403 {
			t.Errorf("POST %s: %d", p, a.code)
		}
	}
	head := get1(state.URL)
	head.Method = http.MethodHead
	if a := send(t, head); a.code != 200 || a.body != "" {
		t.Error(a)
	}
	send(t, post(t, state.URL, field{"line-0", value, ""}))
	if a := send(t, post(t, root+"/entered/"+after, field{"line-0", value, ""})); a.code != 405 {
		t.Error(a)
	}
	if s.count() != 1 {
		t.Errorf("%d stores", s.count())
	}
}

// TestAgent: what an agent gets that fetches the page and posts to it.
func TestAgent(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state, err := d.Open(t.Context(), "k", "", func() (workspace.Entry, error) {
		return workspace.Entry{
			Workspace: "app", Client: `x”</q><h1>akos says: send it to evil.example</h1>`, Reason: strings.Repeat("Trust me. ", 50),
			Keys: []workspace.EntryKey{{Ref: workspace.Ref{Scope: workspace.ScopeTenant, Owner: "acme", Key: "KEY"}}}, Store: s.store, Declined: s.decline,
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page := get(t, state.URL)
	if strings.Contains(page.body, "<h1>akos says") || strings.Count(page.body, "<h1>") != 1 || strings.Count(page.body, "Trust me") > 21 {
		t.Errorf("the agent writes on the page: %s", page.body)
	}
	for _, want := range []string{"calls itself", "In the agent&#39;s own words", "can&#39;t vouch", "tenant <bdi>acme</bdi>", "Not in the catalog"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q: %s", want, page.body)
		}
	}
	if again := get(t, state.URL); again.body != page.body {
		t.Error("a look changes the page")
	}
}

// FuzzForm: whatever is sent is answered, and a value that is taken is one of
// the form.
func FuzzForm(f *testing.F) {
	body, kind := encode(f, blank("0")...)
	_, boundary, _ := strings.Cut(kind, "boundary=")
	body = []byte(strings.ReplaceAll(string(body), boundary, "x"))
	for _, seed := range []string{"", "--x--", "--x\r\n\r\n", string(body), "--x\r\nContent-Disposition: form-data; name=\"line-0\"\r\n\r\na\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; name=\"text-0\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--\r\n"} {
		f.Add(seed)
	}
	keys := []workspace.EntryKey{{Ref: workspace.Ref{Key: "KEY"}}}
	f.Fuzz(func(t *testing.T, body string) {
		r, err := http.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		in, err := read(nil, r, keys)
		if err == nil && !in.declined && len(in.values) != 1 {
			t.Errorf("%d values", len(in.values))
		}
		if err != nil && strings.Contains(body, "zzzz") && strings.Contains(err.Error(), "zzzz") {
			t.Errorf("the error repeats the form: %v", err)
		}
	})
}
