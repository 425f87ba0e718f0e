package catalog

import "strings"

// Guessable reports whether somebody could find the value s by trying many: it
// is short, or words, or a name, an address, a number. What is not has at
// least some 64 bits that nobody chose.
//
// Whoever may ask "is it this one?" finds a guessable value sooner or later, so
// no answer may depend on one. It errs on that side: a random value of 16
// letters is taken for a word, and so is what a person made up.
func Guessable(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) < MinUnguessable || !IsUUID(s) && !LooksOpaque(s) && !isMixed(s)
}

// MinUnguessable is the length of the shortest value that is not guessable, in
// bytes.
const MinUnguessable = 16

// minMixed is how many letters and digits a value has at least that is known by
// how they are mixed.
const minMixed = 12

// isMixed reports whether letters and digits, upper and lower case change all
// along s as they do in what a generator made. Symbols don't count: between
// words and numbers they stand as well.
func isMixed(s string) bool {
	changes, length, last := 0, 0, byte(0)
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) {
			continue
		}
		switch {
		case length == 0:
		case isDigit(c) != isDigit(last):
			changes += 2
		case isUpper(c) && !isUpper(last) && !isDigit(c):
			changes++
		}
		last = c
		length++
	}
	return length >= minMixed && 2*changes > length
}
