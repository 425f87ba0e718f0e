//go:build unix

package sidecar_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// A box is a home, and akos in processes of its own.
type box struct {
	t    *testing.T
	home string
	env  []string
	tok  string // a token of the scope cli, once there is one
}

const password = "fake-password-of-ada"

func newBox(t *testing.T) *box {
	dir := t.TempDir()
	return &box{t: t, home: filepath.Join(dir, "home"), env: []string{
		asAkos + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AKOS_HOME=" + filepath.Join(dir, "home"), "AKOS_VAULT=file",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/akos-test",
	}}
}

func (b *box) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env, cmd.Dir = b.env, filepath.Dir(b.home)
	return cmd
}

// akos runs a command, which must exit with code.
func (b *box) akos(code int, in string, args ...string) (out, errs string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // one that should not serve may
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env, cmd.Dir = b.env, filepath.Dir(b.home)
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &o, &e
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		b.t.Fatalf("akos %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, o.String(), e.String())
	}
	if b.tok != "" && strings.Contains(o.String()+e.String(), b.tok) {
		b.t.Errorf("akos %s shows the token", strings.Join(args, " "))
	}
	return o.String(), e.String()
}

// template is a home with an account and a token of it, made once: hashing a
// password is slow, and is meant to be.
var template struct {
	sync.Once
	files map[string][]byte
}

// account gives the box an account and a token of it.
func (b *box) account() *box {
	b.t.Helper()
	template.Do(func() {
		b := newBox(b.t)
		b.akos(0, password, "user", "add", "ada", "--tenant", "acme", "--password-stdin")
		file := filepath.Join(filepath.Dir(b.home), "token")
		b.akos(0, "", "token", "create", "--name", "ci", "--scope", "cli", "--out", file)
		template.files = map[string][]byte{}
		for _, path := range []string{file, b.home + "/state.db"} {
			data, err := os.ReadFile(path)
			if err != nil {
				b.t.Fatal(err)
			}
			template.files[filepath.Base(path)] = data
		}
	})
	b.tok = strings.TrimSpace(string(template.files["token"]))
	if err := os.Mkdir(b.home, 0o700); err != nil || b.tok == "" {
		b.t.Fatal("no token", err)
	}
	write(b.t, b.home+"/state.db", string(template.files["state.db"]))
	return b
}

// A process is akos serve.
type process struct {
	*exec.Cmd
	t        *testing.T
	out, log *akostest.Buffer
	url      string // as it says
	ended    chan struct{}
}

func (b *box) serve(args ...string) *process {
	b.t.Helper()
	p := &process{Cmd: b.command(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...), t: b.t, out: &akostest.Buffer{}, log: &akostest.Buffer{}, ended: make(chan struct{})}
	p.Stdout, p.Stderr = p.out, p.log
	if err := p.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() { defer close(p.ended); _ = p.Wait() }()
	b.t.Cleanup(func() { _ = p.Process.Kill(); <-p.ended })
	ready := regexp.MustCompile(`akos serves (\S+)\n`)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if m := ready.FindStringSubmatch(p.out.String()); m != nil {
			p.url = m[1]
			return p
		}
		select {
		case <-p.ended:
			b.t.Fatalf("akos serve ended:\n%s%s", p.out, p.log)
		default:
		}
		if time.Now().After(end) {
			b.t.Fatalf("akos serve is not ready:\n%s%s", p.out, p.log)
		}
	}
}

// ends waits for the process to end.
func (p *process) ends(within time.Duration) *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.ProcessState
	case <-time.After(within):
		p.t.Fatalf("it does not end within %v:\n%s", within, p.log)
		return nil
	}
}

// slow starts to store a value, and returns what sends the rest and what the
// answer will be.
func (p *process) slow(token string) (rest func(), answer <-chan string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "PUT /api/v1/secrets/SLOW HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", token)
	b := make([]byte, 1000)
	if n, err := conn.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "HTTP/1.1 100") {
		p.t.Fatalf("%q %v", b[:n], err)
	}
	said := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(conn)
		said <- string(data)
	}()
	return func() { fmt.Fprint(conn, "value") }, said
}

