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
// when somebody presses Enter.
const shell = `set -m
"$0" 2>/dev/null
eval "$SET"
echo STOPPED >/dev/tty
read line </dev/tty
fg >/dev/null 2>&1
`

// TestSuspended: while it is suspended the terminal is the shell's, and
// afterwards the question is asked anew. After a stop that akos could do
// nothing about, the shell's own way with the terminal does not stay.
func TestSuspended(t *testing.T) {
	for _, tt := range []struct {
		name, typed, meanwhile string
		stop                   bool
	}{
		{"ctrl-z", "FAKE-half\x1a", "\r", false},
		{"SIGSTOP", "FAKE-half", "\r", true},
		{"SIGSTOP and a line that showed", "FAKE-half", "\rechoed\r", true},
		{"SIGSTOP in a paste", pasteStart + "FAKE-half", "\rechoed\r", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file, set := filepath.Join(t.TempDir(), "pid"), "SET="
			if tt.stop {
				set = "SET=stty sane </dev/tty"
			}
			s := open(t).run(exec.Command("sh", "-c", shell, os.Args[0]), "secret", "AKOS_TERMINAL_PID="+file, set)
			s.typed(tt.typed)
			if tt.stop {
				b, err := os.ReadFile(file)
				pid, err2 := strconv.Atoi(string(b))
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				time.Sleep(20 * time.Millisecond)
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
			s.await("STOPPED")
			if !tt.stop {
				s.restored()
			}
			s.mu.Lock()
			s.seen = nil
			s.mu.Unlock()
			s.typed(tt.meanwhile).await("QUESTION ")
			s.typed("FAKE-whole\r")
			timer := time.AfterFunc(30*time.Second, func() { _ = s.cmd.Process.Kill() })
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
			if !tt.stop {
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
