// Package search finds values that must not be seen in what was seen: whole
// or in part, encoded, hashed or measured.
//
// It does not know who showed what to whom. Its invariant: each form that it
// looks for is planted and found by its own test, and noise is not.
package search

import (
	"bytes"
	"crypto/md5"
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
	"unicode/utf16"

	"golang.org/x/crypto/blake2b"
)

// A Canary is a value that must never be seen.
type Canary struct {
	Name  string
	Value []byte
	// Public is the length of the start that anybody may print: the mark of a
	// vendor's tokens, which is in the catalog.
	Public int
	Edges  bool // its first and last four characters are unique too
	Sized  bool // its length is unusual, and must not be told
	// Many says that it is one of many random texts: of its forms only those
	// are looked for that are not found by chance, or where a form costs more
	// than it could tell.
	Many bool
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
func forms(c Canary) (fs []form) {
	part := c.Value[c.Public:] // eight consecutive bytes of this are a leak
	add := func(name, text string, least int) {
		if c.Many && !ofMany(name) {
			return
		}
		if len(text) >= 8 {
			fs = append(fs, form{canary: c.Name, name: name, text: []byte(text), least: min(max(least, 8), len(text))})
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
	for _, whole := range [][]byte{c.Value, append(slices.Clip(c.Value), '\n')} {
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
		if c.Many {
			continue
		}
		sum := crc32.ChecksumIEEE(whole)
		fs = append(fs,
			form{c.Name, "CRC-32", fmt.Appendf(nil, "%08x", sum), 8, true, true},
			form{c.Name, "CRC-32 in capitals", fmt.Appendf(nil, "%08X", sum), 8, true, true})
	}
	if c.Edges {
		fs = append(fs,
			form{c.Name, "first four", part[:4], 4, false, true},
			form{c.Name, "last four", part[len(part)-4:], 4, false, true})
	}
	if c.Sized {
		n := len(c.Value)
		for _, n := range []int{n, n + 41, base64.StdEncoding.EncodedLen(n), base64.RawStdEncoding.EncodedLen(n), 2 * n, 8 * n} {
			fs = append(fs, form{c.Name, "length", []byte(strconv.Itoa(n)), len(strconv.Itoa(n)), true, true})
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