// TestDrain: told to end, it answers what runs, takes nothing new, and exits 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	p := b.serve()
	rest, answer := p.slow(b.tok)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		_ = c.Close()
		if time.Now().After(end) {
			t.Fatal("it still takes connections")
		}
	}
	select {
	case <-p.ended:
		t.Fatalf("it did not wait:\n%s", p.log)
	case <-time.After(50 * time.Millisecond):
	}
	rest()
	if said := <-answer; !strings.HasPrefix(said, "HTTP/1.1 200") {
		t.Errorf("%q", said)
	}
	if s := p.ends(5 * time.Second); s.ExitCode() != 0 {
		t.Errorf("%v\n%s", s, p.log)
	}
	for _, gone := range []string{"sidecar.sock", "sidecar.json"} {
		if _, err := os.Lstat(filepath.Join(b.home, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", gone, err)
		}
	}
}

// TestSecondSignal: a person who does not want to wait need not, and the next
// start does not mind.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := b.serve()
		p.slow(b.tok)
		_ = p.Process.Signal(sig)
		for !strings.Contains(p.log.String(), "ending") {
			time.Sleep(time.Millisecond)
		}
		start := time.Now()
		_ = p.Process.Signal(sig)
		s := p.ends(5 * time.Second) // draining would take 10
		if ws := s.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != sig {
			t.Errorf("%v: %v after %v", sig, s, time.Since(start))
		}
	}
	p := b.serve()
	_ = p.Process.Signal(syscall.SIGTERM)
	if s := p.ends(5 * time.Second); s.ExitCode() != 0 {
		t.Errorf("%v", s)
	}
}

