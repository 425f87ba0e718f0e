//go:build unix

package sidecar_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// A box is a home, and akos in processes of its own.
type box struct {
	t       *testing.T
	home    string
	akosBin string // "" for this test program, which is akos too
	env     []string
	tok     string // a token of the scope cli, once there is one
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
	cmd := exec.Command(cmp.Or(b.akosBin, os.Args[0]), args...)
	cmd.Env, cmd.Dir = b.env, filepath.Dir(b.home)
	return cmd
}

// akos runs a command, which must exit with code.
func (b *box) akos(code int, in string, args ...string) (out, errs string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // one that should not serve may
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
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
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
