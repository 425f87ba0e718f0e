package authserver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

// A must is a sentence of an RFC, and what holds this server to it.
type must struct {
	section string
	words   string
	check   func(t *testing.T, b *bench)
}

// hold runs each row against a server of its own.
func hold(t *testing.T, rfc string, rows []must) {
	t.Helper()
	if len(rows) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range rows {
		t.Run(row.section, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("RFC %s section %s: %q", rfc, row.section, row.words)
				}
			})
			row.check(t, newBench(t, nil))
		})
	}
}

// A bench is a server that listens, with a clock that is turned by hand.
type bench struct {
	t     *testing.T
	s     *Server
	url   string
	store *akostest.AuthStore
	log   *akostest.Buffer
	http  *http.Transport

	mu      sync.Mutex
	now     time.Time
	secrets map[string]string // what nobody may find in the log, with what it is
	seen    []traffic
}

// traffic is one answer, with everything that was sent of it.
type traffic struct{ request, answer string }

const mcp = "http://127.0.0.1:7718/mcp"

// newBench starts a server with alice in acme and local, bob in local, and the
// MCP server as another audience. When the test ends, it looks for secrets in
// the log.
func newBench(t *testing.T, with func(*Options)) *bench {
	t.Helper()
	return newBenchOn(t, with, func(*httptest.Server) {})
}

