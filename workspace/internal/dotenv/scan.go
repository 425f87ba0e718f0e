package dotenv

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// No Go library reports where an assignment stands, and Rewrite must know it
// to the byte. So the file is cut into statements here, and godotenv gets one
// statement at a time (value.go). The cut also closes what godotenv v1.5.1
// does to a whole file: a line without = swallows the next one, "KEY: value"
// and an empty key are taken, text after a closing quote becomes a key.

// A statement is one assignment. Its offsets are into the whole file.
type statement struct {
	line     int    // 1-based
	key      string // valid
	start    int    // of export or of the key
	eq       int    // of the equals sign
	val, end int    // the value with its quotes; equal, and behind eq, if there is none
	quote    byte   // one of " ' ` or 0
}

type scanner struct {
	src  []byte
	pos  int // the start of a line, or len(src)
	line int // the number of that line

	comments int // lines so far that have one
}

func newScanner(src []byte) *scanner {
	s := &scanner{src: src, line: 1}
	if bytes.HasPrefix(src, []byte("\ufeff")) { // a byte order mark
		s.pos = len("\ufeff")
	}
	return s
}

// next returns the next statement, or false at the end. Each byte is looked at
// a fixed number of times: an open quote ends the scan, nothing is tried again.
func (s *scanner) next() (statement, bool, error) {
	for s.pos < len(s.src) {
		eol := s.lineEnd(s.pos)
		start := s.skipSpace(s.pos, eol)
		if start == eol || s.src[start] == '#' {
			s.countComment(start, eol)
			s.advance(eol)
			continue
		}
		st := statement{line: s.line, start: start}
		if problem := s.cut(&st, eol); problem != "" {
			return statement{}, false, &Error{st.line, problem}
		}
		eol = s.lineEnd(st.end)
		s.countComment(s.skipSpace(st.end, eol), eol)
		s.advance(eol)
		return st, true, nil
	}
	return statement{}, false, nil
}

// cut fills in st, which starts in the line that ends at eol. It returns the
// problem, if there is one.
func (s *scanner) cut(st *statement, eol int) string {
	n := bytes.IndexByte(s.src[st.start:eol], '=')
	if n < 0 {
		return notAssignment
	}
	st.eq = st.start + n
	key := bytes.TrimRight(s.src[st.start:st.eq], " \t")
	if rest, ok := bytes.CutPrefix(key, []byte("export")); ok {
		// "export=1" and "exported=1" are keys, "export KEY=1" is the shell's.
		if name := bytes.TrimLeft(rest, " \t"); len(name) < len(rest) {
			key = name
		}
	}
	if !validKey(key) {
		return badKey
	}
	st.key = string(key)

	behind := st.eq + 1
	st.val = s.skipSpace(behind, eol)
	// "KEY= # note" is an empty value, as node and the shell read it; compose
	// would use the note as the key. "KEY=#x" is the value #x, as in the shell
	// and compose: a comment comes after white space.
	if st.val == eol || s.src[st.val] == '#' && st.val > behind {
		st.val, st.end = behind, behind
		return ""
	}
	switch c := s.src[st.val]; c {
	case '"', '\'', '`': // backticks quote as in node
		st.quote = c
		return s.cutQuoted(st)
	}
	st.end = s.unquotedEnd(st.val, eol)
	return ""
}

// cutQuoted finds the end of a quoted value, which may be lines away.
func (s *scanner) cutQuoted(st *statement) string {
	i := st.val + 1
	for ; i < len(s.src) && s.src[i] != st.quote; i++ {
		if s.src[i] != '\\' || i+1 == len(s.src) {
			continue
		}
		if st.quote == '"' {
			i++ // whatever it is, it does not close
		} else if s.src[i+1] == st.quote {
			// 'it\'s' is it\'s in node and it's in compose, and 'C:\dir\' is
			// C:\dir\ in node and unterminated in compose. Nobody can know.
			return backslashQuote
		}
	}
	if i >= len(s.src) {
		return unterminated
	}
	st.end = i + 1
	eol := s.lineEnd(st.end)
	if rest := s.skipSpace(st.end, eol); rest < eol && s.src[rest] != '#' {
		return textAfterQuote
	}
	return ""
}

// unquotedEnd returns the end of an unquoted value without the space after it.
// A comment starts at the first # that has white space before it; godotenv
// takes the last one, and node takes any #, so that half of a password with a
// # in it would be lost.
func (s *scanner) unquotedEnd(val, eol int) int {
	end := eol
	for i := val + 1; i < eol; i++ {
		if s.src[i] != '#' {
			continue
		}
		if r, _ := utf8.DecodeLastRune(s.src[val:i]); unicode.IsSpace(r) {
			end = i
			break
		}
	}
	return val + len(bytes.TrimRightFunc(s.src[val:end], unicode.IsSpace))
}

// lineEnd returns the offset of the line feed at or after i, or the length of
// the file. The \r of a \r\n counts as white space of the line.
func (s *scanner) lineEnd(i int) int {
	if n := bytes.IndexByte(s.src[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s.src)
}

// skipSpace returns the offset of the first rune in [i,eol) that is not white
// space. All of Unicode's counts, as in node: a no-break space that was pasted
// along is no part of a secret.
func (s *scanner) skipSpace(i, eol int) int {
	return eol - len(bytes.TrimLeftFunc(s.src[i:eol], unicode.IsSpace))
}

// countComment counts the comment at i, if that is one.
func (s *scanner) countComment(i, eol int) {
	if i < eol && s.src[i] == '#' {
		s.comments++
	}
}

// advance moves behind the line end eol.
func (s *scanner) advance(eol int) {
	next := min(eol+1, len(s.src))
	s.line += bytes.Count(s.src[s.pos:next], []byte("\n"))
	s.pos = next
}

// validKey reports whether k can be a key of the vault, and so of a file.
func validKey(k []byte) bool {
	if len(k) == 0 || len(k) > maxKey {
		return false
	}
	for i, c := range k {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return true
}
