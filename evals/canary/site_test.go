//go:build linux

package canary

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/akos/evals/internal/search"
	"example.com/akos/internal/akostest"
)

// learnt are the secrets that others make up while the test runs: tokens,
// codes, cookies, links. The test learns them where the protocol puts them,
// and looks for them everywhere else.
type learnt struct {
	mu       sync.RWMutex
	searcher *search.Searcher
	kinds    map[string]string // by value
	placed   sync.Map          // kinds that were found where they belong
}

func newLearnt() *learnt { return &learnt{searcher: search.New(), kinds: map[string]string{}} }

// public are the starts of tokens that anybody may know.
var public = []string{"akos_at_", "akos_rt_", "akos_pt_", "fake-access-", "fake-refresh-", "fake-device-"}

// add makes value a canary of that kind.
func (l *learnt) add(kind, value string) {
	c := search.Canary{Name: kind, Value: []byte(value), Many: true}
	for _, p := range public {
		if strings.HasPrefix(value, p) {
			c.Public = len(p)
		}
	}
	if strings.Count(value, ".") == 2 { // a JWT, whose header tells nothing
		c.Public = strings.Index(value, ".") + 1
	}
	if len(value)-c.Public < 8 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kinds[value] == "" {
		l.kinds[value] = kind
		l.searcher.Add(c)
	}
}

// find returns what is in data, but for what may be there: kinds ("cookie"),
// or forms of one ("access token as SHA-256 hex").
func (l *learnt) find(data []byte, shown bool, may ...string) (found []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.DeleteFunc(l.searcher.Find(data, shown), func(f string) bool {
		return slices.ContainsFunc(may, func(m string) bool {
			belongs := strings.HasPrefix(f, m+" as ") || strings.HasPrefix(f, m+" at ")
			if belongs {
				l.placed.Store(m, true)
			}
			return belongs
		})
	})
}

// A relay stands between a sidecar and all who speak to it. The sidecar is
// told that the relay's address is its own.
type relay struct {
	*httptest.Server
	learnt *learnt
	codes  chan string // user codes of the logins that akos began

	mu     sync.Mutex
	target string              // host and port of the sidecar
	tamper func(h http.Header) // for a control
	seen   []exchange
	latest map[string]string // the latest value of each kind
}

// An exchange is a request and its answer, as they were on the wire.
type exchange struct {
	byAkos       bool
	method, path string
	header       http.Header
	uri, body    []byte
	answer       []byte // header and body
}

func newRelay(t *testing.T, l *learnt) *relay {
	r := &relay{learnt: l, codes: make(chan string, 100), latest: map[string]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// transport goes to a sidecar without changing what is sent.
var transport = &http.Transport{DisableCompression: true, DisableKeepAlives: true}

// ServeHTTP passes a request on and its answer back. The one thing that it
// changes is how long akos waits between two polls.
func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body) // half of one is passed on as that
	e := exchange{byAkos: strings.HasPrefix(req.UserAgent(), "akos/"), method: req.Method, path: req.URL.Path,
		header: req.Header.Clone(), uri: []byte(req.RequestURI), body: body}
	r.mu.Lock()
	target, tamper := r.target, r.tamper
	r.mu.Unlock()
	out, err := http.NewRequest(req.Method, "http://"+target+req.RequestURI, bytes.NewReader(body))
	var res *http.Response
	var answer []byte
	if err == nil {
		out.Host, out.Header = req.Host, req.Header.Clone()
		if res, err = transport.RoundTrip(out); err == nil {
			defer res.Body.Close()
			answer, err = io.ReadAll(res.Body)
		}
	}
	if err != nil {
		r.note(e, nil, nil)
		panic(http.ErrAbortHandler) // as if nothing answered
	}
	if tamper != nil {
		tamper(res.Header)
	}
	r.note(e, res.Header, answer)
	maps.Copy(w.Header(), res.Header)
	w.Header().Del("Content-Length")
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(bytes.Replace(answer, []byte(`"interval":5`), []byte(`"interval":1`), 1))
}

var transactionField = regexp.MustCompile(`name="transaction" value="([^"]+)"`)