// TestTLS: a chain of one's own, over TCP with a token and over the socket
// without one.
func TestTLS(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	dir := filepath.Dir(b.home)
	cert, key, root := chain(t, dir)
	p := b.serve("--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://127.0.0.1:") {
		t.Fatalf("%s", p.url)
	}
	b.env = append(b.env, "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
	b.akos(0, "a fake value", "secrets", "set", "KEY", "--stdin")
	if out, _ := b.akos(0, "", "secrets", "list"); !strings.Contains(out, "KEY") {
		t.Errorf("%s", out)
	}
	b.env = append(b.env, "AGENTSKIT_TOKEN="+b.tok, "AKOS_SERVER="+p.url)
	if _, errs := b.akos(8, "", "auth", "whoami"); !strings.Contains(errs, "no workspace server answers at") {
		t.Errorf("a chain that nobody knows: %s", errs)
	}
	b.env = append(b.env, "SSL_CERT_FILE="+root)
	if out, _ := b.akos(0, "", "auth", "whoami"); out != "Logged in as ada on tenant acme\n" {
		t.Errorf("%s", out)
	}
	b.akos(0, "a fake value", "secrets", "set", "OF_ACME", "--stdin")
	if out, _ := b.akos(0, "", "secrets", "list"); !strings.Contains(out, "OF_ACME") || strings.Contains(out, "\nKEY") {
		t.Errorf("%s", out)
	}
	// In clear on that port there is nothing, and no old TLS.
	if res, err := http.Get(strings.Replace(p.url, "https", "http", 1) + "/healthz"); err != nil || res.StatusCode != 400 {
		t.Errorf("in clear: %v %v", res, err)
	} else {
		_ = res.Body.Close()
	}
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	for _, bad := range [][]string{{"--tls-cert", cert, "--tls-key", cert}, {"--tls-cert", dir + "/none.pem", "--tls-key", key}} {
		other := newBox(t)
		if _, errs := other.akos(2, "", append([]string{"serve", "--listen", "127.0.0.1:0"}, bad...)...); !strings.Contains(errs, "the certificate and its key can't be read") {
			t.Errorf("%s", errs)
		}
	}
}

// chain makes a root, one below it, and a certificate of this machine.
func chain(t *testing.T, dir string) (cert, key, root string) {
	t.Helper()
	type signer struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	sign := func(name string, by *signer, ca bool) ([]byte, *signer) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if !ca {
			c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		if by == nil {
			by = &signer{c, k}
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by.cert, &k.PublicKey, by.key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), &signer{c, k}
	}
	rootPEM, rootKey := sign("root", nil, true)
	midPEM, midKey := sign("below", rootKey, true)
	leafPEM, leaf := sign("akos", midKey, false)
	der, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, root = dir+"/cert.pem", dir+"/key.pem", dir+"/root.pem"
	write(t, cert, string(leafPEM)+string(midPEM))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write(t, root, string(rootPEM))
	return cert, key, root
}

// TestBehindProxy: behind a proxy that ends TLS, who comes is who the proxy
// says, and not who the client says.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	var target *url.URL
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // as most do, it adds to what is there
		r.SetXForwarded()
	}})
	defer proxy.Close()
	// It listens on another port than its public URL says.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	p := b.serve("--listen", addr, "--behind-proxy", "--public-url", proxy.URL)
	if p.url != proxy.URL {
		t.Errorf("it says %s", p.url)
	}
	target = &url.URL{Scheme: "http", Host: addr}

	from := func(ip string) *http.Client {
		transport := proxy.Client().Transport.(*http.Transport).Clone()
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).DialContext
		transport.DisableKeepAlives = true
		return &http.Client{Transport: transport}
	}
	register := func(c *http.Client, forwarded string) int {
		req, _ := http.NewRequest("POST", proxy.URL+"/oauth/register", strings.NewReader(`{"client_name":"x","redirect_uris":["http://127.0.0.1/cb"]}`))
		req.Header.Set("Content-Type", "application/json")
		if forwarded != "" {
			req.Header.Set("X-Forwarded-For", forwarded)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	one, two := from("127.0.0.2"), from("127.0.0.3")
	n := 0
	for register(one, fmt.Sprintf("203.0.113.%d", n)) == 201 {
		if n++; n > 50 {
			t.Fatal("there is no limit for who gives another address each time")
		}
	}
	if got := register(one, ""); got != 429 {
		t.Errorf("the same address: %d", got)
	}
	if got := register(two, "127.0.0.2"); got != 201 {
		t.Errorf("another address: %d", got)
	}
	t.Logf("%d clients of one address", n)

	req, _ := http.NewRequest("GET", proxy.URL+"/api/v1/whoami", nil)
	req.Header.Set("Authorization", "Bearer "+b.tok)
	res, err := one.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 200 || !strings.Contains(string(body), `"ada"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, err := one.Get(proxy.URL + "/.well-known/oauth-protected-resource"); err != nil {
		t.Error(err)
	} else if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), proxy.URL) || strings.Contains(string(body), addr) {
		t.Errorf("%s", body)
	}
	// This user's own commands need no way through the proxy.
	b.akos(0, "", "secrets", "list")
}

// TestHealth: ready is who can read its state.
func TestHealth(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	p := b.serve()
	get := func(path string) string {
		t.Helper()
		res, err := http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(body))
	}
	if got := get("/healthz") + get("/readyz"); got != "200 ok\n200 ready\n" {
		t.Errorf("%q", got)
	}
	if out, _ := b.akos(0, "", "doctor"); !strings.Contains(out, "[ok] sidecar") {
		t.Errorf("%s", out)
	}
	db := filepath.Join(b.home, "state.db")
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func() error{
		"damaged":     func() error { return os.WriteFile(db, bytes.Repeat([]byte("damage"), len(whole)/6), 0o600) },
		"a directory": func() error { return errors.Join(os.Remove(db), os.Mkdir(db, 0o700)) },
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if got := get("/readyz"); !strings.HasPrefix(got, "503 the state can't be read") || strings.Contains(got, b.home) {
			t.Errorf("%s: %q", name, got)
		}
		if got := get("/healthz"); got != "200 ok\n" {
			t.Errorf("%s: %q", name, got)
		}
		_ = os.RemoveAll(db)
		_ = os.Remove(db + "-wal")
		_ = os.Remove(db + "-shm")
		if err := os.WriteFile(db, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLog: each line is JSON with --log-format json, and nothing secret is in
// any, however much is logged.
func TestLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		b := newBox(t)
		p := b.serve("--log-format", format, "--verbose")
		setup := regexp.MustCompile(`/setup/(\S+)`).FindStringSubmatch(p.out.String())
		if setup == nil {
			t.Fatalf("no set-up link: %s", p.out)
		}
		secrets := []string{setup[1], password, "hidden-fake-value", "hidden-fake-query", "hidden-fake-token"}
		form := url.Values{"user": {"ada"}, "password": {password}, "again": {password}}
		req, _ := http.NewRequest("POST", p.url+"/setup/"+setup[1], strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", p.url)
		if res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req); err != nil || res.StatusCode >= 400 {
			t.Fatalf("%v %v", res, err)
		}
		b.akos(0, "", "token", "create", "--name", "ci", "--scope", "cli", "--out", b.home+"/token")
		token, _ := os.ReadFile(b.home + "/token")
		b.tok = strings.TrimSpace(string(token))
		secrets = append(secrets, b.tok)
		b.env = append(b.env, "AKOS_SERVER="+p.url, "AGENTSKIT_TOKEN="+b.tok)
		b.akos(0, "hidden-fake-value", "secrets", "set", "KEY", "--stdin")
		b.akos(0, "", "auth", "whoami")
		for _, bad := range []string{
			"GET /api/v1/whoami?q=hidden-fake-query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hidden-fake-token\r\n\r\n",
			"GET /nothing/hidden-fake-query\nlevel=ERROR HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /oauth/authorize?code=hidden-fake-query HTTP/1.1\r\nHost: hidden-fake-token\r\n\r\n",
			"POST /oauth/token HTTP/1.1\r\nHost: " + strings.TrimPrefix(p.url, "http://") + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 48\r\n\r\ngrant_type=x&refresh_token=hidden-fake-token&a=b",
			"\x16\x03\x01\x02\x00\x01\x00hidden-fake-value",
		} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, bad)
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		_ = p.Process.Signal(syscall.SIGTERM)
		if s := p.ends(10 * time.Second); s.ExitCode() != 0 {
			t.Errorf("%v", s)
		}
		log := p.log.String()
		for _, s := range secrets {
			if strings.Contains(log, s) {
				t.Errorf("the log shows %s:\n%s", s, log)
			}
		}
		n := 0
		for line := range strings.Lines(log) {
			n++
			var entry struct{ Time, Level, Msg string }
			if format == "json" && (json.Unmarshal([]byte(line), &entry) != nil || entry.Time == "" || entry.Level == "" || entry.Msg == "") {
				t.Errorf("no entry: %s", line)
			}
			if strings.HasPrefix(line, "level=ERROR") {
				t.Errorf("a line that a stranger wrote: %s", line)
			}
		}
		if n < 3 || !strings.Contains(log, "ready") || !strings.Contains(log, "ending") {
			t.Errorf("%d lines:\n%s", n, log)
		}
	}
}

// TestRefusals: what can't be served is said, with what to do about it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		code int
		says string
		args []string
	}{
		{8, taken.Addr().String() + " can't be listened on\nhint: akos serve --listen 127.0.0.1:0\n", []string{"--listen", taken.Addr().String()}},
		{8, "can't be listened on", []string{"--listen", "203.0.113.1:0", "--behind-proxy", "--public-url", "https://akos.example.com"}},
		{2, "--audience and --introspection-* are of --issuer", []string{"--listen", "127.0.0.1:0", "--audience", "akos"}},
		{2, "--audience and --introspection-* are of --issuer", []string{"--listen", "127.0.0.1:0", "--introspection-client", "akos"}},
		{2, "go together", []string{"--listen", "127.0.0.1:0", "--issuer", "https://login.example.com", "--introspection-client", "akos"}},
		{2, "the file of --introspection-secret-file can't be read", []string{"--listen", "127.0.0.1:0", "--issuer", "https://login.example.com", "--introspection-client", "akos", "--introspection-secret-file", "/nonexistent"}},
		{2, "--issuer is the https URL", []string{"--listen", "127.0.0.1:0", "--issuer", "ftp://login.example.com"}},
	} {
		b := newBox(t)
		if _, errs := b.akos(tt.code, "", append([]string{"serve"}, tt.args...)...); !strings.Contains(errs, tt.says) {
			t.Errorf("%q: %s", tt.args, errs)
		}
		if _, err := os.Lstat(filepath.Join(b.home, "sidecar.sock")); err == nil {
			t.Errorf("%q: a socket is left", tt.args)
		}
	}
}

// TestUmask: the process makes nothing that others can open.
func TestUmask(t *testing.T) {
	b := newBox(t).account()
	if err := os.RemoveAll(b.home); err != nil {
		t.Fatal(err)
	}
	old := syscall.Umask(0)
	p := b.serve()
	syscall.Umask(old)
	b.akos(0, "a fake value", "secrets", "set", "KEY", "--stdin")
	if err := filepath.WalkDir(b.home, func(path string, d os.DirEntry, err error) error {
		if info, e := d.Info(); e != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", path, info.Mode(), e)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_ = p
}
