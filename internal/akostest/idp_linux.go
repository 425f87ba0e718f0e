//go:build idp

package akostest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
	"golang.org/x/crypto/bcrypt"
)

// An IdP is a real identity provider, in a process of its own that ends with
// the test. It knows one public client, workspace.DefaultClientID.
type IdP struct {
	Issuer   string
	user     string
	password string
	t        testing.TB
}

// dexConfig is filled with the port and the hash of a password.
const dexConfig = `issuer: http://127.0.0.1:%[1]d/dex
storage: {type: memory}
web: {http: "127.0.0.1:%[1]d"}
logger: {level: error}
oauth2: {skipApprovalScreen: true}
enablePasswordDB: true
staticClients:
- {id: akos-cli, name: akos, public: true, redirectURIs: [/device/callback]}
staticPasswords:
- {email: ada@akos.test, username: ada, userID: ada-1, hash: "%[2]s"}
`

// StartDex starts Dex. Its issuer has a path; its user is ada@akos.test.
func StartDex(t testing.TB) *IdP {
	t.Helper()
	p := &IdP{user: "ada@akos.test", password: "fake-" + "password-of-ada", t: t}
	hash, err := bcrypt.GenerateFromPassword([]byte(p.password), 10) // Dex takes no less
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	conf := filepath.Join(t.TempDir(), "dex.yaml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, dexConfig, port, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Issuer = fmt.Sprintf("http://127.0.0.1:%d/dex", port)
	_, log := idpProcess(t, filepath.Join(idpCache(t), "dex"), "serve", conf)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("Dex does not listen: %v\n%s", err, log())
		}
	}
}

// StartOIDC starts oidc-provider, where every name and password sign in.
func StartOIDC(t testing.TB) *IdP {
	t.Helper()
	return startOIDC(t, filepath.Join(idpCache(t), "oidc", "server.mjs"))
}

// startOIDC starts a program that runs oidc-provider and says its issuer.
func startOIDC(t testing.TB, program string, args ...string) *IdP {
	t.Helper()
	out, log := idpProcess(t, "node", append([]string{program}, args...)...)
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case issuer := <-line:
		if issuer == "" {
			t.Fatalf("oidc-provider does not start\n%s", log())
		}
		return &IdP{Issuer: issuer, user: "ada", password: "fake-" + "password-of-ada", t: t}
	case <-time.After(2 * patience):
		t.Fatalf("oidc-provider does not listen\n%s", log())
	}
	return nil
}

// Approve is the person who opens the address of a login in a browser, enters
// the code, signs in and says yes. An error tells which page was not
// understood.
func (p *IdP) Approve(d workspace.DeviceLogin) error { return p.decide(d, "approve") }

// Deny is the person who says no.
func (p *IdP) Deny(d workspace.DeviceLogin) error { return p.decide(d, "deny") }

func (p *IdP) decide(d workspace.DeviceLogin, decision string) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join(idpCache(p.t), "oidc", "person.mjs"),
		d.VerificationURI, d.UserCode, p.user, p.password, decision)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the person gave up: %v\n%s", err, out)
	}
	return nil
}

// idpProcess starts a process that ends with the test.
func idpProcess(t testing.TB, name string, args ...string) (out *os.File, log func() string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	errs := &bytes.Buffer{}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = w, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run scripts/setup-idp.sh", err)
	}
	_ = w.Close()
	end := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	t.Cleanup(func() { end(); _ = r.Close() })
	return r, func() string { end(); return errs.String() }
}

// idpCache is where scripts/setup-idp.sh keeps what it installs.
func idpCache(t testing.TB) string { return filepath.Join(Root(t), ".cache", "idp") }
