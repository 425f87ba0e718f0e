//go:build unix

package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A session is a process that asks on a pseudo-terminal, and the person in
// front of it.
type session struct {
	t           *testing.T
	master, tty *os.File
	before      *term.State
	cmd         *exec.Cmd
	out         bytes.Buffer

	mu   sync.Mutex
	seen []byte
}

func open(t *testing.T) *session {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, master: master, tty: tty}
	if s.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close(); master.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.seen = append(s.seen, buf[:n]...)
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

// ask starts the child process with a question of the kind of mode, and pipes
// for stdin and stdout. It returns when the question stands there.
func (s *session) ask(mode string, env ...string) *session {
	s.t.Helper()
	return s.run(exec.Command(os.Args[0]), mode, env...)
}

func (s *session) run(cmd *exec.Cmd, mode string, env ...string) *session {
	s.t.Helper()
	s.cmd = cmd
	s.cmd.Env = append(append(os.Environ(), "TERM=xterm", "GORACE=atexit_sleep_ms=0", childMode+"="+mode), env...)
	s.cmd.Stdin = strings.NewReader("this is not the answer\n")
	s.cmd.Stdout = &s.out
	s.cmd.Stderr = os.Stderr
	s.cmd.ExtraFiles = []*os.File{s.tty}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.await("QUESTION ")
	return s
}

func (s *session) await(text string) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if strings.Contains(s.screen(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%q never came; the screen shows %q", text, s.screen())
}

// restored checks that the terminal is as it was.
func (s *session) restored() {
	s.t.Helper()
	after, err := term.GetState(int(s.tty.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	if !reflect.DeepEqual(s.before, after) {
		s.t.Errorf("the terminal is not as it was: %+v, was %+v", after, s.before)
	}
}

func (s *session) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.seen)
}

func (s *session) typed(text string) *session {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// theEnd comes on the screen behind all that the child wrote.
const theEnd = "THE END"

// answer waits for the child, and checks that the terminal is as it was.
func (s *session) answer() answer {
	s.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("the child: %v; the screen shows %q", err, s.screen())
	}
	s.restored()
	var a answer
	if err := json.Unmarshal(s.out.Bytes(), &a); err != nil {
		s.t.Fatalf("%v: %s", err, s.out.Bytes())
	}
	// What the child wrote is on its way still, and comes in order.
	if _, err := s.tty.WriteString(theEnd); err != nil {
		s.t.Fatal(err)
	}
	s.await(theEnd)
	screen := s.screen()
	if on, off := strings.LastIndex(screen, pasteOn), strings.LastIndex(screen, pasteOff); on > off {
		s.t.Error("bracketed paste was left on")
	}
	return a
}

// unseen checks that no part of a secret was on the screen.
func (s *session) unseen(secret string) {
	s.t.Helper()
	screen := s.screen()
	for i := 0; i+6 <= len(secret); i += 3 {
		if strings.Contains(screen, secret[i:i+6]) {
			s.t.Fatalf("the screen shows a part of the secret: %q", screen)
		}
	}
	if rest := strings.NewReplacer("QUESTION ", "", "\a", "", pasteOn, "", pasteOff, "", theEnd, "", "\r\n", "").Replace(screen); rest != "" {
		s.t.Errorf("the screen shows more than the question: %q", rest)
	}
}

// nothingLeft checks that no typed line waits for the shell.
func (s *session) nothingLeft() {
	s.t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.tty.Fd()), Events: unix.POLLIN}}, 50)
	for err == unix.EINTR {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(s.tty.Fd()), Events: unix.POLLIN}}, 50)
	}
	if n != 0 || err != nil {
		s.t.Errorf("a line is left for the shell (%v)", err)
	}
}

