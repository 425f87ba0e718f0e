// Package terminal asks a person questions on the controlling terminal:
// /dev/tty, or the console on Windows.
//
// It does not know what is asked and what becomes of an answer, and it leaves
// stdin, stdout and stderr alone, so a question works while they are pipes.
//
// Its invariant: an answer is what was typed after its question, a typed
// secret is never shown, and the terminal is as it was on every way out: an
// answer, an error, the end of the context, a panic.
package terminal

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"example.com/akos/workspace"
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
	// line typed in the cooked mode.
	read(p []byte, d time.Duration) (int, error)
	// raw turns echo and line editing off until restore is called.
	raw() (restore func(), err error)
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

// Close releases the terminal.
func (t *Terminal) Close() error { return t.tty.Close() }

// slice is how long a read waits before it looks at its context again.
const slice = 50 * time.Millisecond

// next returns what is typed next, at least one byte, in the buffer p.
func (t *Terminal) next(ctx context.Context, p []byte) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, ended(err)
		}
		n, err := t.tty.read(p, slice)
		switch {
		case n > 0:
			return p[:n], nil
		case errors.Is(err, io.EOF):
			return nil, canceled().Because(err)
		case err != nil:
			return nil, workspace.Errorf(workspace.Unavailable, "the terminal can't be read").Because(err)
		}
	}
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
