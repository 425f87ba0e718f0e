package dotenv

import (
	"bytes"
	"strings"

	"github.com/joho/godotenv"
)

// godotenv v1.5.1 reads the statement; what it would damage is hidden from it
// behind masks and put back afterwards. A mask is NUL and a letter: no file
// has a NUL in it (checkText), so a mask cannot be confused with text.
//
// What the masks are for, all seen in v1.5.1:
//   - $NAME is expanded in unquoted and double-quoted values, \$ in unquoted
//     ones loses its backslash;
//   - "C:\dir" loses the backslash, "a\tb" becomes atb, "a\\" is unterminated;
//   - "say \"hi\"" becomes say "hi\;
//   - a key with - is refused, and backticks are not known, so their inside
//     goes in single quotes.
//
// gotenv v1.6.0 was compared on the same table: it expands from the process
// environment as well, cuts x#y at the #, reads "x" # "y" as one value, drops
// the same backslashes and refuses a line of more than 64 KiB.
const (
	maskDollar    = "\x00d"
	maskBackslash = "\x00b"
	maskDouble    = "\x00q"
	maskSingle    = "\x00s"
)

// read returns the value of st, a statement of data.
func (st *statement) read(data []byte) ([]byte, error) {
	raw := data[st.val:st.end]
	// Unquoting at most halves: such a value need not be unquoted to be
	// refused, and 4 MiB of escapes keep godotenv's regexps busy for long.
	if len(raw) > 2*maxValue+len(`""`) {
		return nil, &Error{st.line, valueTooLarge}
	}
	var b bytes.Buffer
	head := bytes.TrimRight(data[st.start:st.eq], " \t")
	b.Write(bytes.ReplaceAll(head, []byte("-"), []byte("_")))
	b.WriteByte('=')
	switch st.quote {
	case '"':
		b.WriteByte('"')
		maskEscapes(&b, raw[1:len(raw)-1])
		b.WriteByte('"')
	case '\'', '`':
		b.WriteByte('\'')
		maskLiteral(&b, raw[1:len(raw)-1])
		b.WriteByte('\'')
	default:
		maskLiteral(&b, raw)
	}

	// Its errors quote the file: they stop here. That it finds another key, or
	// two, or a comment in what was cut as an unquoted value, means that the cut
	// and the library disagree over this statement; no such file is known, and
	// none may come out as a wrong value.
	m, err := godotenv.UnmarshalBytes(b.Bytes())
	v, ok := m[strings.ReplaceAll(st.key, "-", "_")]
	value := unmask(v)
	if err != nil || !ok || len(m) != 1 || st.quote == 0 && !bytes.Equal(value, raw) {
		return nil, &Error{st.line, misread}
	}
	if len(value) > maxValue {
		return nil, &Error{st.line, valueTooLarge}
	}
	return value, nil
}

// reference returns NAME if the whole of value is ${vault:NAME}, quoted or not.
// With a NAME that no vault has it is a mistake, and not a secret to store.
func (st *statement) reference(value []byte) (string, error) {
	const prefix = "${vault:"
	if len(value) <= len(prefix) || !bytes.EqualFold(value[:len(prefix)], []byte(prefix)) {
		return "", nil
	}
	name, ok := bytes.CutSuffix(value[len(prefix):], []byte("}"))
	if !ok {
		return "", nil
	}
	if !validKey(name) {
		return "", &Error{st.line, badReference}
	}
	return string(name), nil
}

// maskEscapes writes the inside of a double-quoted value. Escapes are
// \n \r \t \" \\ \$, as in compose; node knows the first two only. Before
// anything else the backslash stays: "C:\dir" is C:\dir in both, and on "\b"
// they differ. \n and \r are left to godotenv.
func maskEscapes(b *bytes.Buffer, s []byte) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			maskByte(b, c)
			continue
		}
		switch e := s[i+1]; e {
		case 'n', 'r':
			b.WriteByte('\\')
			b.WriteByte(e)
		case 't':
			b.WriteByte('\t')
		case '"', '\\', '$':
			maskByte(b, e)
		default:
			maskByte(b, c)
			continue
		}
		i++
	}
}

// maskLiteral writes a value in which nothing is an escape.
func maskLiteral(b *bytes.Buffer, s []byte) {
	for _, c := range s {
		maskByte(b, c)
	}
}

func maskByte(b *bytes.Buffer, c byte) {
	switch c {
	case '$':
		b.WriteString(maskDollar)
	case '\\':
		b.WriteString(maskBackslash)
	case '"':
		b.WriteString(maskDouble)
	case '\'':
		b.WriteString(maskSingle)
	default:
		b.WriteByte(c)
	}
}

// unmask puts back what was masked.
func unmask(v string) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] != 0 || i+1 == len(v) {
			out = append(out, v[i])
			continue
		}
		i++
		switch v[i] {
		case maskDollar[1]:
			out = append(out, '$')
		case maskBackslash[1]:
			out = append(out, '\\')
		case maskDouble[1]:
			out = append(out, '"')
		case maskSingle[1]:
			out = append(out, '\'')
		}
	}
	return out
}
