//go:build linux

package canary

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/crypto/blake2b"
)

// A canary is a value that must never be seen.
type canary struct {
	name  string
	value []byte
	// public is the length of the start that anybody may print: the mark of a
	// vendor's tokens, which is in the catalog.
	public int
	edges  bool // its first and last four characters are unique too
	sized  bool // its length is unusual, and must not be told
	// many says that it is one of many random texts: of its forms only those
	// are looked for that are not found by chance, or where a form costs more
	// than it could tell.
	many bool
}

// A form is one way in which a canary could be written. Any least consecutive
// bytes of it give it away.
type form struct {
	canary, name string
	text         []byte
	least        int
	word         bool // counts only where no letter or digit is beside it
	shown        bool // looked for in what is shown alone: too short to be sure of in a binary file
}

// forms returns every form of c.
func forms(c canary) (fs []form) {
	part := c.value[c.public:] // eight consecutive bytes of this are a leak
	add := func(name, text string, least int) {
		if c.many && !ofMany(name) {
			return
		}
		if len(text) >= 8 {
			fs = append(fs, form{canary: c.name, name: name, text: []byte(text), least: min(max(least, 8), len(text))})
		}
	}
	each := func(format, between string) string {
		var b strings.Builder
		for i, x := range part {
			if i > 0 {
				b.WriteString(between)
			}
			fmt.Fprintf(&b, format, x)
		}
		return b.String()
	}
	add("raw", string(part), 8)
	reversed := slices.Clone(part)
	slices.Reverse(reversed)
	add("reversed", string(reversed), 8)
	add("rot13", strings.Map(rot13, string(part)), 8)
	// Upper and lower case together make short windows of one of them rare.
	add("upper case", string(bytes.ToUpper(part)), 12)
	add("lower case", string(bytes.ToLower(part)), 12)
	add("valid UTF-8", strings.ToValidUTF8(string(part), "\uFFFD"), 8)
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), part...))
			text = text[[...]int{0, 2, 3}[shift]:]
			if (shift+len(part))%3 != 0 {
				text = text[:len(text)-1] // its bits depend on what follows
			}
			add(fmt.Sprintf("%s at %d", name, shift), text, 10)
		}
	}
	for shift := range 5 {
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, shift), part...))
		text = text[[...]int{0, 2, 4, 5, 7}[shift]:]
		add(fmt.Sprintf("base32 at %d", shift), text[:len(text)-1], 12)
		add(fmt.Sprintf("lower base32 at %d", shift), strings.ToLower(text[:len(text)-1]), 12)
	}
	for _, between := range []string{"", " ", ":", ", ", "-"} {
		least := 16 + 7*len(between)
		add("hex"+between, each("%02x", between), least)
		add("HEX"+between, each("%02X", between), least)
	}
	add("0x hex", each("0x%x", ", "), 24)
	add("0x hex with spaces", each("0x%02x", " "), 24)
	add("0x hex without spaces", each("0x%x", ","), 24)
	add("decimal", each("%d", " "), 20)
	add("decimal with commas", each("%d", ","), 20)
	add("decimal with commas and spaces", each("%d", ", "), 24)
	add(`\x`, each(`\x%02x`, ""), 24)
	add(`\\x`, each(`\\x%02x`, ""), 30)
	add(`octal`, each(`\%03o`, ""), 24)
	add(`\u00`, each(`\u%04x`, ""), 36)
	add(`\U00`, each(`\u%04X`, ""), 36)
	add("entities", each(`&#%d;`, ""), 30)
	add("%XX", each("%%%02X", ""), 20)
	add("%xx", each("%%%02x", ""), 20)
	add("query escaped", url.QueryEscape(string(part)), 12)
	add("path escaped", url.PathEscape(string(part)), 12)
	add("Go quoted", strconv.Quote(string(part)), 12)
	add("Go quoted as ASCII", strconv.QuoteToASCII(string(part)), 12)
	twice, _ := json.Marshal(strconv.Quote(string(part)))
	add("Go quoted, in JSON", string(twice), 14)
	escaped, _ := json.Marshal(string(part))
	add("JSON", string(escaped), 12)
	plain := &bytes.Buffer{}
	enc := json.NewEncoder(plain)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(string(part)) // a string always encodes
	add("JSON without HTML escapes", plain.String(), 12)
	for name, order := range map[string]binary.AppendByteOrder{"UTF-16LE": binary.LittleEndian, "UTF-16BE": binary.BigEndian} {
		var b []byte
		for _, u := range utf16.Encode([]rune(string(part))) {
			b = order.AppendUint16(b, u)
		}
		add(name, string(b), 16)
	}
	for _, whole := range [][]byte{c.value, append(slices.Clip(c.value), '\n')} {
		md, s1, s2, s5 := md5.Sum(whole), sha1.Sum(whole), sha256.Sum256(whole), sha512.Sum512(whole)
		b2, b5 := blake2b.Sum256(whole), blake2b.Sum512(whole)
		for name, sum := range map[string][]byte{"MD5": md[:], "SHA-1": s1[:], "SHA-256": s2[:], "SHA-512": s5[:], "BLAKE2b-256": b2[:], "BLAKE2b-512": b5[:]} {
			digits := hex.EncodeToString(sum)
			add(name, string(sum), 8)
			add(name+" hex", digits, 16)
			add(name+" HEX", strings.ToUpper(digits), 16)
			add(name+" start", digits[:8], 8)
			add(name+" end", digits[len(digits)-8:], 8)
			add(name+" base64", base64.RawStdEncoding.EncodeToString(sum)[:20], 10)
			add(name+" base64url", base64.RawURLEncoding.EncodeToString(sum)[:20], 10)
		}
		if c.many {
			continue
		}
		sum := crc32.ChecksumIEEE(whole)
		fs = append(fs,
			form{c.name, "CRC-32", fmt.Appendf(nil, "%08x", sum), 8, true, true},
			form{c.name, "CRC-32 in capitals", fmt.Appendf(nil, "%08X", sum), 8, true, true})
	}
	if c.edges {
		fs = append(fs,
			form{c.name, "first four", part[:4], 4, false, true},
			form{c.name, "last four", part[len(part)-4:], 4, false, true})
	}
	if c.sized {
		n := len(c.value)
		for _, n := range []int{n, n + 41, base64.StdEncoding.EncodedLen(n), base64.RawStdEncoding.EncodedLen(n), 2 * n, 8 * n} {
			fs = append(fs, form{c.name, "length", []byte(strconv.Itoa(n)), len(strconv.Itoa(n)), true, true})
		}
	}
	return fs
}