// newBenchOn does the same on a listener that is changed first.
func newBenchOn(t *testing.T, with func(*Options), on func(*httptest.Server)) *bench {
	t.Helper()
	b := &bench{
		t: t, store: &akostest.AuthStore{}, log: &akostest.Buffer{}, secrets: map[string]string{},
		now: time.Date(2026, 10, 9, 12, 0, 0, 0, time.UTC), http: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	b.addUser("alice", "acme", "local")
	b.addUser("bob", "local")
	l := httptest.NewUnstartedServer(nil)
	b.url = "http://" + l.Listener.Addr().String()
	_, port, _ := strings.Cut(l.Listener.Addr().String(), ":")
	opts := Options{
		Store: b.store, Issuer: b.url, Hosts: []string{"localhost:" + port}, Resources: []string{b.url, mcp},
		CheckPassword: b.checkPassword, SetUp: b.setUp, Now: b.clock,
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if with != nil {
		with(&opts)
	}
	b.s = New(opts)
	l.Config.Handler = b.s.Handler()
	l.Config.ErrorLog = slog.NewLogLogger(opts.Log.Handler(), slog.LevelError)
	on(l)
	l.Start()
	t.Cleanup(func() {
		b.http.CloseIdleConnections()
		l.Close()
		b.searchLog()
	})
	return b
}

func (b *bench) searchLog() {
	b.t.Helper()
	for text := range b.find(b.log.String()) {
		b.t.Errorf("%s is in the log", b.secrets[text])
	}
}

// find returns the secrets that are in text.
func (b *bench) find(text string) map[string]bool {
	const start = 8 // the shortest is a user code without its dash
	byStart := map[string][]string{}
	for s := range b.secrets {
		byStart[s[:start]] = append(byStart[s[:start]], s)
	}
	found := map[string]bool{}
	for i := 0; i+start <= len(text); i++ {
		for _, s := range byStart[text[i:i+start]] {
			if strings.HasPrefix(text[i:], s) {
				found[s] = true
			}
		}
	}
	return found
}

// keep notes a secret to look for.
func (b *bench) keep(what, text string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text != "" {
		b.secrets[text] = what
	}
	return text
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func password(user string) string { return "the pass-phrase of " + user }

func (b *bench) addUser(user string, tenants ...string) {
	err := b.store.Write(context.Background(), func(tx workspace.Tx) error {
		if err := tx.PutUser(workspace.User{ID: user, Password: "$argon2id$" + user, Created: b.clock()}); err != nil {
			return err
		}
		for _, tenant := range tenants {
			if err := tx.PutMember(workspace.Member{User: user, Tenant: tenant, Role: workspace.RoleMember}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) removeUser(user string) {
	err := b.store.Write(context.Background(), func(tx workspace.Tx) error {
		_, err := tx.DeleteUser(user)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) checkPassword(_ context.Context, user string, given workspace.Secret) error {
	if secret.Equal(given, workspace.NewSecret([]byte(password(user)))) {
		return nil
	}
	return workspace.Errorf(workspace.Denied, "no")
}

func (b *bench) setUp(ctx context.Context, user string, given workspace.Secret) error {
	var there bool
	err := b.store.Read(ctx, func(tx workspace.Tx) error {
		users, err := tx.Users("")
		there = len(users) > 0
		return err
	})
	switch {
	case err != nil:
		return err
	case there:
		return workspace.Errorf(workspace.Conflict, "there is an account already")
	case !secret.Equal(given, workspace.NewSecret([]byte(password(user)))):
		return workspace.Errorf(workspace.Invalid, "a password has at least 10 characters")
	}
	b.addUser(user, "local")
	return nil
}

// A reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// onward returns where the page after a sign-in goes on; "" if r is none.
func (r reply) onward() string {
	next, _ := strings.CutPrefix(r.header.Get("Refresh"), "0; url=")
	if r.status != http.StatusOK {
		return ""
	}
	return next
}

// text returns a member of a JSON answer.
func (r reply) text(name string) string {
	s, _ := r.json[name].(string)
	return s
}

func (r reply) is(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.text("error") != code {
		t.Fatalf("got %d %s, want %d %q", r.status, r.body, status, code)
	}
}

func (b *bench) send(t *testing.T, c *http.Client, req *http.Request) reply {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &r.json)
	var all bytes.Buffer
	_ = resp.Header.Write(&all)
	b.mu.Lock()
	b.seen = append(b.seen, traffic{req.Method + " " + req.URL.Path, all.String() + "\n" + r.body})
	b.mu.Unlock()
	for _, cookie := range resp.Cookies() {
		b.keep("a cookie", cookie.Value)
	}
	for name, what := range map[string]string{
		"device_code": "a device code", "user_code": "a user code", "access_token": "an access token", "refresh_token": "a refresh token",
	} {
		b.keep(what, r.text(name))
	}
	if to, err := resp.Location(); err == nil {
		b.keep("an authorization code", to.Query().Get("code"))
	}
	return r
}

// stay is a redirect policy.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// call posts a form as a client does.
func (b *bench) call(t *testing.T, path string, form url.Values, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest("POST", b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	set(req, headers)
	return b.send(t, &http.Client{Transport: b.http, CheckRedirect: stay}, req)
}

func set(req *http.Request, headers []string) {
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else if headers[i+1] == "" {
			req.Header.Del(headers[i])
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
}

// form returns url.Values of pairs.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func with(v url.Values, pairs ...string) url.Values {
	w := url.Values{}
	for k, vs := range v {
		w[k] = vs
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			w.Del(pairs[i])
		} else {
			w.Set(pairs[i], pairs[i+1])
		}
	}
	return w
}

// A browser has cookies and follows no redirect by itself.
type browser struct {
	b *bench
	c *http.Client
}

func (b *bench) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{b, &http.Client{Transport: b.http, Jar: jar, CheckRedirect: stay}}
}

func (br *browser) get(t *testing.T, path string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest("GET", br.b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	set(req, headers)
	return br.b.send(t, br.c, req)
}

// post sends a form as a browser does from a page of the server.
func (br *browser) post(t *testing.T, path string, form url.Values, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest("POST", br.b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Origin", br.b.url)
	set(req, headers)
	return br.b.send(t, br.c, req)
}

func (b *bench) signedIn(t *testing.T, user string) *browser {
	t.Helper()
	br := b.browser(t)
	b.keep("a password", password(user))
	r := br.post(t, "/signin", form("user", user, "password", password(user)))
	if r.onward() == "" {
		t.Fatalf("sign-in: %d %s", r.status, r.body)
	}
	return br
}

var transactionField = regexp.MustCompile(`name="transaction" value="([^"]+)"`)

// transaction returns what a page with a question posts back.
func (r reply) transaction(t *testing.T) string {
	t.Helper()
	m := transactionField.FindStringSubmatch(r.body)
	if r.status != http.StatusOK || m == nil {
		t.Fatalf("no question was asked: %d %s", r.status, r.body)
	}
	return m[1]
}

// device starts a device login.
func (b *bench) device(t *testing.T, pairs ...string) reply {
	t.Helper()
	r := b.call(t, "/oauth/device_authorization", with(form("client_id", "akos-cli"), pairs...))
	if r.status != http.StatusOK {
		t.Fatalf("device authorization: %d %s", r.status, r.body)
	}
	return r
}

// decide answers the question about a device login.
func (br *browser) decide(t *testing.T, d reply, decision, tenant string) reply {
	t.Helper()
	q := br.post(t, "/device", form("user_code", d.text("user_code")))
	return br.post(t, "/device/approve", form("transaction", q.transaction(t), "decision", decision, "tenant", tenant))
}

// poll asks for the tokens of a device login.
func (b *bench) poll(t *testing.T, d reply, pairs ...string) reply {
	t.Helper()
	return b.call(t, "/oauth/token", with(form("grant_type", grantDevice, "client_id", "akos-cli", "device_code", d.text("device_code")), pairs...))
}

// login is a whole device login.
func (b *bench) login(t *testing.T, user, tenant string, pairs ...string) reply {
	t.Helper()
	d := b.device(t, pairs...)
	if r := b.signedIn(t, user).decide(t, d, "approve", tenant); r.status != http.StatusOK {
		t.Fatalf("approval: %d %s", r.status, r.body)
	}
	r := b.poll(t, d)
	if r.status != http.StatusOK {
		t.Fatalf("token: %d %s", r.status, r.body)
	}
	return r
}

func (b *bench) refresh(t *testing.T, r reply, pairs ...string) reply {
	t.Helper()
	return b.call(t, "/oauth/token", with(form("grant_type", grantRefresh, "client_id", "akos-cli", "refresh_token", r.text("refresh_token")), pairs...))
}

// live reports whether the access token of r is taken for an audience.
func (b *bench) live(r reply, audience string) bool {
	_, err := b.s.Check(context.Background(), r.text("access_token"), audience)
	return err == nil
}

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	callback = "http://127.0.0.1/callback"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// post registers a client with a JSON body.
func (b *bench) postJSON(t *testing.T, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest("POST", b.url+"/oauth/register", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	set(req, headers)
	return b.send(t, &http.Client{Transport: b.http}, req)
}

func (b *bench) register(t *testing.T, redirects ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"redirect_uris": redirects, "client_name": "A client", "token_endpoint_auth_method": "none"})
	if err != nil {
		t.Fatal(err)
	}
	r := b.postJSON(t, string(body))
	if r.status != http.StatusCreated {
		t.Fatalf("registration: %d %s", r.status, r.body)
	}
	return r.text("client_id")
}

// asking returns a right authorization request.
func asking(client string, pairs ...string) url.Values {
	return with(form("response_type", "code", "client_id", client, "redirect_uri", callback, "state", "the state",
		"code_challenge", challenge(), "code_challenge_method", "S256"), pairs...)
}

// allow approves an authorization request and returns the parameters that the
// client gets.
func (br *browser) allow(t *testing.T, req url.Values, decision, tenant string) url.Values {
	t.Helper()
	q := br.get(t, "/oauth/authorize?"+req.Encode())
	r := br.post(t, "/oauth/authorize/approve", form("transaction", q.transaction(t), "decision", decision, "tenant", tenant))
	return r.redirected(t)
}

// redirected returns the query of the redirect that r is.
func (r reply) redirected(t *testing.T) url.Values {
	t.Helper()
	to, err := url.Parse(r.header.Get("Location"))
	if r.status != http.StatusSeeOther || err != nil || to.Host == "" {
		t.Fatalf("not sent back to the client: %d %q %s", r.status, r.header.Get("Location"), r.body)
	}
	return to.Query()
}

// exchange exchanges an authorization code.
func (b *bench) exchange(t *testing.T, client, code string, pairs ...string) reply {
	t.Helper()
	return b.call(t, "/oauth/token", with(form("grant_type", grantCode, "client_id", client, "code", code,
		"redirect_uri", callback, "code_verifier", verifier), pairs...))
}
