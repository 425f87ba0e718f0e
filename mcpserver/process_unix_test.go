//go:build unix && !aix && !solaris

package mcpserver_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// waiting returns a process with a call that waits for somebody to write a
// passphrase, and the end of the pipe where that goes in.
func waiting(t *testing.T) (p *program, passphrase *os.File) {
	t.Helper()
	h := newEmptyHome(t)
	pipe := filepath.Join(h.data, "passphrase")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	h.env["AKOS_VAULT_PASSPHRASE_FILE"] = pipe
	p = start(t, h)
	p.ask(ping)
	p.send(request(1, "vault_import", slow) + "\n")
	// A pipe opens once the other end does, so the call runs then.
	opened := make(chan *os.File, 1)
	go func() {
		f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	select {
	case passphrase = <-opened:
	case <-time.After(patience):
		t.Fatal("the call does not start")
	}
	t.Cleanup(func() { passphrase.Close() })
	return p, passphrase
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// TestProcessEnd: what runs is answered when the input ends, and after a
// signal, and the exit code is 0.
func TestProcessEnd(t *testing.T) {
	for name, end := range map[string]func(*program){
		"end of input": func(p *program) { p.in.Close() },
		"SIGTERM":      func(p *program) { p.signal(syscall.SIGTERM) },
		"SIGINT":       func(p *program) { p.signal(syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, passphrase := waiting(t)
			end(p)
			time.Sleep(100 * time.Millisecond) // it has seen the end
			passphrase.Close()                 // an empty one: deriving a key takes long on a busy machine
			rest := p.ends(0)
			if len(rest) != 1 {
				t.Fatalf("the answers are %q, want that to the call", rest)
			}
			if kind, _ := parse(t, rest[0]).kind(); kind != "invalid" {
				t.Errorf("the answer is %s", rest[0])
			}
		})
	}
}

// TestProcessHangs: a call that hangs keeps the process 2 s, and no longer.
func TestProcessHangs(t *testing.T) {
	for name, end := range map[string]func(*program){
		"end of input": func(p *program) { p.in.Close() },
		"SIGTERM":      func(p *program) { p.signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := waiting(t)
			start := time.Now()
			end(p)
			p.ends(0)
			if took := time.Since(start); took < 1900*time.Millisecond || took > 10*time.Second {
				t.Errorf("it took %v, want 2 s", took)
			}
		})
	}
}

// TestSecondSignal: a second signal ends the process at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p, _ := waiting(t)
	p.signal(syscall.SIGTERM)
	time.Sleep(100 * time.Millisecond) // or the two could become one
	p.signal(syscall.SIGINT)
	p.ends(130) // and not the 0 of a process that waited
}

// TestIdleSignal: a process that has nothing to do ends at a signal.
func TestIdleSignal(t *testing.T) {
	t.Parallel()
	p := start(t, newEmptyHome(t))
	p.ask(ping)
	p.signal(syscall.SIGTERM)
	if rest := p.ends(0); len(rest) > 0 {
		t.Errorf("it writes %q", rest)
	}
}

// TestClientGone: a client that reads no more is a reason to end, and none to
// be killed by SIGPIPE.
func TestClientGone(t *testing.T) {
	t.Parallel()
	p := start(t, newEmptyHome(t))
	p.ask(ping)
	p.out.Close()
	p.send(ping + "\n")
	p.ends(0)
}
