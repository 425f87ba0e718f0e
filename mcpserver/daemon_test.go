//go:build unix && !aix && !solaris

package mcpserver_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var buildSidecar = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "akos")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../cmd/akos")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func sidecar(t testing.TB) string {
	t.Helper()
	path, err := buildSidecar()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A daemon is a process that serves HTTP.
type daemon struct {
	*web
	*os.Process
	out, errs *safeBuffer
	ended     chan int
}

// daemon starts a program in h and waits until it says where it serves.
func (h *home) daemon(t testing.TB, program string, args ...string) *daemon {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = h.dir, h.environ()
	d := &daemon{web: &web{t: t}, out: &safeBuffer{}, errs: &safeBuffer{}, ended: make(chan int, 1)}
	cmd.Stdout, cmd.Stderr = d.out, d.errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.Process = cmd.Process
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code says it
		d.ended <- cmd.ProcessState.ExitCode()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
	})
	says := regexp.MustCompile(`serves (\S+)\n`)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := says.FindStringSubmatch(d.out.String()); m != nil {
			d.url = m[1]
			return d
		}
		select {
		case code := <-d.ended:
			t.Fatalf("it ends with %d: %s%s", code, d.out, d.errs)
		default:
		}
	}
	t.Fatalf("it does not serve: %s%s", d.out, d.errs)
	return nil
}

func (d *daemon) signal(s os.Signal) {
	d.t.Helper()
	if err := d.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) ends(want int) {
	d.t.Helper()
	select {
	case code := <-d.ended:
		if code != want {
			d.t.Errorf("exit code %d, want %d: %s", code, want, d.errs)
		}
	case <-time.After(patience):
		d.t.Fatal("the process does not end")
	}
}

// A browser clicks through the pages of a sidecar.
type browser struct {
	t      testing.TB
	server string
	http   *http.Client
}

func newBrowser(t testing.TB, server string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, server, &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(req.URL.String(), server) {
			return http.ErrUseLastResponse // it is the client's
		}
		return nil
	}}}
}

func (b *browser) open(method, address string, form url.Values) (page, location string) {
	b.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.server)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text), res.Header.Get("Location")
}

func hidden(t testing.TB, page, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no field %s:\n%s", name, page)
	}
	return html.UnescapeString(m[1])
}

// document reads a JSON document.
func document(t testing.TB, address string) (doc map[string]any) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, res.StatusCode, err)
	}
	return doc
}

// login is the way of an IDE that knows nothing but the address of the server:
// it returns the tokens that a person gives it.
func (d *daemon) login(user, tenant, scope string) (tokens map[string]any) {
	t := d.t
	t.Helper()
	challenge := d.send("POST", "/mcp", initialize).is(401, -32600).header.Get("WWW-Authenticate")
	m := regexp.MustCompile(`^Bearer resource_metadata="([^"]+)".*, scope="([^"]+)"$`).FindStringSubmatch(challenge)
	if m == nil {
		t.Fatalf("the challenge is %q", challenge)
	}
	if scope == "" {
		scope = m[2]
	}
	resource := document(t, m[1])
	if resource["resource"] != d.url {
		t.Fatalf("the metadata is %v, want the resource %s", resource, d.url)
	}
	if other := document(t, strings.TrimSuffix(m[1], "/mcp")); fmt.Sprint(other) != fmt.Sprint(resource) {
		t.Errorf("at the root: %v", other)
	}
	issuer := resource["authorization_servers"].([]any)[0].(string)
	meta := document(t, issuer+"/.well-known/oauth-authorization-server")
	if meta["issuer"] != issuer {
		t.Fatalf("%v", meta)
	}
	const callback = "http://127.0.0.1:33418/callback"
	body, _ := json.Marshal(map[string]any{"client_name": "an IDE", "redirect_uris": []string{callback}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}})
	res, err := http.Post(meta["registration_endpoint"].(string), jsonType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&client); err != nil || client.ID == "" {
		t.Fatalf("no client is registered: %d %v", res.StatusCode, err)
	}
	verifier := strings.Repeat("a-fake-verifier", 4)
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {callback}, "scope": {scope}, "state": {"the-state"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "resource": {d.url}}
	b := newBrowser(t, issuer)
	address := meta["authorization_endpoint"].(string) + "?" + ask.Encode()
	b.open("POST", issuer+"/signin", url.Values{"user": {user}, "password": {"a fake password of " + user}, "next": {"/"}})
	page, _ := b.open("GET", address, nil)
	form := url.Values{"transaction": {hidden(t, page, "transaction")}, "decision": {"approve"}, "tenant": {tenant}}
	_, location := b.open("POST", issuer+"/oauth/authorize/approve", form)
	back, err := url.Parse(location)
	if err != nil || back.Query().Get("code") == "" || back.Query().Get("state") != "the-state" {
		t.Fatalf("it goes on to %q", location)
	}
	res, err = http.PostForm(meta["token_endpoint"].(string), url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")},
		"redirect_uri": {callback}, "client_id": {client.ID}, "code_verifier": {verifier}, "resource": {d.url}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&tokens); err != nil || tokens["access_token"] == nil {
		t.Fatalf("no token: %d %v %v", res.StatusCode, err, tokens["error"])
	}
	tokens["client_id"], tokens["revocation_endpoint"] = client.ID, meta["revocation_endpoint"]
	return tokens
}

// loginAt returns a token of user's for the API of a sidecar, by a code that
// the person enters.
func (d *daemon) loginAt(server, user, tenant string) string {
	t := d.t
	t.Helper()
	post := func(path string, form url.Values) (m map[string]any) {
		res, err := http.PostForm(server+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	code := post("/oauth/device_authorization", url.Values{"client_id": {"akos-cli"}})
	b := newBrowser(t, server)
	b.open("POST", server+"/signin", url.Values{"user": {user}, "password": {"a fake password of " + user}, "next": {"/device"}})
	page, _ := b.open("POST", server+"/device", url.Values{"user_code": {code["user_code"].(string)}})
	b.open("POST", server+"/device/approve", url.Values{"transaction": {hidden(t, page, "transaction")}, "decision": {"approve"}, "tenant": {tenant}})
	got := post("/oauth/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"akos-cli"}, "device_code": {code["device_code"].(string)}})
	token, _ := got["access_token"].(string)
	if token == "" {
		t.Fatalf("no token: %v", got["error"])
	}
	return token
}
