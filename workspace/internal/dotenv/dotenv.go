// Package dotenv reads a dotenv file and can replace chosen values in it by
// references such as ${vault:OPENAI_API_KEY}.
//
// It works on bytes: it knows of no file, no vault and no environment, and it
// expands nothing. A secret with a dollar in it comes out with that dollar.
//
// Its invariant: a value comes out as the person who wrote the file meant it,
// or the whole file is refused. Where node's dotenv and docker compose agree
// on a value, it is the value here or a refusal; where they differ, a rule that
// is written in scan.go or value.go decides, or it is a refusal as well.
// values_test.go and failing_test.go are the lists.
// An error holds a line number and a constant, never text of the file.
package dotenv

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"example.com/akos/workspace/internal/secret"
)

const (
	maxFile  = 4 << 20 // bytes
	maxValue = 1 << 20 // bytes, after unquoting: the limit of the vault
	maxKey   = 128     // bytes: the limit of the vault

	// No person writes so many; without a limit 4 MiB of "A=" cost 400 MB.
	maxAssignments = 1 << 16
)

// The problems that an [Error] can name: all of them, and constant, so that
// no text of a file can get into a message.
const (
	fileTooLarge   = "larger than 4 MiB"
	tooMany        = "more than 65536 assignments"
	valueTooLarge  = "value larger than 1 MiB"
	notUTF8        = "not UTF-8"
	nulByte        = "a NUL byte"
	bareReturn     = "a carriage return without a line feed"
	notAssignment  = "not KEY=VALUE"
	badKey         = "bad key: letters, digits, '_', '.' and '-', at most 128, not starting with a digit, '.' or '-'"
	unterminated   = "unterminated quote"
	textAfterQuote = "text after the closing quote"
	backslashQuote = "a backslash before a quote in single quotes or backticks: use double quotes"
	badReference   = "bad ${vault:KEY} reference"
	badVaultKey    = "bad vault key name"
	noName         = "nothing behind what looks like no name: write KEY=\"\" if it is one"
	misread        = "not understood: put the value in double quotes"
)

// An Error says where a file can't be read and why. It never holds text of
// the file.
type Error struct {
	Line    int    // 1-based; 0 if the problem has no line
	Problem string // one of a fixed set of constants
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

// An Entry is one key of a file.
type Entry struct {
	Key   string       // [A-Za-z_][A-Za-z0-9_.-]{0,127}
	Value secret.Value // the unquoted value, at most 1 MiB; may be empty
	Line  int          // 1-based: where the assignment starts
	Ref   string       // NAME, as written, if the whole value is ${vault:NAME}; then Value is empty

	// Hidden is the line of the last earlier assignment to the key that has a
	// value, and another one than Value; 0 if there is none.
	Hidden int
}

// Parse returns the keys of a dotenv file in the order of their lines. Of
// several assignments to one key the last wins: its value and its line are
// returned, the earlier ones are not, but for a mark that there are some. An
// error is an [*Error]: a file that is wrong in one place gives no entries at
// all.
func Parse(data []byte) ([]Entry, error) {
	as, _, err := assignments(data)
	if err != nil {
		return nil, err
	}
	last := make(map[string]int, len(as))
	for i, a := range as {
		last[a.key] = i
	}
	entries := make([]Entry, 0, len(last))
	hidden := map[string]int{}
	for i, a := range as {
		if n := last[a.key]; n != i {
			if a.ref == "" && len(a.value) > 0 && (as[n].ref != "" || !bytes.Equal(a.value, as[n].value)) {
				hidden[a.key] = a.line
			}
			continue
		}
		e := Entry{Key: a.key, Line: a.line, Ref: a.ref, Hidden: hidden[a.key]}
		if a.ref == "" {
			e.Value = secret.New(a.value)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Rewrite returns a copy of data in which each assignment to a key of replace,
// duplicates too, has the value ${vault:NAME}, NAME being what replace maps the
// key to. All other bytes stay: indentation, export, the space around the
// equals sign, comments, line ends, a byte order mark. A value that is a
// reference already stays as well, and so does a comment, even if an old value
// is in it. A key that the file does not assign is ignored. Data that [Parse]
// refuses, or that would become so, is an [*Error].
func Rewrite(data []byte, replace map[string]string) ([]byte, error) {
	for _, name := range replace {
		if !validKey([]byte(name)) {
			return nil, &Error{0, badVaultKey}
		}
	}
	as, _, err := assignments(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	done := 0
	for _, a := range as {
		name, ok := replace[a.key]
		if !ok || a.ref != "" {
			continue
		}
		out.Write(data[done:a.val])
		out.WriteString("${vault:" + name + "}")
		done = a.end
		// KEY="x"#comment: without the quotes a comment needs the space.
		if done < len(data) && data[done] == '#' {
			out.WriteByte(' ')
		}
		// A short assignment to a long name may grow fiftyfold.
		if out.Len() > maxFile {
			return nil, &Error{0, fileTooLarge}
		}
	}
	out.Write(data[done:])
	if out.Len() > maxFile {
		return nil, &Error{0, fileTooLarge}
	}
	return out.Bytes(), nil
}

// Comments returns how many lines of data, which [Parse] takes, have a comment:
// what Rewrite leaves as it is, whatever is in it.
func Comments(data []byte) int {
	_, n, _ := assignments(data)
	return n
}

// assignment is a statement with what its value means.
type assignment struct {
	statement
	value []byte
	ref   string
}

// assignments is the one parse behind Parse and Rewrite, so that values, lines
// and spans cannot disagree. It counts the lines with a comment too.
func assignments(data []byte) (as []assignment, comments int, err error) {
	if err := checkText(data); err != nil {
		return nil, 0, err
	}
	s := newScanner(data)
	for {
		st, ok, err := s.next()
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			return as, s.comments, nil
		}
		if len(as) == maxAssignments {
			return nil, 0, &Error{st.line, tooMany}
		}
		if st.suspicious(data) {
			return nil, 0, &Error{st.line, noName}
		}
		a := assignment{statement: st}
		if a.value, err = st.read(data); err != nil {
			return nil, 0, err
		}
		if a.ref, err = st.reference(a.value); err != nil {
			return nil, 0, err
		}
		as = append(as, a)
	}
}

// checkText refuses what no text file holds, before anything is parsed:
// godotenv would turn a byte that is not UTF-8 into U+FFFD, value.go needs
// NUL for itself, and on a carriage return that ends no line the readers
// disagree (node: a line end; compose: a byte of the value).
func checkText(data []byte) error {
	if len(data) > maxFile {
		return &Error{0, fileTooLarge}
	}
	line := 1
	for i := 0; i < len(data); {
		c := data[i]
		switch {
		case c == '\n':
			line++
		case c == 0:
			return &Error{line, nulByte}
		case c == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			return &Error{line, bareReturn}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return &Error{line, notUTF8}
			}
			i += n
			continue
		}
		i++
	}
	return nil
}
