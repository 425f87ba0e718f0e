package terminal

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
)

// A flood is a device on which line after line comes in, each some time after
// the one before.
type flood struct {
	io.Writer
	lines int
	every time.Duration
	start time.Time
	taken int
	left  int // the lines that had not come when the terminal was restored
}

func (f *flood) read(p []byte, d time.Duration) (int, error) {
	wait := time.Until(f.start.Add(time.Duration(f.taken) * f.every))
	if f.taken == f.lines || wait > d {
		time.Sleep(d)
		return 0, nil
	}
	time.Sleep(wait)
	f.taken++
	return copy(p, "FAKE-line\r"), nil
}

func (f *flood) raw() (func(), error) {
	f.start = time.Now()
	return func() { f.left = f.lines - f.taken }, nil
}

func (f *flood) flush()       {}
func (f *flood) signal(byte)  {}
func (f *flood) pastes() bool { return false }
func (f *flood) Close() error { return nil }

// TestFlood: lines that keep coming are swallowed before echo is on again.
func TestFlood(t *testing.T) {
	for _, tt := range []struct {
		every, ends time.Duration
		left        int
	}{
		{together - time.Millisecond, 9*(together-time.Millisecond) + quiet, 0},
		{0, quiet, 0},
		{together + time.Millisecond, together, 9}, // one line, and somebody who types on
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &flood{Writer: io.Discard, lines: 10, every: tt.every}
			_, err := (&Terminal{tty: f}).Secret(t.Context(), "QUESTION ")
			if e := (*workspace.Error)(nil); tt.left == 0 && (!errors.As(err, &e) || e.Kind != workspace.Invalid) || tt.left > 0 && err != nil {
				t.Errorf("every %v: %v", tt.every, err)
			}
			if took := time.Since(f.start); f.left != tt.left || took != tt.ends {
				t.Errorf("every %v: it ended after %v, not %v, with %d lines to come", tt.every, took, tt.ends, f.left)
			}
		})
	}
}

// TestFloodPause: once it is a flood, its pauses may be longer.
func TestFloodPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flood{Writer: io.Discard, lines: 10, every: quiet - time.Millisecond, start: time.Now()}
		(&Terminal{tty: f}).drain(t.Context(), make([]byte, 64))
		if f.taken != f.lines {
			t.Errorf("%d of %d lines were swallowed", f.taken, f.lines)
		}
	})
}
