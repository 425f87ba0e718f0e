package terminal

import (
	"bytes"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// The keys that do something. In raw mode they come in as bytes.
const (
	ctrlC         = 0x03
	ctrlD         = 0x04
	backspace     = 0x08
	ctrlU         = 0x15
	ctrlW         = 0x17
	ctrlZ         = 0x1a
	escape        = 0x1b
	ctrlBackslash = 0x1c
	del           = 0x7f
)

const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

const (
	// alone is the pause behind an escape that makes it the Escape key, and
	// not the start of another key.
	alone = 200 * time.Millisecond
	// stalled is the pause in a paste after which a key may be one.
	stalled = 500 * time.Millisecond
)

// An input makes a value of typed bytes.
type input struct {
	value   []byte
	held    []byte // in a paste what may become its end, else a key that is not whole yet
	skip    int    // how many bytes that key still has, where they don't tell
	paste   int    // where the paste in progress starts in value; -1 if none
	lull    int    // where its last pause is in value; -1 if none
	since   int    // the one byte that came since then, once or more; or nothing, or several
	over    bool   // more than MaxValue came in
	last    byte   // the key that ended the value
	cr      bool   // a carriage return did, and no line feed came behind it
	ignored bool   // a key did nothing
}

const (
	nothing = -1
	several = -2
)

// newInput returns an input that never moves its value: a slice that grew
// would leave copies behind.
func newInput() *input {
	return &input{value: make([]byte, 0, workspace.MaxValue), paste: -1, held: make([]byte, 0, len(pasteEnd))}
}

func (in *input) wipe() {
	clear(in.value[:cap(in.value)])
	in.value = in.value[:0]
}

// patience is how long a pause means nothing; 0 if none does.
func (in *input) patience() time.Duration {
	switch {
	case in.paste >= 0:
		return stalled
	case len(in.held) > 0:
		return alone
	}
	return 0
}

// take reads p up to the key that ends the value and returns what is behind
// it. No bytes are a pause beyond patience.
func (in *input) take(p []byte) (rest []byte, done bool) {
	if len(p) == 0 {
		return nil, in.pause()
	}
	for i, b := range p {
		if in.key(b) {
			return p[i+1:], true
		}
	}
	return nil, false
}

// pause ends a key that is not whole. In a paste whose end is missing, keys
// work that a person pressed: those that stand alone between two pauses. What
// a slow line held up is no such thing, for behind it comes all that was sent
// in the meantime, and the end of the paste.
func (in *input) pause() (done bool) {
	if in.paste < 0 {
		in.ignore()
		return false
	}
	lull, key := in.lull, in.since
	in.lull, in.since = len(in.value), nothing
	switch key {
	case '\r', '\n', ctrlC, ctrlD, ctrlZ, ctrlBackslash:
		if lull >= 0 {
			in.cut(lull)
			in.endPaste()
			return in.press(byte(key))
		}
	}
	return false
}

// key takes one byte and reports whether it ends the value.
func (in *input) key(b byte) (done bool) {
	switch {
	case in.paste >= 0:
		in.pasted(b)
		return false
	case len(in.held) > 0 && in.escaped(b):
		return false
	}
	return in.press(b)
}

// pasted takes a byte of a paste.
func (in *input) pasted(b byte) {
	switch in.since {
	case nothing, int(b):
		in.since = int(b)
	default:
		in.since = several
	}
	in.held = append(in.held, b)
	switch {
	case string(in.held) == pasteEnd:
		in.endPaste()
		return
	case strings.HasPrefix(pasteEnd, string(in.held)):
		return
	}
	// It was no end: all but the new byte is text. Only its first byte can be
	// an escape, so the new byte alone may start another one.
	for _, h := range in.held[:len(in.held)-1] {
		in.add(h)
	}
	in.release()
	if b == escape {
		in.held = append(in.held, b)
		return
	}
	in.add(b)
}

// escaped takes a byte behind an escape and reports whether it belongs to the
// same key: the sequences of ECMA-48 §5.4 (ESC [ …), single shifts (ESC O …),
// strings (§5.6), and with Alt an escape and a character. A control byte is a
// key of its own, lest a broken sequence swallow Ctrl-C.
func (in *input) escaped(b byte) bool {
	kind := byte(0)
	if len(in.held) > 1 {
		kind = in.held[1]
	}
	isString := kind != 0 && strings.IndexByte("]PX^_", kind) >= 0
	switch {
	case in.skip > 0 && b >= ' ':
		if in.skip--; in.skip == 0 {
			in.ignore()
		}
	case kind == 0 && (b == backspace || b == del): // with Alt
		in.release()
		in.cutWord()
	case b < ' ' || b == del: // among them the bell and the escape that end a string
		in.ignore()
		return false
	case isString:
	case kind == 0 && strings.IndexByte("[O]PX^_", b) >= 0:
		in.held = append(in.held, b)
	case kind == 0 && following(b) > 0:
		in.skip = following(b)
	case kind == 0:
		in.ignore()
	case b >= utf8.RuneSelf:
		in.ignore()
		return false
	case len(in.held) == 2 && kind == '[' && b == '[': // F1 to F5 of the Linux console
		in.skip = 1
	case len(in.held) == 2 && kind == '[' && b == 'M': // a mouse of X10
		in.skip = 3
	case b >= '0' && b < '@' || kind == '[' && b < '0':
		if len(in.held) < len(pasteStart) { // one that is longer is none
			in.held = append(in.held, b)
		}
	case string(in.held)+string(rune(b)) == pasteStart:
		in.release()
		in.paste, in.lull, in.since = len(in.value), -1, nothing
	default:
		in.ignore()
	}
	return true
}

// following returns how many bytes UTF-8 has behind b.
func following(b byte) int {
	switch {
	case b >= 0xf0:
		return 3
	case b >= 0xe0:
		return 2
	case b >= 0xc0:
		return 1
	}
	return 0
}

// release forgets what is held.
func (in *input) release() {
	clear(in.held)
	in.held, in.skip = in.held[:0], 0
}

// ignore forgets a key that does nothing.
func (in *input) ignore() {
	in.release()
	in.ignored = true
}

// press does what a typed key does.
func (in *input) press(b byte) (done bool) {
	switch b {
	case '\r', '\n', ctrlC, ctrlD, ctrlZ, ctrlBackslash:
		in.last, in.cr = b, b == '\r'
		return true
	case escape:
		in.held = append(in.held, b)
	case backspace, del:
		_, n := utf8.DecodeLastRune(in.value)
		in.cut(len(in.value) - n)
	case ctrlU:
		in.cut(0)
	case ctrlW:
		in.cutWord()
	default:
		if b < ' ' {
			in.ignore()
			return false
		}
		in.add(b)
	}
	return false
}

// canceled reports whether the last key takes everything back.
func (in *input) canceled() bool {
	return in.last == ctrlC || in.last == ctrlD && len(in.value) == 0
}

// endPaste ends the paste.
func (in *input) endPaste() {
	in.release()
	// Terminals send a pasted line end as Enter would: a carriage return. A
	// key file needs the line feeds that it had.
	text := in.value[in.paste:]
	n := 0
	for i, b := range text {
		switch {
		case b == '\r' && i+1 < len(text) && text[i+1] == '\n':
			continue
		case b == '\r':
			b = '\n'
		}
		text[n] = b
		n++
	}
	if bytes.HasSuffix(text[:n], []byte("\n")) {
		n--
	}
	in.cut(in.paste + n)
	in.paste = -1
}

func (in *input) add(b byte) {
	if len(in.value) == cap(in.value) {
		in.over = true
		return
	}
	in.value = append(in.value, b)
}

// cutWord forgets the last word and the blanks behind it.
func (in *input) cutWord() {
	word := bytes.TrimRightFunc(in.value, unicode.IsSpace)
	in.cut(bytes.LastIndexFunc(word, unicode.IsSpace) + 1)
}

// cut forgets all behind the first n bytes.
func (in *input) cut(n int) {
	clear(in.value[n:])
	in.value = in.value[:n]
	in.over = in.over && n > 0
}
