package pages

import (
	"strings"
	"unicode"
	"unicode/utf8"

	g "maragu.dev/gomponents"
)

// How many characters a page shows of a text.
const (
	mostOfName    = 64
	mostOfWords   = 200 // what somebody says who can say anything
	mostOfText    = 500 // a sentence or two, which may hold names
	mostOfAddress = 300 // more than a host can have: what is cut off could be the part that counts
)

// unseen holds what IsPrint lets through although it has no look of its own.
var unseen = []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector}

// brailleBlank is a symbol to Unicode and a space to the eye.
const brailleBlank = '\u2800'

// shown returns s as a page may show it: one line of at most so many
// characters, in which whatever can't be seen or would turn the text around
// is U+FFFD.
func shown(s string, most int) string {
	var b strings.Builder
	n, marks := 0, 0
	for _, r := range s { // what is no UTF-8 comes as U+FFFD
		switch {
		case unicode.IsSpace(r):
			r, marks = ' ', 0
		case !unicode.IsPrint(r), unicode.In(r, unseen...), r == brailleBlank:
			r, marks = unicode.ReplacementChar, 0
		case unicode.IsMark(r):
			// A pile of marks would grow over the lines of ours.
			if marks++; marks > 2 {
				continue
			}
		default:
			marks = 0
		}
		if n++; n > most {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// name returns a name that somebody else chose.
func name(s string) string { return shown(s, mostOfName) }

// text returns a text of ours, which may hold what somebody else wrote.
func text(s string) string { return shown(s, mostOfText) }

// claim returns a name that is shown in quotes, which it can't close.
func claim(s string) string { return name(unquoted(s)) }

// saying returns a sentence that is shown in such quotes.
func saying(s string) string { return shown(unquoted(s), mostOfWords) }

func unquoted(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Pi, unicode.Pf, unicode.Quotation_Mark) || strings.ContainsRune("`´′″‴❛❜❝❞❟❠ʺˮ", r) {
			return '\''
		}
		return r
	}, s)
}

// address returns an origin or a network address. Both are ASCII, and another
// alphabet has letters that look the same.
func address(s string) string {
	return shown(strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return unicode.ReplacementChar
		}
		return r
	}, s), mostOfAddress)
}

// value returns s for a hidden field, unchanged; or "" if a form would not
// carry it unchanged.
func value(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// local returns path if it is a path of this server, or "": a link or a form
// may lead nowhere else.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return ""
	}
	return value(path)
}

// What follows puts a text on a page that came from elsewhere. There is no
// other way for one: the functions of ours.go take constants.

func showName(s string) g.Node    { return g.Text(name(s)) }
func showText(s string) g.Node    { return g.Text(text(s)) }
func showAddress(s string) g.Node { return g.Text(address(s)) }

// quote marks a name as the word of somebody whom nobody vouches for.
func quote(s string) g.Node { return el("q", el("bdi", g.Text(claim(s)))) }

// quoteWords marks a sentence so.
func quoteWords(s string) g.Node { return el("q", el("bdi", g.Text(saying(s)))) }

// typed fills a field with what was typed there before.
func typed(s string) g.Node { return g.Attr("value", name(s)) }

// carried fills a field that is not for people to change.
func carried(s string) g.Node { return g.Attr("value", value(s)) }

func href(path string) g.Node   { return g.Attr("href", local(path)) }
func action(path string) g.Node { return g.Attr("action", local(path)) }