func TestSecret(t *testing.T) {
	var long, binary strings.Builder
	for i := range 100 << 10 / 16 {
		fmt.Fprintf(&long, "FAKE%012d", i*7919)
	}
	for b := range 256 {
		if b != '\r' { // it comes in as a line feed
			binary.WriteByte(byte(b))
		}
	}
	const pem = "-----BEGIN FAKE KEY-----\nRkFLRS1ub3QtYS1rZXk=\n-----END FAKE KEY-----"
	paste := pasteStart + strings.ReplaceAll(pem, "\n", "\r") + "\r" + pasteEnd
	for _, tt := range []struct{ name, typed, want string }{
		{"plain", "FAKE-secret-0001\r", "FAKE-secret-0001"},
		{"line feed", "FAKE-secret-0002\n", "FAKE-secret-0002"},
		{"both", "FAKE-secret-0003\r\n", "FAKE-secret-0003"},
		{"100 KB", long.String() + "\r", long.String()},
		{"binary", pasteStart + binary.String() + pasteEnd + "\r", binary.String()},
		{"UTF-8", "FAKE-gehéim-漢字\r", "FAKE-gehéim-漢字"},
		{"backspace", "\x7f\bFAKE-é漢\x7f\x7fx\b-done\r", "FAKE--done"},
		{"ctrl-u", "wrong\x15FAKE-right\r", "FAKE-right"},
		{"ctrl-d", "FAKE-ended\x04", "FAKE-ended"},
		{"ctrl-w", "FAKE-right wrong  \x17\x7f\r", "FAKE-right"},
		{"other keys", "FAKE-\t\x1b\x1b[A\x1b[3~\x00right\x1b[20\r", "FAKE-right"},
		{"paste", paste + "\r", pem},
		{"paste with line feeds", pasteStart + pem + "\n" + pasteEnd + "\r", pem},
		{"paste with both", pasteStart + strings.ReplaceAll(pem, "\n", "\r\n") + "\r\n\r\n" + pasteEnd + "\r", pem + "\n"},
		{"paste with control keys", pasteStart + "FAKE\x03\x04\x15\x7f\x1b" + pasteEnd + "\r", "FAKE\x03\x04\x15\x7f\x1b"},
		{"two pastes", "FAKE-1" + paste + "-" + paste + "\r", "FAKE-1" + pem + "-" + pem},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t).ask("secret")
			a := s.typed(tt.typed).answer()
			if string(a.Value) != tt.want || a.Kind != "" {
				t.Errorf("got %.80q (%d bytes), error %q %q", a.Value, len(a.Value), a.Kind, a.Msg)
			}
			s.unseen(tt.want)
		})
	}
}

// TestOpaque: what Secret returns can't be printed.
func TestOpaque(t *testing.T) {
	s := open(t).ask("opaque")
	if a := s.typed("FAKE-secret-0004\r").answer(); a.Shown != "[secret]" || a.Kind != "" {
		t.Errorf("got %+v", a)
	}
	s.unseen("FAKE-secret-0004")
}

// TestSplitPaste: the marks of a paste may come in pieces.
func TestSplitPaste(t *testing.T) {
	s := open(t).ask("secret")
	for _, piece := range []string{"\x1b[20", "0~FAKE-a\rFAKE-b\x1b", "[201~", "\r"} {
		s.typed(piece)
		time.Sleep(20 * time.Millisecond)
	}
	if a := s.answer(); string(a.Value) != "FAKE-a\nFAKE-b" {
		t.Errorf("got %+v", a)
	}
}

func TestSecretRefused(t *testing.T) {
	for _, tt := range []struct{ name, typed, kind, msg, hint string }{
		{"ctrl-c", "FAKE-secret\x03", "canceled", "canceled", ""},
		{"ctrl-d", "\x04", "canceled", "canceled", ""},
		{"empty", "\r", "invalid", "an empty value; nothing was stored", ""},
		{"several lines", "FAKE-line-1\rFAKE-line-2\rFAKE-line-3\r", "invalid", "more than one line came in; nothing was stored", "akos vault put KEY --from-file FILE"},
		{"several lines with both ends", "FAKE-line-1\r\nFAKE-line-2\r\n", "invalid", "more than one line came in; nothing was stored", "akos vault put KEY --from-file FILE"},
		{"too long", strings.Repeat("FAKE", 1<<18) + "!\r", "invalid", "the value is over 1 MiB; nothing was stored", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t).ask("secret", "TERM=dumb")
			a := s.typed(tt.typed).answer()
			if a.Kind != tt.kind || a.Msg != tt.msg || a.Hint != tt.hint || a.Value != nil {
				t.Errorf("got %+v", a)
			}
			s.unseen("FAKE-secret FAKE-line")
			s.nothingLeft()
			if strings.Contains(s.screen(), "\x1b") {
				t.Error("escape sequences on a dumb terminal")
			}
		})
	}
}