// note learns what an exchange tells, and keeps it.
func (r *relay) note(e exchange, h http.Header, answer []byte) {
	learn := func(kind, value string) {
		if value != "" {
			r.learnt.add(kind, value)
			r.latest[kind] = value
		}
	}
	var b bytes.Buffer
	_ = h.Write(&b) // to memory
	e.answer = append(b.Bytes(), answer...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, e)
	if e.byAkos && e.method == http.MethodPost {
		form, _ := url.ParseQuery(string(e.body)) // of akos, it is one
		learn("device code", form.Get("device_code"))
		learn("code verifier", form.Get("code_verifier"))
		learn("refresh token", form.Get("refresh_token"))
	}
	var doc struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Device  string `json:"device_code"`
		User    string `json:"user_code"`
	}
	if json.Unmarshal(answer, &doc) == nil {
		learn("access token", doc.Access)
		learn("refresh token", doc.Refresh)
		learn("device code", doc.Device)
		learn("user code", doc.User)
		learn("user code", strings.ReplaceAll(doc.User, "-", ""))
		if doc.User != "" {
			r.latest["user code"] = doc.User
			if e.byAkos {
				r.codes <- doc.User
			}
		}
	}
	for _, c := range (&http.Response{Header: h}).Cookies() {
		learn("cookie", c.Value)
	}
	if to, err := url.Parse(h.Get("Location")); err == nil {
		learn("authorization code", to.Query().Get("code"))
	}
	if m := transactionField.FindSubmatch(answer); m != nil {
		learn("transaction", html.UnescapeString(string(m[1])))
	}
}

// last returns the latest value of a kind.
func (r *relay) last(kind string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest[kind]
}

// challenge is what anybody may know of a code verifier (RFC 7636).
var challenge = []string{"code verifier as SHA-256 base64url", "code verifier as SHA-256 base64"}

// mayAnswer says what belongs in the answer to a request.
func mayAnswer(method, path string) []string {
	switch p := method + " " + path; {
	case p == "POST /oauth/device_authorization":
		return []string{"device code", "user code"}
	case p == "POST /oauth/token":
		return []string{"access token", "refresh token"}
	case p == "POST /oauth/authorize/approve":
		return []string{"authorization code"}
	// The request goes on after signing in.
	case p == "GET /oauth/authorize":
		return append(challenge, "transaction")
	case p == "GET /signin":
		return append(challenge, "user code")
	case p == "GET /device", p == "POST /device":
		return []string{"transaction", "user code"}
	case p == "POST /signin":
		return append(challenge, "cookie", "user code")
	case strings.HasPrefix(p, "POST /setup/"):
		return []string{"cookie"}
	}
	return nil
}

// maySend says what belongs in the body of a request of akos.
func maySend(method, path string) (may []string, values bool) {
	switch p := method + " " + path; {
	case p == "POST /oauth/device_authorization":
		return challenge, false
	case p == "POST /oauth/token":
		return []string{"device code", "code verifier", "refresh token"}, false
	case p == "POST /oauth/revoke":
		return []string{"access token", "refresh token"}, false
	case strings.HasPrefix(p, "PUT /api/v1/secrets/"):
		return nil, true
	}
	return nil, false
}

// check searches the wire.
func (s *site) check() {
	s.Helper()
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	for _, e := range s.relay.seen {
		what := fmt.Sprintf("%s %.60q on the wire", e.method, e.path)
		report := func(where string, data []byte, planted bool, may ...string) {
			s.world.searched.Add(int64(len(data)))
			found := s.world.learnt.find(data, false, may...)
			if !planted {
				found = append(found, s.world.searcher.Find(data, false)...)
			}
			if len(found) > 0 {
				s.report.Errorf("LEAK in the %s of %s: %s\n%.800q", where, what, strings.Join(found, ", "), data)
			}
		}
		report("answer", e.answer, false, mayAnswer(e.method, e.path)...)
		if !e.byAkos {
			continue
		}
		report("address", e.uri, false)
		var head bytes.Buffer
		h := e.header.Clone()
		if strings.HasPrefix(e.path, "/api/v1/") {
			h.Del("Authorization")
		}
		_ = h.Write(&head) // to memory
		report("header", head.Bytes(), false)
		may, values := maySend(e.method, e.path)
		report("body", e.body, values, may...)
	}
	s.relay.seen = nil
}

type buffer = akostest.Buffer

// A site is a sidecar, its home, the relay before it, and another home from
// which somebody uses it.
type site struct {
	*box
	client *box
	relay  *relay
	format string // of its log
	setup  string // the one-time path

	daemon
}

// site makes a site; its sidecar does not run yet.
func (w *world) site(t *testing.T, format string, env ...string) *site {
	t.Helper()
	r := newRelay(t, w.learnt)
	s := &site{relay: r, format: format}
	none := []string{"AKOS_VAULT=file", "AGENTSKIT_TOKEN=", "AKOS_TOKEN="}
	s.box = w.box(t, append(none, env...)...)
	s.client = w.box(t, append(append(none, "AKOS_SERVER="+r.URL), env...)...)
	s.learns, s.client.learns, s.hashes = true, true, true
	s.client.own, s.own = map[string]bool{}, map[string]bool{}
	return s
}