// ofMany reports whether a form is looked for of a canary that is one of many.
func ofMany(form string) bool {
	switch form {
	case "raw", "reversed", "upper case", "lower case", "hex", "HEX", "hex ", "hex:", "decimal", "decimal with commas", `\x`, "%XX", "UTF-16LE":
		return true
	}
	return strings.HasPrefix(form, "base64") || (strings.HasPrefix(form, "SHA-") || strings.HasPrefix(form, "MD5")) && !strings.HasSuffix(form, " start") && !strings.HasSuffix(form, " end")
}

func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

// A searcher finds the forms of canaries in bytes, in one pass.
type searcher struct {
	forms []form
	// maybe has a bit for each start of a window of eight bytes, where has the
	// windows.
	maybe []uint64
	where map[uint64][]place
	short []form // of less than eight bytes
}

type place struct{ form, at int32 }

const maybeBits = 24

func bit(window uint64) uint64 { return window * 0x9E3779B97F4A7C15 >> (64 - maybeBits) }

func newSearcher(cs ...canary) *searcher {
	s := &searcher{maybe: make([]uint64, 1<<maybeBits/64), where: map[uint64][]place{}}
	for _, c := range cs {
		s.add(c)
	}
	return s
}

// add has s look for c too.
func (s *searcher) add(c canary) {
	for _, f := range forms(c) {
		if f.word || len(f.text) < 8 {
			s.short = append(s.short, f)
			continue
		}
		i := int32(len(s.forms))
		s.forms = append(s.forms, f)
		for at := 0; at+f.least <= len(f.text); at++ {
			w := binary.LittleEndian.Uint64(f.text[at:])
			s.maybe[bit(w)/64] |= 1 << (bit(w) % 64)
			s.where[w] = append(s.where[w], place{i, int32(at)})
		}
	}
}

