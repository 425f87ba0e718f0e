package clientconfig

import (
	"bytes"
	"strings"

	"github.com/tailscale/hujson"
)

// A field is a member of an object: its name, and its value as JSON.
type field struct{ name, text string }

// A layout is how a file is written, so that what we add looks like the rest.
type layout struct {
	nl   string // line end
	unit string // one level of indentation
	sep  string // " " if a one-line object has spaces after : and ,
}

func styleOf(src []byte, root *hujson.Object) layout {
	s := layout{nl: newline(src), unit: "  ", sep: " "}
	if len(root.Members) > 0 {
		first := root.Members[0]
		if in := indentOf(first.Name.BeforeExtra); in != "" {
			s.unit = in
		}
		if len(first.Value.BeforeExtra) == 0 {
			s.sep = ""
		}
	}
	return s
}

// object returns an object whose own line starts with indent.
func (s layout) object(indent string, multi bool, fields []field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(s.lead(indent+s.unit, multi, i == 0))
		b.WriteString(s.member(f, multi))
	}
	if multi {
		return "{" + b.String() + s.nl + indent + "}"
	}
	return "{" + b.String() + "}"
}

func (s layout) member(f field, multi bool) string {
	if multi {
		return quote(f.name) + ": " + f.text
	}
	return quote(f.name) + ":" + s.sep + f.text
}

// lead is what stands before a member.
func (s layout) lead(indent string, multi, first bool) string {
	switch {
	case multi:
		return s.nl + indent
	case first:
		return ""
	}
	return s.sep
}

// A place is an object in a file.
type place struct {
	value  hujson.Value // the object with its offsets
	obj    *hujson.Object
	indent string // of the line that the object starts on
	multi  bool   // its members have lines of their own
}

// multiline reports whether members of o have lines of their own; an empty
// object does as the one around it.
func multiline(o *hujson.Object, around bool) bool {
	if len(o.Members) == 0 {
		return around
	}
	return bytes.Contains(o.Members[0].Name.BeforeExtra, []byte("\n"))
}

// indentOf returns the white space at the start of the line that extra ends
// on.
func indentOf(extra hujson.Extra) string {
	line := string(extra[bytes.LastIndexByte(extra, '\n')+1:])
	if !bytes.Contains(extra, []byte("\n")) {
		return ""
	}
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

func (p place) memberIndent(s layout) string {
	if len(p.obj.Members) > 0 && p.multi {
		return indentOf(p.obj.Members[0].Name.BeforeExtra)
	}
	return p.indent + s.unit
}

// member returns the value of a member, or nil. Two of one name are refused:
// which of them a client reads is its own affair.
func (p place) member(src []byte, name string) (*hujson.Value, *refusal) {
	var found *hujson.Value
	for i := range p.obj.Members {
		m := &p.obj.Members[i]
		if m.Name.Value.(hujson.Literal).String() != name {
			continue
		}
		if found != nil {
			return nil, refuse(lineAt(src, m.Name.StartOffset), name+" stands there twice")
		}
		found = &m.Value
	}
	return found, nil
}

// insert adds one member whose value is made for the indentation it gets.
func (p place) insert(s layout, name string, text func(s layout, indent string, multi bool) string) []splice {
	multi := p.multi || p.hasTail()
	return p.insertAll(s, []field{{name, text(s, p.memberIndent(s), multi)}})
}

// hasTail reports whether comments stand between the last member and the
// closing brace. What is added goes below them, for they belong to what is
// there.
func (p place) hasTail() bool { return len(bytes.TrimSpace(p.obj.AfterExtra)) > 0 }

// insertAll adds members at the end. A trailing comma stays a trailing comma.
func (p place) insertAll(s layout, fields []field) []splice {
	multi := p.multi || p.hasTail()
	tail := len(bytes.TrimRight(p.obj.AfterExtra, " \t\r\n"))
	at := p.value.EndOffset - 1 - len(p.obj.AfterExtra) + tail
	empty, trailing := len(p.obj.Members) == 0, false

	var splices []splice
	if !empty {
		last := p.obj.Members[len(p.obj.Members)-1].Value
		if trailing = last.AfterExtra != nil; !trailing {
			splices = append(splices, splice{last.EndOffset, last.EndOffset, ","})
		}
	}
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(s.lead(p.memberIndent(s), multi, empty && i == 0))
		b.WriteString(s.member(f, multi))
	}
	if trailing {
		b.WriteString(",")
	}
	if multi && !bytes.Contains(p.obj.AfterExtra[tail:], []byte("\n")) {
		b.WriteString(s.nl + p.indent)
	}
	return append(splices, splice{at, at, b.String()})
}
