package terminal

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"example.com/akos/workspace"
)

const (
	pasteOn  = "\x1b[?2004h" // the terminal brackets what is pasted
	pasteOff = "\x1b[?2004l"

	// together is the longest pause inside a paste. Nobody types the next line
	// this soon after Enter.
	together = 30 * time.Millisecond
	// quiet is the pause after which a flood is over.
	quiet = 100 * time.Millisecond
)

// Secret asks for a value that is not shown while it is typed. Enter ends it,
// Backspace takes back a character, Ctrl-W and Alt-Backspace a word, Ctrl-U
// all of it; Ctrl-C, and Ctrl-D before anything is typed, are Canceled. So is
// Ctrl-\, which also quits what runs beside akos. Ctrl-Z suspends, and the
// question is asked anew when the process goes on. Other keys that are no
// characters ring the bell.
//
// A pasted text may hold any bytes and have several lines, without its last
// line end, if the terminal tells pastes from typing; where it doesn't,
// several lines are Invalid. So are an empty value and one over
// [workspace.MaxValue]. If the end of a paste doesn't come, Enter and Ctrl-C
// work after a pause.
func (t *Terminal) Secret(ctx context.Context, prompt string) (workspace.Secret, error) {
	b, err := t.secret(ctx, prompt)
	defer clear(b)
	if err != nil {
		return workspace.Secret{}, err
	}
	return workspace.NewSecret(b), nil
}

// What a key asks for once the terminal is as it was.
var (
	errSuspend = errors.New("ctrl-z was pressed")
	errQuit    = errors.New("ctrl-\\ was pressed")
)

// secret returns the typed bytes. The caller clears them.
func (t *Terminal) secret(ctx context.Context, prompt string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		b, err := t.ask(ctx, prompt)
		switch {
		case errors.Is(err, errSuspend):
			t.tty.signal(ctrlZ)
		case errors.Is(err, errReset):
		case errors.Is(err, errQuit):
			t.tty.signal(ctrlBackslash)
			return nil, canceled().Because(err)
		default:
			return b, err
		}
	}
}

// ask asks once.
func (t *Terminal) ask(ctx context.Context, prompt string) (b []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, ended(err)
	}
	restore, err := t.tty.raw()
	if err != nil {
		return nil, workspace.Errorf(workspace.Unavailable, "the terminal can't be set up, so nothing was asked").Because(err)
	}
	// Deferred, so that it runs after a panic too. The mode comes first: a
	// terminal that hangs must not keep it.
	off := ""
	defer func() {
		if b == nil {
			t.tty.flush() // the rest of what was typed is not for the shell
		}
		restore()
		_, _ = io.WriteString(t.tty, off+"\n")
	}()
	t.tty.flush() // what stands here was echoed, and was meant for somebody else
	on := ""
	if t.tty.pastes() && !t.Dumb {
		on, off = pasteOn, pasteOff
	}
	if err := t.show(on + strings.ReplaceAll(clean(prompt), "\n", "\r\n")); err != nil {
		return nil, err
	}
	in := newInput()
	if err := t.fill(ctx, in); err != nil {
		in.wipe()
		return nil, err
	}
	return in.value, nil
}

// fill reads until in has the whole value.
func (t *Terminal) fill(ctx context.Context, in *input) error {
	buf := make([]byte, 4096)
	defer clear(buf)
	for {
		p, err := t.next(ctx, buf, in.patience())
		if err != nil {
			return err
		}
		rest, done := in.take(p)
		if in.ignored {
			in.ignored = false
			_ = t.show("\a") // it is not worth the answer
		}
		switch {
		case !done:
			continue
		case in.canceled():
			return canceled()
		case in.last == ctrlZ:
			return errSuspend
		case in.last == ctrlBackslash:
			return errQuit
		}
		if rest, err = t.afterEnter(in, rest, buf); err != nil {
			return err
		}
		switch {
		case len(rest) > 0:
			t.drain(ctx, buf) // before echo is back on, and before the shell reads it
			return workspace.Errorf(workspace.Invalid, "more than one line came in; nothing was stored").WithHint("%s", t.FileHint)
		case in.over:
			return workspace.Errorf(workspace.Invalid, "the value is over 1 MiB; nothing was stored")
		case len(in.value) == 0:
			return workspace.Errorf(workspace.Invalid, "an empty value; nothing was stored")
		}
		return nil
	}
}

// afterEnter returns what came in together with Enter and behind it. A line
// feed right behind a carriage return belongs to it.
func (t *Terminal) afterEnter(in *input, rest, buf []byte) ([]byte, error) {
	for range 2 {
		if in.cr && len(rest) > 0 && rest[0] == '\n' {
			rest = rest[1:]
			in.cr = false
		}
		if len(rest) > 0 {
			return rest, nil
		}
		n, err := t.tty.read(buf, together)
		if n == 0 {
			if err != nil {
				return nil, canceled().Because(err)
			}
			return nil, nil
		}
		rest = buf[:n]
	}
	return rest, nil
}

// drain throws away what still comes in, until there is a pause.
func (t *Terminal) drain(ctx context.Context, buf []byte) {
	for ctx.Err() == nil {
		if n, err := t.tty.read(buf, quiet); n == 0 || err != nil {
			return
		}
	}
}
