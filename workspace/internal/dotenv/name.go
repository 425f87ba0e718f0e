package dotenv

import "strings"

// A wrapped or padded base64 text reads as assignments: "c2VjcmV0ZQ==" is the
// key c2VjcmV0ZQ with the value =. Such a key is a piece of a secret, and keys
// are shown. So what stands before nothing must look like a name.

// pad is the byte that fills up base64 and base32.
const pad = '='

// suspicious reports whether st, a statement of data, may be the end of an
// encoded text: unquoted padding, or nothing behind what is no name. Whoever
// means it writes quotes.
func (st *statement) suspicious(data []byte) bool {
	if st.quote != 0 {
		return false
	}
	for _, c := range data[st.val:st.end] {
		if c != pad {
			return false
		}
	}
	return st.end > st.val || !ordinary(st.key)
}

// A word of a name has at most so many letters and digits, and changes between
// the two once; a short one, such as K8S, twice.
const (
	maxWord   = 24
	shortWord = 10
)

// ordinary reports whether key is made of words in one case each, between
// underscores, dots and hyphens. Encoded bytes of any length worth hiding mix
// cases, or letters and digits. Names in camel case do so too: they are told
// from nothing here.
func ordinary(key string) bool {
	for word := range strings.FieldsFuncSeq(key, func(r rune) bool { return r == '_' || r == '.' || r == '-' }) {
		var uppers, lowers, changes int
		for i := range len(word) {
			switch {
			case isDigit(word[i]):
			case word[i] >= 'a':
				lowers++
			default:
				uppers++
			}
			if i > 0 && isDigit(word[i]) != isDigit(word[i-1]) {
				changes++
			}
		}
		if uppers > 0 && lowers > 0 || len(word) > maxWord || changes > 2 || changes > 1 && len(word) > shortWord {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Conventional reports whether key is of the form that environments use:
// words of upper-case letters and digits between underscores.
func Conventional(key string) bool {
	return !strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z')
	}) && ordinary(key)
}
