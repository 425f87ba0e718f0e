//go:build idp && linux

package serve_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

// TestDex: JWTs whose audience is the client, of a provider that knows neither
// resources nor our scopes.
func TestDex(t *testing.T) {
	p := akostest.StartDex(t)
	chain(t, p, "openid email offline_access", "default", []string{"cli"}, "--audience", workspace.DefaultClientID)
}

// TestOIDCProviderJWT: JWTs for the resource that was asked for (RFC 8707, RFC
// 9068), with scopes of ours.
func TestOIDCProviderJWT(t *testing.T) {
	p := akostest.StartResourceOIDC(t, "jwt", "akos-api", "unused")
	chain(t, p, "openid offline_access read write", "acme", []string{"read", "write"})
}

// TestOIDCProviderOpaque: opaque tokens, by introspection (RFC 7662) with a
// client whose name and secret need to be encoded.
func TestOIDCProviderOpaque(t *testing.T) {
	const client, secret = "akos api+ours", "fake: p+s/s&w=%rd"
	p := akostest.StartResourceOIDC(t, "opaque", client, secret)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	chain(t, p, "openid offline_access cli", "acme", []string{"cli"}, "--introspection-client", client, "--introspection-secret-file", file)
}

// A home is akos in processes of its own.
type home struct {
	t        *testing.T
	bin, dir string
	env      []string
}

func newHome(t *testing.T, bin string) home {
	dir := t.TempDir()
	return home{t, bin, dir, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AKOS_HOME=" + filepath.Join(dir, "home"), "AKOS_VAULT=file",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/akos-test",
	}}
}

func (h home) start(args ...string) (p *exec.Cmd, out, errs *akostest.Buffer) {
	h.t.Helper()
	p, out, errs = exec.Command(h.bin, args...), &akostest.Buffer{}, &akostest.Buffer{}
	p.Env, p.Stdout, p.Stderr = h.env, out, errs
	p.Dir = h.dir
	if err := p.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = p.Process.Kill() })
	return p, out, errs
}

// akos runs a command, which must exit with code, and returns what it says.
func (h home) akos(code int, in string, args ...string) string {
	h.t.Helper()
	p := exec.Command(h.bin, args...)
	var out, errs bytes.Buffer
	p.Env, p.Stdout, p.Stderr, p.Stdin = h.env, &out, &errs, strings.NewReader(in)
	p.Dir = h.dir
	if err := p.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		h.t.Fatal(err)
	}
	if p.ProcessState.ExitCode() != code {
		h.t.Fatalf("akos %q: %v, want %d\n%s%s", args, p.ProcessState, code, &out, &errs)
	}
	return out.String()
}

// chain is the whole way: a sidecar in front of a provider, a person who logs
// in with a browser, and what they do with their session.
func chain(t *testing.T, p *akostest.IdP, scope, tenant string, scopes []string, args ...string) {
	bin := akostest.Program(t)
	there, here := newHome(t, bin), newHome(t, bin)
	server, out, log := there.start(append([]string{"serve", "--listen", "127.0.0.1:0", "--verbose", "--issuer", p.Issuer}, args...)...)
	url := out.Await(t, `akos serves (\S+)\nLogins are those of `+regexp.QuoteMeta(p.Issuer)+"\n")[1]
	// It has no accounts, pages or tokens of its own.
	for _, path := range []string{"/", "/device", "/signin", "/oauth/token", "/.well-known/oauth-authorization-server"} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}

	login, said, errs := here.start("auth", "login", "--no-browser", "--server", url, "--client-id", workspace.DefaultClientID, "--scope", scope)
	page, code := said.Await(t, `Open this page:   (\S+)\n`)[1], said.Await(t, `Enter this code:  (\S+)\n`)[1]
	if err := p.Approve(workspace.DeviceLogin{VerificationURI: page, UserCode: code}); err != nil {
		t.Fatal(err)
	}
	if err := login.Wait(); err != nil {
		t.Fatalf("akos auth login: %v\n%s%s", err, said, errs)
	}
	var who workspace.Identity
	if err := json.Unmarshal([]byte(here.akos(0, "", "auth", "whoami", "--json")), &who); err != nil {
		t.Fatal(err)
	}
	if who.UserID == "" || who.TenantID != tenant || !slices.Equal(who.Scopes, scopes) || who.Server != url || who.Source != "session" || !who.Reachable || time.Until(who.ExpiresAt) <= 0 {
		t.Errorf("%+v", who)
	}
	t.Logf("%s", said)
	if got := here.akos(0, "", "auth", "whoami"); got != "Logged in as "+who.UserID+" on tenant "+tenant+"\n" {
		t.Errorf("%s", got)
	}
	if got := here.akos(0, "hidden-fake-value", "secrets", "set", "KEY", "--stdin"); got != "Stored KEY in file (workspace default)\n" {
		t.Errorf("%s", got)
	}
	here.akos(0, "hidden-fake-value", "secrets", "set", "SHARED", "--stdin", "--scope", "tenant")
	if got := here.akos(0, "", "secrets", "list"); !strings.Contains(got, "KEY ") || !strings.Contains(got, "SHARED ") {
		t.Errorf("%s", got)
	}
	remove := 0
	if !slices.Contains(scopes, "cli") {
		remove = 5
	}
	here.akos(remove, "", "secrets", "remove", "KEY")
	// Whoever owns that machine has a vault of their own there.
	if got := there.akos(0, "", "secrets", "list"); strings.Contains(got, "SHARED") {
		t.Errorf("%s", got)
	}
	if got := there.akos(0, "", "vault", "list"); strings.Contains(got, "SHARED") {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"hidden-fake-token", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."} {
		home{t, bin, here.dir, append(here.env, "AGENTSKIT_TOKEN="+bad, "AKOS_SERVER="+url)}.akos(4, "", "auth", "whoami")
	}
	here.akos(0, "", "auth", "logout")
	here.akos(4, "", "auth", "whoami")

	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("akos serve: %v\n%s", err, log)
	}
	if strings.Contains(log.String(), "hidden-fake") || strings.Contains(log.String(), "eyJ") {
		t.Errorf("the log shows what is hidden:\n%s", log)
	}
}
