//go:build unix

package terminal

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell runs a question as a shell with job control does, and goes on with it
// when somebody says so.
const shell = `set -m
"$0" 2>/dev/null
stty sane </dev/tty
echo STOPPED >/dev/tty
read line </dev/tty
fg >/dev/null 2>&1
`

// TestSuspended: while it is suspended the terminal is the shell's, and
// afterwards the question is asked anew. Whoever stops it in another way gets
// no echo either.
func TestSuspended(t *testing.T) {
	for _, key := range []bool{true, false} {
		t.Run(map[bool]string{true: "ctrl-z", false: "SIGSTOP"}[key], func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			script := shell
			if key {
				script = strings.Replace(shell, "stty sane </dev/tty\n", "", 1)
			}
			s := open(t).run(exec.Command("sh", "-c", script, os.Args[0]), "secret", "AKOS_TERMINAL_PID="+file)
			s.typed("FAKE-half")
			if key {
				s.typed("\x1a")
			} else {
				b, err := os.ReadFile(file)
				pid, err2 := strconv.Atoi(string(b))
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				time.Sleep(20 * time.Millisecond)
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
			s.await("STOPPED")
			if key {
				s.restored()
			}
			s.mu.Lock()
			s.seen = nil
			s.mu.Unlock()
			if key {
				s.typed("\r")
			} else {
				s.typed("\rechoed\r") // no answer, for it was seen
			}
			s.await("QUESTION ")
			s.typed("FAKE-whole\r")
			timer := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
			defer timer.Stop()
			if err := s.cmd.Wait(); err != nil {
				t.Errorf("the shell: %v; the screen shows %q", err, s.screen())
			}
			if !strings.Contains(s.out.String(), `"Kind":""`) || !strings.Contains(s.out.String(), `"Value":"RkFLRS13aG9sZQ=="`) {
				t.Errorf("got %s", s.out.String())
			}
			if strings.Contains(s.screen(), "FAKE") {
				t.Errorf("the screen shows the value: %q", s.screen())
			}
			if key {
				s.restored()
			}
		})
	}
}

// TestQuit: Ctrl-\ quits, too, what the terminal would have quit.
func TestQuit(t *testing.T) {
	s := open(t).ask("quit").typed("FAKE-half\x1c")
	if a := s.answer(); a.Kind != "canceled" || !a.Quit {
		t.Errorf("got %+v", a)
	}
	s.unseen("FAKE-half")
	s.nothingLeft()
}
