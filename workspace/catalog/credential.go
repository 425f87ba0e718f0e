package catalog

import "strings"

// LooksLikeCredential reports whether s contains what looks like a credential:
// a form that a vendor marks, with a tail as long and as opaque as a secret's,
// a private key, a JWT, a URL with a password. Names of keys, paths, URLs,
// ids, hashes and prose are none.
//
// It compiles nothing and looks at each byte a fixed number of times, so it is
// cheap for an argument and linear for megabytes.
func LooksLikeCredential(s string) bool {
	if len(s) < minCredential {
		return false
	}
	for i := range forms {
		if forms[i].in(s) {
			return true
		}
	}
	return hasURLPassword(s) || hasPrivateKey(s) || hasJWT(s) || hasDiscordToken(s) ||
		hasEntraSecret(s) || hasAWSSecret(s)
}

// minCredential is the length of the shortest thing that is reported, a URL
// with a password: x://u:p@.
const minCredential = 8

// in reports whether s contains a credential of form f.
func (f *form) in(s string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], f.mark)
		if i < 0 {
			return false
		}
		mark := at + i
		at = mark + len(f.mark)
		if !f.opens(s, mark) {
			continue
		}
		tail := s[at:]
		tail = tail[:f.span(tail)]
		if f.convinces(tail) {
			return true
		}
		// A mark inside this tail has only an end of it to show, and what
		// failed with more can't do with less. So no byte is looked at twice.
		at += len(tail)
	}
}

// opens reports whether a mark at i is where a word starts: the sk- of task-
// is not.
func (f *form) opens(s string, i int) bool {
	return i == 0 || !isAlnum(f.mark[0]) || !isAlnum(s[i-1])
}

// span returns the length of the start of s that may be the tail of f.
func (f *form) span(s string) int {
	for i := range len(s) {
		if !f.takes(s[i]) {
			return i
		}
	}
	return len(s)
}

func (f *form) takes(c byte) bool {
	switch f.letters {
	case hex:
		return '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
	case upper:
		return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
	}
	return isAlnum(c) || strings.IndexByte(f.also, c) >= 0
}

// convinces reports whether tail is long enough and no words: by one unbroken
// run of letters and digits, by a shorter one that mixes both, by many digits,
// or by upper case, lower case and digits together.
func (f *form) convinces(tail string) bool {
	if len(tail) < f.min || f.max > 0 && len(tail) > f.max {
		return false
	}
	var uppers, lowers, digits int // of the tail
	var run, runDigits int         // the run that ends here
	for i := range len(tail) {
		c := tail[i]
		switch {
		case '0' <= c && c <= '9':
			digits++
			runDigits++
		case 'a' <= c && c <= 'z':
			lowers++
		case 'A' <= c && c <= 'Z':
			uppers++
		default:
			run, runDigits = 0, 0
			continue
		}
		run++
		if run >= f.run || run >= mixedRun && runDigits >= 3 && run-runDigits >= 3 {
			return true
		}
	}
	return f.digits > 0 && digits >= f.digits || len(tail) >= 2*mixedRun && uppers >= 2 && lowers >= 2 && digits >= 2
}

// mixedRun is the length from which letters and digits without a separator are
// no longer a word with a number.
const mixedRun = 16

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
