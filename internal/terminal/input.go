package terminal

import (
	"bytes"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// The keys that do something. In raw mode they come in as bytes.
const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	escape    = 0x1b
	del       = 0x7f
)

const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// An input makes a value of typed bytes.
type input struct {
	value    []byte
	held     []byte // bytes that may become the start or the end of a paste
	paste    int    // where the paste in progress starts in value; -1 if none
	over     bool   // more than MaxValue came in
	cr       bool   // the last byte was a carriage return that ended the value
	canceled bool
}

// newInput returns an input that never moves its value: a slice that grew
// would leave copies behind.
func newInput() *input {
	return &input{value: make([]byte, 0, workspace.MaxValue), paste: -1, held: make([]byte, 0, len(pasteEnd))}
}

func (in *input) wipe() {
	clear(in.value[:cap(in.value)])
	in.value = in.value[:0]
}

// take reads p up to the key that ends the value and returns what is behind
// it.
func (in *input) take(p []byte) (rest []byte, done bool) {
	for i, b := range p {
		if in.key(b) {
			return p[i+1:], true
		}
	}
	return nil, false
}

// key takes one byte and reports whether it ends the value.
func (in *input) key(b byte) (done bool) {
	mark := pasteStart
	if in.paste >= 0 {
		mark = pasteEnd
	}
	in.held = append(in.held, b)
	switch {
	case mark == string(in.held):
		in.held = in.held[:0]
		in.edge()
		return false
	case len(in.held) <= len(mark) && mark[:len(in.held)] == string(in.held):
		return false
	}
	// It was no mark: all but the new byte is text. Only its first byte can be
	// an escape, so the new byte alone may start another one.
	for _, h := range in.held[:len(in.held)-1] {
		in.add(h)
	}
	clear(in.held)
	in.held = in.held[:0]
	if b == escape {
		in.held = append(in.held, b)
		return false
	}
	if in.paste >= 0 {
		in.add(b)
		return false
	}
	return in.press(b)
}

// press does what a typed key does.
func (in *input) press(b byte) (done bool) {
	switch b {
	case '\r', '\n':
		in.cr = b == '\r'
		return true
	case ctrlC:
		in.canceled = true
		return true
	case ctrlD:
		in.canceled = len(in.value) == 0
		return true
	case backspace, del:
		_, n := utf8.DecodeLastRune(in.value)
		in.cut(len(in.value) - n)
	case ctrlU:
		in.cut(0)
		in.over = false
	default:
		in.add(b)
	}
	return false
}

// edge is the start or the end of a paste.
func (in *input) edge() {
	if in.paste < 0 {
		in.paste = len(in.value)
		return
	}
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

// cut forgets all behind the first n bytes.
func (in *input) cut(n int) {
	clear(in.value[n:])
	in.value = in.value[:n]
}
