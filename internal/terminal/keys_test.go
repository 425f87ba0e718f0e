package terminal

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
)

// A typist is a device on which pieces come in, each some time after the one
// before.
type typist struct {
	pieces []piece
	due    time.Time
	did    []string // what became of the terminal
	shown  bytes.Buffer
}

type piece struct {
	after time.Duration
	text  string
}

func (p piece) String() string { return fmt.Sprintf("%v %.80q", p.after, p.text) }

func (y *typist) Write(p []byte) (int, error) { return y.shown.Write(p) }

func (y *typist) read(p []byte, d time.Duration) (int, error) {
	if len(y.pieces) == 0 || time.Until(y.due) > d {
		time.Sleep(d)
		return 0, nil
	}
	time.Sleep(time.Until(y.due))
	n := copy(p, y.pieces[0].text)
	y.pieces[0].text = y.pieces[0].text[n:]
	if y.pieces[0].text == "" {
		y.pieces = y.pieces[1:]
		y.wait()
	}
	return n, nil
}

func (y *typist) wait() {
	if len(y.pieces) > 0 {
		y.due = time.Now().Add(y.pieces[0].after)
	}
}

func (y *typist) raw() (func(), error) {
	y.did = append(y.did, "raw")
	return func() { y.did = append(y.did, "restored") }, nil
}

func (y *typist) signal(key byte) {
	y.did = append(y.did, map[byte]string{ctrlZ: "suspended", ctrlBackslash: "quit"}[key])
}

func (y *typist) flush()       {}
func (y *typist) pastes() bool { return true }
func (y *typist) Close() error { return nil }

// typing asks for a value that comes in these pieces. Somebody gives up after
// a day.
func typing(t *testing.T, pieces ...piece) (value, kind string, y *typist) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		y = &typist{pieces: pieces}
		y.wait()
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		b, err := (&Terminal{tty: y}).secret(ctx, "QUESTION ")
		if err != nil {
			kind = workspace.Explain(err).Kind.String()
		}
		value = string(b)
	})
	return value, kind, y
}

// TestKeys: a key is a character of the value, or edits it, or does nothing:
// it never becomes a part of it.
func TestKeys(t *testing.T) {
	for name, keys := range map[string][]string{
		"cursor":   {"\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1bOA", "\x1bOD", "\x1b[1;5C", "\x1bO5D", "\x1b\x1b[D"},
		"edit":     {"\x1b[3~", "\x1b[2~", "\x1b[H", "\x1b[F", "\x1b[1~", "\x1b[4~", "\x1b[7~", "\x1bOH", "\x1bOF", "\x1b[3;5~", "\x1b[Z"},
		"function": {"\x1bOP", "\x1b[11~", "\x1b[[A", "\x1b[[E", "\x1b[24;2~", "\x1b[15~"},
		"control":  {"\x00", "\x01", "\x02", "\x05", "\x06", "\a", "\t", "\v", "\f", "\x0e", "\x0f", "\x10", "\x11", "\x12", "\x13", "\x14", "\x16", "\x18", "\x19", "\x1d", "\x1e", "\x1f"},
		"with Alt": {"\x1bf", "\x1bé", "\x1b漢", "\x1b😀", "\x1b "},
		"from elsewhere": {"\x1b[MaZ#", "\x1b[<0;12;3M", "\x1b[I", "\x1b[?62;22c", "\x1b[99;5u", "\x1b]11;rgb:0/0/0\a", "\x1b]11;rgb:0/0/0\x1b\\", "\x1bP1$r0m\x1b\\",
			"\x1b[201~", "\x1b[2000~", "\x1b[200;1~", "\x1b[" + strings.Repeat("200;", 99) + "~"},
	} {
		for _, key := range keys {
			whole := []piece{{0, "FAKE-a" + key + "b\r"}}
			bytewise := []piece{{0, "FAKE-a"}}
			for _, b := range []byte(key) {
				bytewise = append(bytewise, piece{alone - slice - 1, string([]byte{b})})
			}
			bytewise = append(bytewise, piece{0, "b\r"})
			for _, pieces := range [][]piece{whole, bytewise} {
				got, kind, y := typing(t, pieces...)
				if got != "FAKE-ab" || kind != "" {
					t.Errorf("%s %q: got %q %s", name, key, got, kind)
				}
				if !strings.Contains(y.shown.String(), "\a") {
					t.Errorf("%s %q: no bell", name, key)
				}
			}
		}
	}
}

