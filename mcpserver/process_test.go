package mcpserver_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var binDir string // set by TestMain

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "akos-mcp")
	if err != nil {
		panic(err)
	}
	binDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// buildOnce returns the path of the real akos-mcp, which it builds the first
// time.
var buildOnce = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "akos-mcp")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../cmd/akos-mcp")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func binary(t testing.TB) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// environ returns the whole environment of a process in h.
func (h *home) environ() []string {
	env := []string{"HOME=" + h.data, "AKOS_HOME=" + h.data, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/akos-test"}
	for name, value := range h.env {
		env = append(env, name+"="+value)
	}
	return env
}

// A program is a process of akos-mcp.
type program struct {
	*client
	*os.Process
	out  *os.File // what the client reads
	errs *safeBuffer
	exit chan int
}

// start starts the real binary in h. It ends with the test at the latest.
func start(t testing.TB, h *home, args ...string) *program {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Dir, cmd.Env = h.dir, h.environ()
	p := &program{errs: &safeBuffer{}, exit: make(chan int, 1)}
	cmd.Stderr = p.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = outW
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	outW.Close()
	p.client = &client{t: t, in: in, lines: make(chan string, 10_000)}
	p.Process, p.out = cmd.Process, outR
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := cmd.Wait()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			p.errs.Write([]byte(err.Error()))
		}
		p.exit <- cmd.ProcessState.ExitCode()
	}()
	go p.read(outR)
	t.Cleanup(func() {
		in.Close()
		outR.Close()
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	return p
}

// ends waits for the end of p, whose exit code must be want, and returns what
// it wrote that was not read.
func (p *program) ends(want int) (rest []string) {
	p.t.Helper()
	select {
	case code := <-p.exit:
		if code != want {
			p.t.Errorf("exit code %d, want %d: %s", code, want, p.errs)
		}
	case <-time.After(patience):
		p.t.Fatal("the process does not end")
	}
	for line := range p.lines {
		rest = append(rest, strings.TrimSuffix(line, "\n"))
	}
	return rest
}

// TestProcess: the real binary serves, ends with its input, and writes
// nothing but messages.
func TestProcess(t *testing.T) {
	for _, args := range []string{"", "--verbose", "--verbose --log-format json"} {
		t.Run(args, func(t *testing.T) {
			p := start(t, newHome(t), strings.Fields(args)...)
			p.ask(initialize)
			p.send(initialized + "\n")
			sent := 0
			for _, line := range []string{
				list, ping, "hello", "[]", "\xff", `{"jsonrpc":"2.0","id":1,"method":"no/such"}`, request(2, "no_such", `{}`),
				request(3, "auth_status", `{}`), request(4, "workspace_status", `{"a":1}`), request(5, "vault_list", `{}`),
				request(6, "vault_import", slow), request(7, "vault_import", `{"path":"broken"}`), request(8, "vault_put", `{"key":"A"}`),
			} {
				p.send(line + "\n")
				sent++
			}
			p.in.Close()
			rest := p.ends(0)
			for _, line := range rest {
				parse(t, line)
			}
			if len(rest) != sent {
				t.Errorf("%d answers, want %d", len(rest), sent)
			}
			log := p.errs.String()
			if quiet := args == ""; quiet != (log == "") {
				t.Errorf("on the standard error: %q", log)
			}
			if strings.Contains(strings.Join(rest, "")+log, "fake-value") {
				t.Errorf("it shows a value: %q %s", rest, log)
			}
		})
	}
}

// TestProcessCodes: the exit codes of the real binary.
func TestProcessCodes(t *testing.T) {
	h := newEmptyHome(t)
	for args, want := range map[string]int{
		"--help": 0, "--version": 0, "--no-such": 2, "--tools no_such": 2, "--exclude-tools no_such": 2, "extra": 2,
	} {
		p := start(t, h, strings.Fields(args)...)
		select {
		case code := <-p.exit:
			if code != want {
				t.Errorf("%s: exit code %d, want %d", args, code, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s: it does not end", args)
		}
		if log := p.errs.String(); (want == 0) != (log == "") || strings.Contains(log, "such ") && strings.Contains(log, "no_such") {
			t.Errorf("%s: on the standard error: %q", args, log)
		}
	}
}