// TestRestored: the terminal is as it was after a signal and a panic, and in
// between it is not.
func TestRestored(t *testing.T) {
	for _, mode := range []string{"secret", "panic", "deadline"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := open(t).ask(mode)
			if during, err := term.GetState(int(s.tty.Fd())); err != nil || reflect.DeepEqual(during, s.before) {
				t.Errorf("echo is on while the secret is typed (%v)", err)
			}
			s.typed("FAKE-half")
			want := map[string]string{"secret": "canceled", "panic": "panic", "deadline": "unavailable"}[mode]
			if mode == "secret" {
				time.Sleep(20 * time.Millisecond)
				_ = s.cmd.Process.Signal(syscall.SIGTERM)
			}
			if a := s.answer(); a.Kind != want {
				t.Errorf("got %+v", a)
			}
			s.unseen("FAKE-half")
		})
	}
}

// TestTypeAhead: what was typed before the question is not its answer.
func TestTypeAhead(t *testing.T) {
	for mode, want := range map[string]string{"secret": "FAKE-real", "confirm": "false"} {
		s := open(t).typed("y\n")
		a := s.ask(mode).typed("FAKE-real\r").answer()
		if string(a.Value) != want {
			t.Errorf("%s: got %+v", mode, a)
		}
	}
}

func TestQuestions(t *testing.T) {
	for _, tt := range []struct{ mode, typed, want, kind string }{
		{"line", "hello é\r", "hello é", ""},
		{"line", "helo\x7flo\n", "hello", ""},
		{"line", "\r", "", ""},
		{"line", "\x04", "", "canceled"},
		{"confirm", "y\r", "true", ""},
		{"confirm", " YES \r", "true", ""},
		{"confirm", "\r", "false", ""},
		{"confirm", "yep\r", "false", ""},
		{"confirm", "\x04", "false", "canceled"},
		{"choose", "2\r", "1", ""},
		{"choose", "GitHub\r", "2", ""},
		{"choose", "0\rnone\rslack\r", "0", ""},
		{"choose", "4\r\rx\r", "0", "invalid"},
	} {
		t.Run(tt.mode+" "+tt.typed, func(t *testing.T) {
			t.Parallel()
			s := open(t).ask(tt.mode)
			a := s.typed(tt.typed).answer()
			if string(a.Value) != tt.want && a.Kind == "" || a.Kind != tt.kind {
				t.Errorf("got %q, %+v", a.Value, a)
			}
			if tt.mode == "choose" && !strings.Contains(s.screen(), "  1  slack\r\n") {
				t.Errorf("the list is not shown: %q", s.screen())
			}
			if tt.want == "hello é" && !strings.Contains(s.screen(), "hello é") {
				t.Errorf("no echo: %q", s.screen())
			}
		})
	}
}

// TestNoTerminal: a process without a controlling terminal can't ask.
func TestNoTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"=secret", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.Output()
	var a answer
	if err != nil || json.Unmarshal(out, &a) != nil || a.Kind != "human_needed" || a.Msg != "a person must answer, and there is no terminal" {
		t.Errorf("%v, %s", err, out)
	}
}

func TestClean(t *testing.T) {
	if got := clean("a\x1b[2J\x07b\nc\u009bd"); got != "a[2Jb\ncd" {
		t.Errorf("got %q", got)
	}
}

// TestIs: a terminal is one, a pipe and a buffer are not.
func TestIs(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if Is(r) || Is(strings.NewReader("")) || !Is(open(t).tty) {
		t.Error("a pipe and a terminal are not told apart")
	}
}