var ready = regexp.MustCompile(`akos serves (\S+)\n`)
var setupLink = regexp.MustCompile(`http\S+?(/setup/(\S+))\n`)

// start starts the sidecar and waits until it is ready.
func (s *site) start(args ...string) {
	s.Helper()
	at := akostest.FreeAddr(s)
	s.relay.mu.Lock()
	s.relay.target = at
	s.relay.mu.Unlock()
	words := append([]string{"--verbose", "serve", "--listen", at, "--public-url", s.relay.URL, "--log-format", s.format}, args...)
	// The environment of whoever runs a server has canaries too.
	s.daemon = s.box.daemon(exec.Command(filepath.Join(s.world.bin, "akos"), words...), "AGENTSKIT_TOKEN="+string(values.Token.Value), "AKOS_TOKEN="+string(values.Vendor.Value))
	if !s.until(s.out, ready) {
		s.Fatalf("akos serve is not ready:\n%s%s", s.out.Bytes(), s.errs.Bytes())
	}
	if m := setupLink.FindSubmatch(s.out.Bytes()); m != nil {
		s.setup = string(m[1])
		s.world.learnt.add("set-up key", string(m[2]))
	}
	s.world.operations.Add(1)
}

// until waits until re is in what the sidecar wrote; ok is false if it ended
// before, or is too late.
func (s *site) until(b *buffer, re *regexp.Regexp) (ok bool) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		// What it said of the set-up link comes after, in the same write.
		if re.Match(b.Bytes()) {
			return true
		}
		select {
		case <-s.ended:
			return re.Match(b.Bytes())
		case <-time.After(3 * time.Millisecond):
		}
	}
	return false
}

// stop ends the sidecar and searches what it wrote.
func (s *site) stop(sig os.Signal, want int) {
	s.Helper()
	if s.cmd == nil {
		return
	}
	d := s.daemon
	s.cmd = nil
	s.end("akos serve", d, sig, want, false, "set-up key")
}

// done ends the sidecar, and searches all that came out with all that is
// known.
func (s *site) done() {
	s.Helper()
	s.stop(syscall.SIGTERM, 0)
	s.check()
	s.again()
	s.client.again()
}

// do runs o in the home of the client, and looks at both homes.
func (s *site) do(o op) (stdout, stderr []byte) {
	s.Helper()
	o.args = append([]string{"--verbose"}, o.args...)
	stdout, stderr = s.client.do(o)
	s.searchFiles(o.label())
	return stdout, stderr
}

// akos runs a command line in the home of the client, for people and as JSON.
func (s *site) akos(want int, args ...string) {
	s.Helper()
	s.do(op{args: args, want: want, mayName: true})
	s.do(op{args: append(args, "--json"), want: want, mayName: true})
}

// login runs akos auth login, and has p decide.
func (s *site) login(want int, p *person, decision string, o op) {
	s.Helper()
	o.args, o.want, o.may = append([]string{"auth", "login"}, o.args...), want, []string{"user code"}
	o.started = func(*exec.Cmd) {
		select {
		case code := <-s.relay.codes:
			p.decide(code, decision)
		case <-time.After(patience):
			s.report.Errorf("akos auth login: begins no login")
		}
	}
	s.do(o)
}

// A person uses the pages, by way of the relay.
type person struct {
	*site
	http *http.Client
}

