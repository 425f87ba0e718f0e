// Package terminal asks a person questions on the controlling terminal:
// /dev/tty, or the console on Windows.
//
// It does not know what is asked and what becomes of an answer, and it leaves
// stdin, stdout and stderr alone, so a question works while they are pipes.
//
// Its invariant: an answer is what was typed after its question, a typed
// secret is never shown, and the terminal is as it was on every way out: an
// answer, an error, the end of the context, a panic, and while the process is
// suspended by a key. Signals end it only if its caller has them end the
// context.
package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"example.com/akos/workspace"
	"golang.org/x/term"
)

// A Terminal is the controlling terminal. Its methods may be called from
// several goroutines; the questions come one after the other.
type Terminal struct {
	// FileHint is the hint of the error for several lines that came where one
	// was expected: the command that takes the value from a file.
	FileHint string
	// Dumb says that the terminal understands no escape sequences, as
	// TERM=dumb does: it is then not asked to tell pastes from typing.
	Dumb bool

	mu  sync.Mutex
	tty device
}

// A device is a terminal of one platform.
type device interface {
	io.Writer
	// read returns what was typed, waiting no longer than d; 0 bytes and no
	// error if that was nothing. io.EOF is the end of the terminal, or of a
	// line typed in the cooked mode; errReset says that somebody
	// else has ended the raw mode.
	read(p []byte, d time.Duration) (int, error)
	// raw turns echo, line editing and the keys that send signals off until
	// restore is called.
	raw() (restore func(), err error)
	// signal does to the process and those it runs with what Ctrl-Z or Ctrl-\
	// does in the cooked mode, and returns when it goes on.
	signal(key byte)
	// flush forgets what was typed already.
	flush()
	// pastes reports whether the terminal may be asked to bracket pastes.
	pastes() bool
	io.Closer
}

// Open returns the controlling terminal. Without one, nobody can be asked:
// HumanNeeded. The caller closes it.
func Open() (*Terminal, error) {
	tty, err := openDevice()
	if err != nil {
		return nil, workspace.Errorf(workspace.HumanNeeded, "a person must answer, and there is no terminal").Because(err)
	}
	return &Terminal{tty: tty}, nil
}

// Is reports whether r is a terminal, so that what is typed into it shows.
func Is(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Close releases the terminal.
func (t *Terminal) Close() error { return t.tty.Close() }

// slice is how long a read waits before it looks at its context again.
const slice = 50 * time.Millisecond

var errReset = errors.New("the raw mode was ended by somebody else")

// next returns what is typed next, in the buffer p: at least one byte, or none
// after a pause, if that is not 0. The waits are counted and not what a clock
// shows, for a process that gets no time has not seen a pause.
func (t *Terminal) next(ctx context.Context, p []byte, pause time.Duration) ([]byte, error) {
	for waited := time.Duration(0); pause == 0 || waited < pause; waited += slice {
		if err := ctx.Err(); err != nil {
			return nil, ended(err)
		}
		n, err := t.tty.read(p, slice)
		switch {
		case n > 0:
			return p[:n], nil
		case errors.Is(err, errReset):
			return nil, err
		case errors.Is(err, io.EOF):
			return nil, canceled().Because(err)
		case err != nil:
			return nil, workspace.Errorf(workspace.Unavailable, "the terminal can't be read").Because(err)
		}
	}
	return nil, nil
}

// ended is the error for a context that ended.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return workspace.Errorf(workspace.Unavailable, "nobody answered in time").Because(err)
	}
	return canceled().Because(err)
}

func canceled() *workspace.Error { return workspace.Errorf(workspace.Canceled, "canceled") }

// show writes to the terminal. In raw mode a line ends with \r\n.
func (t *Terminal) show(s string) error {
	if _, err := io.WriteString(t.tty, s); err != nil {
		return workspace.Errorf(workspace.Unavailable, "the terminal can't be written to").Because(err)
	}
	return nil
}

// Show writes a text with a credential in its middle: for the person who sits
// there, and to no stream that could be kept.
func (t *Terminal) Show(before string, credential []byte, after string) error {
	if err := t.show(before); err != nil {
		return err
	}
	if _, err := t.tty.Write(credential); err != nil {
		return workspace.Errorf(workspace.Unavailable, "the terminal can't be written to").Because(err)
	}
	return t.show(after)
}

// clean returns s without control characters but newlines: a name in a prompt
// may come from elsewhere and must not move the cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s)
}