// TestEdit: these keys edit, and end, in the middle of a broken sequence too.
func TestEdit(t *testing.T) {
	later := func(text string) []piece { return []piece{{0, text}, {alone + slice, "FAKE-a\r"}} }
	for _, tt := range []struct {
		pieces     []piece
		want, kind string
	}{
		{[]piece{{0, "FAKE-a wrong\x17\x7f\r"}}, "FAKE-a", ""},
		{[]piece{{0, "FAKE-a wrong \x17\x7f\r"}}, "FAKE-a", ""},
		{[]piece{{0, "\x17wrong\x17FAKE-a\r"}}, "FAKE-a", ""},
		{[]piece{{0, "FAKE-a falsch-é\u2003\x17\x7f\r"}}, "FAKE-a", ""},
		{[]piece{{0, "FAKE-a wrong\x1b\x7f\x7f\r"}}, "FAKE-a", ""}, // Alt-Backspace
		{[]piece{{0, "wrong\x1b\x15FAKE-a\r"}}, "FAKE-a", ""},
		{[]piece{{0, "FAKE-ax\x1b[1;\x7f\r"}}, "FAKE-a", ""},
		{[]piece{{0, "FAKE-\x1b[1;éa\r"}}, "FAKE-éa", ""},
		{[]piece{{0, strings.Repeat("wrong", 1<<18) + "\x17FAKE-a\r"}}, "FAKE-a", ""},
		{later("\x1b"), "FAKE-a", ""},
		{later("\x1b["), "FAKE-a", ""},
		{later("\x1b[1;"), "FAKE-a", ""},
		{later("\x1b[M "), "FAKE-a", ""},
		{later("\x1bO"), "FAKE-a", ""},
		{later("\x1b]"), "FAKE-a", ""},
		{[]piece{{0, "FAKE\x1b\x03"}}, "", "canceled"},
		{[]piece{{0, "FAKE\x1b[\x03"}}, "", "canceled"},
		{[]piece{{0, "FAKE\x1b]0;\x03"}}, "", "canceled"},
		{[]piece{{0, "\x1b\x04"}}, "", "canceled"},
		{[]piece{{0, "FAKE-a\x1b[\r"}}, "FAKE-a", ""},
	} {
		if got, kind, _ := typing(t, tt.pieces...); got != tt.want || kind != tt.kind {
			t.Errorf("%v: got %q %q", tt.pieces, got, kind)
		}
	}
}

// TestSignalKeys: the terminal is as it was before others see the signal.
func TestSignalKeys(t *testing.T) {
	got, kind, y := typing(t, piece{0, "FAKE-half\x1a"}, piece{time.Second, "FAKE-a\r"})
	if want := []string{"raw", "restored", "suspended", "raw", "restored"}; got != "FAKE-a" || kind != "" || !slices.Equal(y.did, want) {
		t.Errorf("ctrl-z: got %q %q, %q", got, kind, y.did)
	}
	if n := strings.Count(y.shown.String(), "QUESTION "); n != 2 {
		t.Errorf("ctrl-z: asked %d times", n)
	}
	got, kind, y = typing(t, piece{0, "FAKE-half\x1c"})
	if want := []string{"raw", "restored", "quit"}; got != "" || kind != "canceled" || !slices.Equal(y.did, want) {
		t.Errorf("ctrl-\\: got %q %q, %q", got, kind, y.did)
	}
}