// find returns what of the canaries is in data, as "canary as form" once each.
// shown says that data was shown to somebody, and is no binary file.
func (s *searcher) find(data []byte, shown bool) (found []string) {
	note := func(f form, at int) {
		text := fmt.Sprintf("%s as %s", f.canary, f.name)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, text+" at") }) {
			found = append(found, fmt.Sprintf("%s at byte %d", text, at))
		}
	}
	var w uint64
	for i, b := range data {
		w = w>>8 | uint64(b)<<56
		h := bit(w)
		if i < 7 || s.maybe[h/64]>>(h%64)&1 == 0 {
			continue
		}
		for _, p := range s.where[w] {
			f := &s.forms[p.form]
			if bytes.HasPrefix(data[i-7:], f.text[p.at:int(p.at)+f.least]) {
				note(*f, i-7)
			}
		}
	}
	if shown {
		for _, f := range s.short {
			for at := 0; ; {
				n := bytes.Index(data[at:], f.text)
				if n < 0 {
					break
				}
				start, end := at+n, at+n+len(f.text)
				at = start + 1
				if !f.word || (start == 0 || !wordByte(data[start-1])) && (end == len(data) || !wordByte(data[end])) {
					note(f, start)
				}
			}
		}
	}
	return found
}

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_'
}

// TestSearcher plants each form of each canary in noise, and looks at noise
// alone.
func TestSearcher(t *testing.T) {
	t.Parallel()
	noise := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return []byte(base64.StdEncoding.EncodeToString(b) + hex.EncodeToString(b) + string(b))
	}
	// A leak is rarely whole: of each form its start, middle and end are
	// planted, with what its least length asks for. The edges and the length
	// are words.
	for _, c := range values.all() {
		s := newSearcher(c)
		seen := map[string]bool{}
		for _, f := range forms(c) {
			seen[f.name] = true
			for _, at := range []int{0, (len(f.text) - f.least) / 2, len(f.text) - f.least} {
				planted := slices.Concat(noise(300), []byte(" "), f.text[at:at+f.least], []byte(" "), noise(300))
				if !slices.ContainsFunc(s.find(planted, true), func(got string) bool { return strings.HasPrefix(got, c.name+" as ") }) {
					t.Errorf("%s as %s is not found at %d", c.name, f.name, at)
				}
			}
		}
		if len(seen) < 60 {
			t.Errorf("%s has %d forms", c.name, len(seen))
		}
		if got := s.find(noise(1<<20), false); got != nil {
			t.Errorf("found in noise: %v", got)
		}
		if got := s.find([]byte(prose), true); got != nil {
			t.Errorf("found in prose: %v", got)
		}
	}
	// And what the standard library writes is what the forms say it does.
	c := values.text
	s := newSearcher(c)
	encoded, err := json.Marshal(struct{ V []byte }{c.value})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", c.value), "%q": fmt.Sprintf("%q", c.value), "%x": fmt.Sprintf("%x", c.value), "% X": fmt.Sprintf("% X", c.value),
		"%#v": fmt.Sprintf("%#v", c.value), "%+q": fmt.Sprintf("%+q", c.value), "%#x": fmt.Sprintf("%#x", c.value), "%# x": fmt.Sprintf("%# x", c.value),
		"json": string(encoded), "dump": hex.Dump(c.value), "first": string(c.value[:4]), "last": string(c.value[len(c.value)-4:]),
		"part": string(c.value[5:13]), "sum": fmt.Sprintf("%x", sha256.Sum256(c.value)), "short sum": fmt.Sprintf("%.8x", sha256.Sum256(c.value)),
	} {
		if s.find([]byte("x "+text+" y"), true) == nil {
			t.Errorf("%s: %s is not found", name, text)
		}
	}
	if d := values.long; newSearcher(d).find([]byte("stored 4217 bytes"), true) == nil {
		t.Error("the length is not found")
	}
}

const prose = `{"kind":"invalid","message":"a key name is a letter or _ and then up to 127 letters, digits, _ . or -","hint":"akos vault put NAME"}
The providers are anthropic (sk-ant-api03-), openai (sk-proj-). 42171 14217 4217x conn_0123456789abcdef01234567 2026-11-24T05:05:12.421Z`
