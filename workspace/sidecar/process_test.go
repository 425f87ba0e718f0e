//go:build unix

package sidecar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrain: told to end, it answers what runs, takes nothing new, and exits 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	p := b.serve()
	rest, answer := p.slow(b.tok)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(9 * time.Second); ; time.Sleep(5 * time.Millisecond) {
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
	if s := p.ends(20 * time.Second); s.ExitCode() != 0 {
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
		s := p.ends(9 * time.Second) // draining would take 10
		if ws := s.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != sig {
			t.Errorf("%v: %v after %v", sig, s, time.Since(start))
		}
	}
	p := b.serve()
	_ = p.Process.Signal(syscall.SIGTERM)
	if s := p.ends(20 * time.Second); s.ExitCode() != 0 {
		t.Errorf("%v", s)
	}
}

// TestInterrupted: Ctrl-C ends it as it ends every command, and in good order.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	p := b.serve()
	_ = p.Process.Signal(os.Interrupt)
	if s := p.ends(5 * time.Second); s.ExitCode() != 130 {
		t.Errorf("%v\n%s", s, p.log)
	}
	if _, err := os.Lstat(filepath.Join(b.home, "sidecar.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error("it left its discovery file behind")
	}
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
		"moved away":  func() error { return os.Rename(db, db+".away") },
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
		if s := p.ends(20 * time.Second); s.ExitCode() != 0 {
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
		if format == "json" { // what the command itself logs, too
			_, errs := b.akos(2, "", "serve", "--verbose", "--log-format", "json", "--listen", "nonsense")
			if first, rest, _ := strings.Cut(errs, "\n"); !json.Valid([]byte(first)) || !strings.HasPrefix(rest, "akos: ") {
				t.Errorf("%s", errs)
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
		{2, "--audience, --introspection-* and --*-claim are of --issuer", []string{"--listen", "127.0.0.1:0", "--audience", "akos"}},
		{2, "--audience, --introspection-* and --*-claim are of --issuer", []string{"--listen", "127.0.0.1:0", "--introspection-client", "akos"}},
		{2, "--audience, --introspection-* and --*-claim are of --issuer", []string{"--listen", "127.0.0.1:0", "--tenant-claim", "team"}},
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
