package pages

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// An element is a start tag, with the text that comes right after it.
type element struct {
	tag   string
	attrs map[string]string
	text  string
}

// elements reads a page. The pages are XML too, so that a strict parser
// finds what a browser would mend: an open tag, a quote that is missing.
func elements(t *testing.T, page []byte) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(page)))
	var all []element
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, page)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := element{tok.Name.Local, map[string]string{}, ""}
			for _, a := range tok.Attr {
				if _, ok := e.attrs[a.Name.Local]; ok {
					t.Errorf("<%s> has two %s", e.tag, a.Name.Local)
				}
				e.attrs[a.Name.Local] = a.Value
			}
			all = append(all, e)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += string(tok)
			}
		}
	}
}

// mayHave lists every element of a page with every attribute that it may
// have: what else there is, somebody else wrote.
var mayHave = map[string]string{
	"html": "lang", "head": "", "body": "", "header": "", "main": "", "footer": "", "style": "", "title": "",
	"meta": "charset name content", "h1": "", "h2": "", "p": "class id role", "div": "class", "span": "class",
	"dl": "", "dt": "", "dd": "", "ul": "", "li": "", "bdi": "", "q": "", "code": "id",
	"svg": "viewBox aria-hidden", "circle": "cx cy r", "path": "d", "a": "class href",
	"form": "id method enctype action", "fieldset": "", "legend": "", "label": "for",
	"button":  "class type name value form formnovalidate aria-describedby",
	"details": "", "summary": "id",
	"textarea": "id name rows autocomplete autocapitalize spellcheck aria-describedby",
	"input": "id name type value class required autocomplete autocapitalize autocorrect spellcheck inputmode minlength " +
		"aria-describedby autofocus",
}

// check holds a page to what is true of every page.
func check(t *testing.T, page []byte) {
	t.Helper()
	if !utf8.Valid(page) {
		t.Error("not UTF-8")
	}
	all := elements(t, page)
	count := map[string]int{}
	ids := map[string]bool{}
	labels := map[string]string{} // by what they label
	for _, e := range all {
		count[e.tag]++
		may, ok := mayHave[e.tag]
		if !ok {
			t.Errorf("<%s> on a page", e.tag)
		}
		for a := range e.attrs {
			if !slices.Contains(strings.Fields(may), a) {
				t.Errorf("<%s %s>", e.tag, a)
			}
		}
		if id, ok := e.attrs["id"]; ok {
			if ids[id] {
				t.Errorf("two elements have the id %q", id)
			}
			ids[id] = true
		}
		if e.tag == "label" {
			labels[e.attrs["for"]] = e.attrs["for"]
		}
		for _, r := range e.text + e.attrs["class"] {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("<%s> shows %U", e.tag, r)
			}
		}
		if n := utf8.RuneCountInString(e.text); n > mostOfText+10 {
			t.Errorf("<%s> has %d characters", e.tag, n)
		}
	}
	for _, tag := range []string{"html", "title", "h1", "main", "style"} {
		if count[tag] != 1 {
			t.Errorf("%d <%s>", count[tag], tag)
		}
	}
	if all[0].attrs["lang"] != "en" {
		t.Error("the page has no language")
	}
	for _, e := range all {
		for _, id := range strings.Fields(e.attrs["aria-describedby"]) {
			if !ids[id] {
				t.Errorf("%s is described by %s, which is not there", e.attrs["id"], id)
			}
		}
		for _, a := range []string{"action", "href"} {
			if to := e.attrs[a]; to != "" && local(to) == "" {
				t.Errorf("<%s %s=%q>", e.tag, a, to)
			}
		}
		if e.tag != "input" && e.tag != "textarea" || e.attrs["type"] == "hidden" {
			continue
		}
		if labels[e.attrs["id"]] == "" {
			t.Errorf("no label for %q", e.attrs["name"])
		}
		if e.attrs["type"] != "radio" && e.attrs["type"] != "file" && e.attrs["autocomplete"] == "" {
			t.Errorf("a browser can't know what %q is", e.attrs["name"])
		}
		if ids["problem"] && !strings.Contains(e.attrs["aria-describedby"], "problem") {
			t.Errorf("the problem is not bound to %q", e.attrs["name"])
		}
	}
}

func TestStructure(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			page, _ := body(t, c.page)
			check(t, page)
		})
	}
}

// TestEvil puts into every field what somebody might, and wants the elements
// of a page as they are with "x".
func TestEvil(t *testing.T) {
	for _, s := range evil {
		plain := "x"
		if claim(s) == "" {
			plain = ""
		}
		for i, c := range with(s) {
			t.Run(c.name, func(t *testing.T) {
				page, _ := body(t, c.page)
				check(t, page)
				want, _ := body(t, with(plain)[i].page)
				if got, want := tags(elements(t, page)), tags(elements(t, want)); got != want {
					t.Errorf("with %.40q:\n got %s\nwant %s", s, got, want)
				}
			})
		}
	}
}

// tags returns the tags of a page, without those that only a path of this
// server makes.
func tags(all []element) string {
	var b strings.Builder
	for _, e := range all {
		if e.tag != "a" && e.attrs["name"] != "next" {
			b.WriteString(e.tag + " ")
		}
	}
	return b.String()
}
