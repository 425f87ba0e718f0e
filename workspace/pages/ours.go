package pages

import (
	"io"
	"strconv"

	g "maragu.dev/gomponents"
)

// ours is a text that is written in this package. A constant is one by
// itself; a string, which somebody else may have written, doesn't compile as
// one and has to go through theirs.go.
type ours string

// say returns a text of ours.
//
//go:noinline
func say(s ours) g.Node { return g.Text(string(s)) }

// number returns n in digits.
func number(n int) ours { return ours(strconv.Itoa(n)) }

// attr returns an attribute. One without a value is written with "", as XML
// wants it.
//
//go:noinline
func attr(name, value ours) g.Node { return g.Attr(string(name), string(value)) }

func class(s ours) g.Node { return attr("class", s) }
func id(s ours) g.Node    { return attr("id", s) }

// el returns an element. The functions of gomponents' html package do that
// too, but each call of one puts a copy of the rendering into the binary: that
// is 240 KB for these pages. For the same reason nothing here is inlined.
//
//go:noinline
func el(name ours, nodes ...g.Node) g.Node { return g.El(string(name), nodes...) }

// void returns an element without content. It is closed as XML wants it: a
// strict parser can then read the pages and find what a browser would mend.
//
//go:noinline
func void(name ours, attrs ...g.Node) g.Node {
	return g.NodeFunc(func(w io.Writer) error {
		if _, err := io.WriteString(w, "<"+string(name)); err != nil {
			return err
		}
		for _, a := range attrs {
			if a == nil {
				continue
			}
			if err := a.Render(w); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, "/>")
		return err
	})
}

// lines puts each node on a line, so that people can read the source of a
// page, and its changes.
func lines(nodes ...g.Node) g.Group {
	all := g.Group{say("\n")}
	for _, n := range nodes {
		if n != nil {
			all = append(all, n, say("\n"))
		}
	}
	return all
}