func (s *site) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &person{s, &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// send sends a request and returns the answer; a header ends with its value.
func (p *person) send(method, path, contentType, body string, header ...string) (status int, h http.Header, answer string) {
	p.Helper()
	req, err := http.NewRequest(method, p.relay.URL+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Origin", p.relay.URL)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	p.world.operations.Add(1)
	res, err := p.http.Do(req)
	if err != nil {
		return 0, nil, ""
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(data)
}

func (p *person) get(path string, header ...string) string {
	p.Helper()
	_, _, page := p.send(http.MethodGet, path, "", "", header...)
	return page
}

const formType = "application/x-www-form-urlencoded"

// post sends a form: names and values by turns.
func (p *person) post(path string, fields ...string) (status int, h http.Header, page string) {
	p.Helper()
	return p.send(http.MethodPost, path, formType, encode(fields...))
}

func encode(fields ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return v.Encode()
}

// signIn signs in.
func (p *person) signIn(user string, password search.Canary) {
	p.Helper()
	if status, _, page := p.post("/signin", "user", user, "password", string(password.Value), "next", "/device"); status != http.StatusOK {
		p.report.Errorf("%s can't sign in: %d\n%s", user, status, page)
	}
}

// decide enters a code and decides.
func (p *person) decide(code, decision string) {
	p.Helper()
	_, _, page := p.post("/device", "user_code", code)
	if status, _, page := p.answer("/device/approve", page, decision); status != http.StatusOK {
		p.report.Errorf("deciding: %d\n%s", status, page)
	}
}

var tenantField = regexp.MustCompile(`name="tenant" value="([^"]*)"`)

// answer answers the question of a page.
func (p *person) answer(path, page, decision string) (status int, h http.Header, after string) {
	p.Helper()
	m, tenant := transactionField.FindStringSubmatch(page), tenantField.FindStringSubmatch(page)
	if m == nil || tenant == nil {
		p.report.Errorf("the page asks nothing:\n%s", page)
		return 0, nil, ""
	}
	return p.post(path, "transaction", html.UnescapeString(m[1]), "tenant", tenant[1], "decision", decision)
}

// raw sends bytes to the sidecar itself, which need not be HTTP, and searches
// the answer, but for what HTTP sends back.
func (s *site) raw(text, instead string) {
	s.Helper()
	s.relay.mu.Lock()
	target := s.relay.target
	s.relay.mu.Unlock()
	conn, err := net.DialTimeout("tcp", target, patience)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, text) // it may stop reading
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	s.world.operations.Add(1)
	if instead != "" {
		answer = bytes.ReplaceAll(answer, []byte(instead), nil)
	}
	first, _, _ := strings.Cut(text, "\n")
	s.kept = append(s.kept, output{"the answer to " + first, answer, nil})
	s.world.searched.Add(int64(len(answer)))
	if found := append(s.world.searcher.Find(answer, false), s.world.learnt.find(answer, false)...); len(found) > 0 {
		s.report.Errorf("LEAK in the answer to %.200q: %s\n%.800q", text, strings.Join(found, ", "), answer)
	}
}

// A talk is an akos-mcp that lives, and a client that speaks with it.
type talk struct {
	*box
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	wire  bytes.Buffer
	errs  *buffer
	asked int // how often it asked to open a page
}

// talk starts akos-mcp for a client with the capabilities.
func (b *box) talk(capabilities string, args ...string) *talk {
	b.Helper()
	t := &talk{box: b, cmd: exec.Command(filepath.Join(b.world.bin, "akos-mcp"), append([]string{"--verbose"}, args...)...), errs: &buffer{}}
	t.cmd.Env, t.cmd.Dir, t.cmd.Stderr = b.env, b.project, t.errs
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	in, err := t.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	t.in, t.lines = in, bufio.NewReader(out)
	if err := t.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	late := time.AfterFunc(3*patience, func() { _ = t.cmd.Process.Kill() })
	b.Cleanup(func() { late.Stop(); _ = t.cmd.Process.Kill() })
	t.ask(message{fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":%s,"clientInfo":{"name":"canary","version":"1"}}}`, ids.Add(1), capabilities), true})
	t.ask(message{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, false})
	return t
}

// ask sends a message and returns its answer. A page that it is asked to open
// it says it has opened.
func (t *talk) ask(m message) (answer string) {
	t.Helper()
	t.world.operations.Add(1)
	_, _ = io.WriteString(t.in, m.text+"\n") // it may have ended, which is noticed below
	for m.answered {
		line, err := t.lines.ReadString('\n')
		t.wire.WriteString(line)
		if err != nil {
			t.report.Errorf("akos-mcp ended: %v\n%s", err, t.errs.Bytes())
			return ""
		}
		var r struct {
			ID     json.RawMessage
			Method string
		}
		if json.Unmarshal([]byte(line), &r) != nil {
			t.report.Errorf("akos-mcp wrote %q", line)
		}
		switch {
		case r.Method == "elicitation/create":
			t.asked++
			_, _ = fmt.Fprintf(t.in, `{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`+"\n", r.ID)
		case r.ID != nil:
			return line
		}
	}
	return ""
}

// call calls a tool until its answer holds want.
func (t *talk) call(want, tool string, args map[string]any) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		answer := t.ask(call(tool, args))
		if strings.Contains(answer, want) {
			return
		}
		if time.Now().After(deadline) || !strings.Contains(answer, `"pending"`) {
			t.report.Errorf("%s answers %s, want %s", tool, answer, want)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end ends akos-mcp and searches what it wrote.
func (t *talk) end() {
	t.Helper()
	_ = t.in.Close()
	rest, _ := io.ReadAll(t.lines)
	t.wire.Write(rest)
	_ = t.cmd.Wait()
	t.search("akos-mcp: stdout", t.wire.Bytes(), true, true, "user code")
	t.search("akos-mcp: stderr", t.errs.Bytes(), true, true)
	t.searchFiles("akos-mcp")
}