// TestUnfinishedPaste: a paste without an end has a way out.
func TestUnfinishedPaste(t *testing.T) {
	const start = "FAKE-" + pasteStart + "a\rb\r"
	for _, tt := range []struct {
		pieces     []piece
		want, kind string
	}{
		{[]piece{{0, start}, {time.Second, "\x03"}}, "", "canceled"},
		{[]piece{{0, start}, {time.Second, "\x03"}, {stalled / 2, "\x03\x03"}, {stalled / 2, "\x03"}}, "", "canceled"},
		{[]piece{{0, start}, {stalled / 2, "\x03"}, {time.Second, "\x03"}}, "", "canceled"},
		{[]piece{{0, pasteStart}, {time.Second, "\x04"}}, "", "canceled"},
		{[]piece{{0, start}, {time.Second, "\x1c"}}, "", "canceled"},
		{[]piece{{0, pasteStart + strings.Repeat("FAKE", 1<<18) + "!"}, {time.Second, "\x03"}}, "", "canceled"},
		{[]piece{{0, pasteStart + strings.Repeat("FAKE", 1<<18) + "!"}, {time.Second, "\r"}}, "", "invalid"},
		{[]piece{{0, start}, {time.Second, "\r"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start}, {time.Second, "\r"}, {stalled / 2, "\r"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start}, {time.Second, "\x04"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start + "\x1b[20"}, {time.Second, "\r"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start}, {time.Second, "c"}, {time.Second, "\r"}}, "FAKE-a\nb\nc", ""},
		{[]piece{{0, start}, {time.Second, "\x1a"}, {2 * time.Second, "FAKE-new\r"}}, "FAKE-new", ""},
		// The end comes after all.
		{[]piece{{0, "FAKE-" + pasteStart + "\r"}, {time.Second, "a" + pasteEnd + "\r"}}, "FAKE-\na", ""},
		{[]piece{{0, start}, {time.Second, "\r"}, {stalled / 2, "c" + pasteEnd + "\r"}}, "FAKE-a\nb\n\nc", ""},
		{[]piece{{0, start}, {time.Second, "\x03"}, {stalled / 2, "c" + pasteEnd + "\r"}}, "FAKE-a\nb\n\x03c", ""},
		{[]piece{{0, start}, {time.Second, pasteEnd}, {time.Second, "\r"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start + "\x1b[20"}, {time.Second, "1~\r"}}, "FAKE-a\nb", ""},
		{[]piece{{0, start + "\x1b[20"}, {time.Second, "\rc" + pasteEnd + "\r"}}, "FAKE-a\nb\n\x1b[20\nc", ""},
	} {
		if got, kind, _ := typing(t, tt.pieces...); got != tt.want || kind != tt.kind {
			t.Errorf("%v: got %.80q %q", tt.pieces, got, kind)
		}
	}
}

// TestSlowPaste: a paste, half of it keys, over lines that are slow or stall
// for as long as they like: a stall is no person, for more than one key is
// behind it.
func TestSlowPaste(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	same := func(s string) bool { return strings.Trim(s, s[:1]) == "" }
	for _, line := range []struct {
		name string
		size int
		next func() (after time.Duration, n int)
	}{
		{"stalls", workspace.MaxValue, func() (time.Duration, int) { return time.Duration(r.IntN(5000)) * time.Millisecond, 2 + r.IntN(3000) }},
		{"slow", 16 << 10, func() (time.Duration, int) { return stalled - slice - 1, 1 }},
	} {
		value := make([]byte, line.size)
		for i := range value {
			value[i] = "\n\n\x03\x04\x1a\x1c\x1b\tFAKEfake"[r.IntN(16)]
		}
		value[len(value)-1] = 'E'
		pieces := []piece{{0, pasteStart}}
		for rest := strings.ReplaceAll(string(value), "\n", "\r") + pasteEnd; rest != ""; {
			after, n := line.next()
			n = min(n, len(rest))
			for n > 1 && n < len(rest) && same(rest[:n]) {
				n++ // two stalls around nothing but one key would be a person
			}
			pieces = append(pieces, piece{after, rest[:n]})
			rest = rest[n:]
		}
		got, kind, _ := typing(t, append(pieces, piece{time.Second, "\r"})...)
		if kind != "" || got != string(value) {
			t.Errorf("%s: %d bytes, the same: %v, %s", line.name, len(got), got == string(value), kind)
		}
	}
}
