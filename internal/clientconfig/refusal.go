package clientconfig

import (
	"bytes"
	"slices"

	"example.com/akos/workspace"
)

// A refusal is why a file can't be edited. It has no content of the file, only
// the line, and no cause: the messages of parsers quote what they read.
type refusal struct {
	kind workspace.Kind
	line int // 1 is the first; 0 if it is about the whole file
	what string
}

func refuse(line int, what string) *refusal { return &refusal{workspace.Invalid, line, what} }

// in returns r as the error of one client's file. Every refusal has the same
// way out: paste by hand what Render gives.
func (r *refusal) in(path string, c client) error {
	var err *workspace.Error
	if r.line > 0 {
		err = workspace.Errorf(r.kind, "%s, line %d: %s; nothing was changed: edit the file yourself", path, r.line, r.what)
	} else {
		err = workspace.Errorf(r.kind, "%s: %s; nothing was changed: edit the file yourself", path, r.what)
	}
	return err.WithHint("akos mcp config --client %s", c.name)
}

// lineAt returns the line of an offset.
func lineAt(src []byte, offset int) int {
	return 1 + bytes.Count(src[:min(offset, len(src))], []byte("\n"))
}

// A splice puts text in the place of src[start:end].
type splice struct {
	start, end int
	text       string
}

// apply returns src with all splices done. Splices at one place keep their
// order.
func apply(src []byte, splices []splice) []byte {
	if len(splices) == 0 {
		return src
	}
	slices.SortStableFunc(splices, func(a, b splice) int { return a.start - b.start })
	var out []byte
	done := 0
	for _, s := range splices {
		out = append(append(out, src[done:s.start]...), s.text...)
		done = s.end
	}
	return append(out, src[done:]...)
}

// newline returns the line end that src uses.
func newline(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// cutBOM splits a byte order mark off src.
func cutBOM(src []byte) (bom, rest []byte) {
	n := 0
	if bytes.HasPrefix(src, []byte("\uFEFF")) {
		n = len("\uFEFF")
	}
	return src[:n:n], src[n:]
}
