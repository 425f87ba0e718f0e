package catalog

import "strings"

// LooksOpaque reports whether s, which stands where a name belongs, has a
// stretch that nobody would call a thing: a token without a vendor's mark. It
// is for the names of keys and connections and for config, not for text: an
// id or a hash is opaque too. A UUID is not, since services show theirs.
//
// It weighs each pair of neighbours by how seldom it is in names: letters that
// words don't put together, a digit beside a letter, a capital inside a word.
// Between separators a name gathers little, and a token gathers all along.
func LooksOpaque(s string) bool { return hasLongHex(s) || hasOpaqueStretch(s) }

const (
	minOpaque  = 20 // letters and digits of the shortest opaque stretch
	opaqueness = 26 // half nats of evidence, from which a stretch is opaque
	minHex     = 32 // digits; shorter hex is an id more often than a key

	abbreviation = 4 // letters and digits of the longest

	// The evidence of a pair that is not two letters of one word.
	digitBesideLetter = 4
	newWord           = 2
	separator         = -1
)

// hasLongHex finds hex of one case that is as long as a key. A digest that
// says so, as in node@sha256:…, is none.
func hasLongHex(s string) bool {
	for start, end := range runs(s) {
		word := s[start:end]
		if len(word) >= minHex && isHexWord(word) && strings.ContainsAny(word, "0123456789") && strings.ContainsAny(word, "abcdefABCDEF") &&
			!strings.HasSuffix(strings.ToLower(s[:start]), "sha256:") {
			return true
		}
	}
	return false
}

// hasOpaqueStretch finds the stretch with the most evidence. Hex of one case
// counts for nothing here: it is all digits beside letters, and for its length
// alone it may be an id. So do abbreviations, such as K8S and X509.
func hasOpaqueStretch(s string) bool {
	evidence, length, last := 0, 0, 0
	for start, end := range runs(s) {
		word := s[start:end]
		for range start - last {
			evidence += separator
		}
		last = end
		if isHexWord(word) || len(word) <= abbreviation {
			evidence += separator
			continue
		}
		if evidence <= 0 {
			evidence, length = 0, 0
		}
		length++
		for i := 1; i < len(word); i++ {
			evidence += pairEvidence(word, i)
			length++
			if evidence <= 0 {
				evidence, length = 0, 1
			}
			if length >= minOpaque && evidence >= opaqueness {
				return true
			}
		}
	}
	return false
}

// pairEvidence weighs word[i-1] and word[i].
func pairEvidence(word string, i int) int {
	a, b := word[i-1], word[i]
	switch {
	case isDigit(a) && isDigit(b):
		return 0
	case isDigit(a) != isDigit(b):
		return digitBesideLetter
	case isUpper(b) && (!isUpper(a) || i+1 < len(word) && word[i+1] >= 'a'):
		return newWord // tokenFor, APIKey
	}
	return int(rarity[a|0x20-'a'][b|0x20-'a']) - '5'
}

// runs yields the start and end of each unbroken run of letters and digits.
func runs(s string) func(yield func(start, end int) bool) {
	return func(yield func(start, end int) bool) {
		for i := 0; i < len(s); i++ {
			start := i
			for i < len(s) && isAlnum(s[i]) {
				i++
			}
			if i > start && !yield(start, i) {
				return
			}
		}
	}
}

// isHexWord reports whether word is hex digits of one case.
func isHexWord(word string) bool {
	return strings.Trim(word, "0123456789abcdef") == "" || strings.Trim(word, "0123456789ABCDEF") == ""
}

// IsUUID reports whether s is a UUID (RFC 9562 §4) and nothing else.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !isHexDigit(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// rarity says for each letter, by row, how seldom each letter follows it in
// names: 5 is as often as chance, each step half a nat. Measured on the words
// of 600,000 names of packages and identifiers; a letter twice counts as
// chance at the most, since it is how people fill in what they don't know.
var rarity = [26]string{
	"56449859597353949343687879", // a
	"25673989379379269447399969", // b
	"39583993694389259563699989", // c
	"36742679355678289558599979", // d
	"46455779899453868234967589", // e
	"39884499299379289465599959", // f
	"48681955299575379357599989", // g
	"28881995399769288574599969", // h
	"65355659598442459643969797", // i
	"19883999558979477919497999", // j
	"37751767295677579646598969", // k
	"38762999298479379946499969", // l
	"26462989399559339858599969", // m
	"49443639497795479942669989", // n
	"66549869797442449254576799", // o
	"39773995398389459355699929", // p
	"68677999699279765564097999", // q
	"28562879396757379554669959", // r
	"59452894396668457942688969", // s
	"39682894299779279355698959", // t
	"55654849499443949333599799", // u
	"29680989299779469866559999", // v
	"29772896299685379437995999", // w
	"47474788499658539751799549", // x
	"46555668798554529632787957", // y
	"38781896498677379877499855", // z
}
