package search

import (
	"io"
	"slices"
	"strings"
)

// Values are canaries of all sorts, to be given to whoever must not show them.
type Values struct {
	Text       Canary // characters that an encoding may change, and a line end
	Line       Canary // the same, in one line
	Token      Canary // letters and digits
	Binary     Canary // NUL, and what is no UTF-8
	Long       Canary // 4217 bytes
	Vendor     Canary // what looks like a provider's token; visibly a fake
	Passphrase Canary // of a file backend
	Systemd    Canary // the credential of a service
	Password   Canary // of the account ada
	Second     Canary // of the account bob
	Third      Canary // a password that is no account's
}

func read(r io.Reader, n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		panic(err) // a generator of random bytes has no end
	}
	return b
}

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Random returns n letters and digits.
func Random(r io.Reader, n int) string {
	b := read(r, n)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// edge returns four characters that no word, date or number holds.
func edge(r io.Reader) string {
	pick := func(from string) string { return string(from[int(Random(r, 1)[0])%len(from)]) }
	return pick("qxzjkvw") + pick("23456789") + pick("QXZJKVW") + pick("qxzjkvw")
}

// spaced returns n characters with one of special after every second one.
func spaced(r io.Reader, n int, special string) string {
	var b strings.Builder
	for i, s := range []rune(special + special) {
		b.WriteString(Random(r, 2))
		b.WriteRune(s)
		if i > n {
			break
		}
	}
	return b.String()
}

// NewValues makes values of what r gives: new ones if that is random.
func NewValues(r io.Reader) Values {
	blob := read(r, 64)
	blob[7], blob[20], blob[21], blob[50] = 0, 0xff, 0xfe, 0x80
	copy(blob[30:], Random(r, 16)) // seen also by what drops the rest
	const special = "<>&\"'\\%+/=$`{}#; "
	v := Values{
		Text:       Canary{Name: "text", Value: []byte(edge(r) + spaced(r, 40, special+"\n\tключ☃é") + edge(r)), Edges: true},
		Line:       Canary{Name: "line", Value: []byte(edge(r) + spaced(r, 24, "<>&\"\\%+/=$ключ☃") + edge(r)), Edges: true},
		Token:      Canary{Name: "token", Value: []byte(edge(r) + Random(r, 28) + edge(r)), Edges: true},
		Binary:     Canary{Name: "binary", Value: blob},
		Long:       Canary{Name: "long", Value: []byte(edge(r) + Random(r, 4217-8) + edge(r)), Edges: true, Sized: true},
		Vendor:     Canary{Name: "vendor", Value: []byte("sk-ant-" + "api03-" + "FAKE" + Random(r, 48)), Public: len("sk-ant-api03-FAKE")},
		Passphrase: Canary{Name: "passphrase", Value: []byte(edge(r) + " " + Random(r, 20) + " " + edge(r)), Edges: true},
		Systemd:    Canary{Name: "systemd credential", Value: []byte(edge(r) + Random(r, 40) + edge(r)), Edges: true},
		Password:   Canary{Name: "password", Value: []byte(edge(r) + spaced(r, 16, "<>&\"\\%+/=$ключ☃") + edge(r)), Edges: true},
		Second:     Canary{Name: "second password", Value: []byte(edge(r) + " " + Random(r, 16) + " " + edge(r)), Edges: true},
		Third:      Canary{Name: "third password", Value: []byte(edge(r) + Random(r, 20) + edge(r)), Edges: true},
	}
	for _, c := range []*Canary{&v.Text, &v.Line, &v.Token, &v.Binary, &v.Long, &v.Vendor, &v.Passphrase, &v.Systemd, &v.Password, &v.Second, &v.Third} {
		c.Value = slices.Clip(c.Value) // tests that run at one time append to it
	}
	return v
}

// All returns every one of them.
func (v Values) All() []Canary {
	return []Canary{v.Text, v.Line, v.Token, v.Binary, v.Long, v.Vendor, v.Passphrase, v.Systemd, v.Password, v.Second, v.Third}
}
