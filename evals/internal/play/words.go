package play

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"example.com/akos/evals/internal/search"
)

// seed makes the planted values of every run the same.
var seed = [32]byte([]byte("values of the evals, all of them"))

// Planted returns the values that are planted; all are fakes.
func Planted() search.Values { return search.NewValues(rand.NewChaCha8(seed)) }

var word = regexp.MustCompile(`\$\{([a-z][A-Za-z0-9]*(?:[:|][^${}]*)?)\}`)

// expand replaces ${name}, ${name|change|…} and ${pad:1000} in a text. Names
// are those of planted values, of what was saved, and a few of the home's.
// What is no such name in a file is left as it is, and so is ${vault:KEY}.
func (s *stage) expand(text string, file bool) (string, error) {
	var failed error
	out := word.ReplaceAllStringFunc(text, func(m string) string {
		words := strings.Split(m[2:len(m)-1], "|")
		name, size, sized := strings.Cut(words[0], ":")
		if name == "vault" {
			return m // a reference of a dotenv file
		}
		v, ok := s.value(name)
		if n, err := strconv.Atoi(size); sized && err == nil {
			v, ok = filler(name, n)
		} else if sized {
			ok = false
		}
		if !ok {
			if !file && failed == nil {
				failed = fmt.Errorf("there is no %s", m)
			}
			return m
		}
		for _, change := range words[1:] {
			var err error
			if v, err = changed(v, change); err != nil && failed == nil {
				failed = err
			}
		}
		return v
	})
	return out, failed
}

// filler returns n of something.
func filler(name string, n int) (string, bool) {
	switch name {
	case "pad":
		return strings.Repeat("A", n), true
	case "nest":
		return strings.Repeat("[", n) + strings.Repeat("]", n), true
	case "deep":
		return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n), true
	}
	return "", false
}

// value returns what a name stands for.
func (s *stage) value(name string) (string, bool) {
	if v, ok := s.vars[name]; ok {
		return v, true
	}
	switch name {
	case "dir":
		return s.project, true
	case "home":
		return s.home, true
	case "root":
		return s.root, true
	case "entry":
		return s.entry(), true
	case "page":
		return strings.TrimSuffix(origin.FindString(s.entry()), "/"), true
	}
	for _, c := range s.opts.values.All() {
		if first, _, _ := strings.Cut(c.Name, " "); first == name {
			return string(c.Value), true
		}
	}
	return "", false
}

// changed returns what a change makes of a value.
func changed(v, change string) (string, error) {
	name, arg, _ := strings.Cut(change, ":")
	n, _ := strconv.Atoi(arg) // checked where it is used
	switch name {
	case "json": // inside of a JSON string
		b, err := json.Marshal(v)
		return string(b[1 : len(b)-1]), err
	case "head":
		return v[:min(n, len(v))], nil
	case "tail":
		return v[max(0, len(v)-n):], nil
	case "noise": // as long, and of the same sorts of characters
		r := rand.New(rand.NewChaCha8(seed))
		return strings.Map(func(c rune) rune {
			switch {
			case unicode.IsDigit(c):
				return '0' + rune(r.IntN(10))
			case unicode.IsLower(c) && c < 128:
				return 'a' + rune(r.IntN(26))
			case unicode.IsUpper(c) && c < 128:
				return 'A' + rune(r.IntN(26))
			}
			return c
		}, v), nil
	case "flip": // one character is another
		b := []byte(v)
		if b[len(b)-1]++; b[len(b)-1] == 'z'+1 {
			b[len(b)-1] = 'a'
		}
		return string(b), nil
	case "case":
		return strings.Map(func(c rune) rune {
			if unicode.IsLower(c) {
				return unicode.ToUpper(c)
			}
			return unicode.ToLower(c)
		}, v), nil
	case "reverse":
		b := []byte(v)
		slices.Reverse(b)
		return string(b), nil
	case "base64":
		return base64.RawURLEncoding.EncodeToString([]byte(v)), nil
	case "hex":
		return hex.EncodeToString([]byte(v)), nil
	case "url":
		return url.QueryEscape(v), nil
	case "escape": // each character, as JSON allows
		var b strings.Builder
		for _, c := range v {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("there is no change %q", change)
}
