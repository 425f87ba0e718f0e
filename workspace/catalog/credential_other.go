package catalog

import (
	"encoding/base64"
	"strings"
)

// hasURLPassword finds scheme://user:password@host. A password that is a
// reference, such as ${vault:db}, is none.
func hasURLPassword(s string) bool {
	for {
		_, rest, found := strings.Cut(s, "://")
		if !found {
			return false
		}
		s = rest
		authority := rest
		if end := strings.IndexAny(rest, "/?#\\\"'<>` \t\r\n"); end >= 0 {
			authority = rest[:end]
		}
		at := strings.LastIndexByte(authority, '@')
		if at < 0 {
			continue
		}
		_, password, _ := strings.Cut(authority[:at], ":")
		if password != "" && !strings.HasPrefix(password, "$") {
			return true
		}
	}
}

// hasPrivateKey finds the head of a private key: PEM (RFC 7468 §10, OpenSSH
// and PGP write the same) or PuTTY.
func hasPrivateKey(s string) bool {
	if strings.Contains(s, "PuTTY-User-Key-File-") {
		return true
	}
	for {
		_, rest, found := strings.Cut(s, "-----BEGIN ")
		if !found {
			return false
		}
		s = rest
		label, _, closed := strings.Cut(rest[:min(len(rest), 64)], "-----")
		if closed && strings.HasSuffix(strings.TrimSuffix(label, " BLOCK"), "PRIVATE KEY") {
			return true
		}
	}
}

var base64url = form{also: "-_"}

// hasJWT finds three parts of base64url between dots, the first of which
// starts as the base64 of {" does.
func hasJWT(s string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], "eyJ")
		if i < 0 {
			return false
		}
		at += i
		if at > 0 && isAlnum(s[at-1]) {
			at += len("eyJ")
			continue
		}
		one := base64url.span(s[at:])
		if rest, dot := strings.CutPrefix(s[at+one:], "."); dot && one >= 10 {
			two := base64url.span(rest)
			if last, dot := strings.CutPrefix(rest[two:], "."); dot && two >= 10 && base64url.span(last) >= 10 {
				return true
			}
		}
		at += one
	}
}

// hasDiscordToken finds a bot's token: the base64 of the bot's id, which is
// all digits, a dot, six characters, a dot and at least 27 more.
func hasDiscordToken(s string) bool {
	const idMin, idMax, middle, last = 22, 28, 6, 27
	for i := idMin; i+1+middle+1+last <= len(s); i++ {
		if s[i] != '.' || s[i+1+middle] != '.' {
			continue
		}
		if base64url.span(s[i+1:i+1+middle]) < middle || base64url.span(s[i+2+middle:i+2+middle+last]) < last {
			continue
		}
		start := i
		for start > 0 && i-start <= idMax && isAlnum(s[start-1]) {
			start--
		}
		id, err := base64.RawStdEncoding.DecodeString(s[start:i])
		if err == nil && len(id) >= 17 && len(id) <= 20 && strings.Trim(string(id), "0123456789") == "" {
			return true
		}
	}
	return false
}

var entraTail = form{also: "-_.~"}

// hasEntraSecret finds a client secret of Microsoft Entra, which is what a
// Teams app's password is: three characters, a digit, Q~ and 31 to 34 more.
func hasEntraSecret(s string) bool {
	for {
		i := strings.Index(s, "Q~")
		if i < 0 {
			return false
		}
		if i >= 4 && '0' <= s[i-1] && s[i-1] <= '9' && entraTail.span(s[i-4:i]) == 4 {
			if n := entraTail.span(s[i+2 : min(len(s), i+2+40)]); n >= 31 && n <= 34 {
				return true
			}
		}
		s = s[i+2:]
	}
}

var awsSecret = form{also: "+/"}

// hasAWSSecret finds a secret access key: 40 characters of base64 that stand
// alone and have upper and lower case and a digit. Vendors mark nothing here,
// so they count only with "secret" shortly before them, or if letters and
// digits alternate as in no path, name or hash: lower-case hex has no upper
// case, and CamelCase has its digits in one or two places.
func hasAWSSecret(s string) bool {
	const length = 40
	for i := 0; i+length <= len(s); {
		n := awsSecret.span(s[i:])
		if word := s[i : i+n]; n == length && standsAlone(s, i, i+n) {
			uppers, lowers, islands := mixture(word)
			labelled := strings.Contains(strings.ToLower(s[max(0, i-40):i]), "secret")
			if uppers >= 4 && lowers >= 4 && (islands >= 3 || labelled && islands >= 1) {
				return true
			}
		}
		i += n + 1
	}
	return false
}

func standsAlone(s string, start, end int) bool {
	const joins = "-_.~"
	return (start == 0 || strings.IndexByte(joins, s[start-1]) < 0) &&
		(end == len(s) || strings.IndexByte(joins, s[end]) < 0)
}

// mixture counts the letters of word and its islands: the digits, or groups of
// them, that stand between two letters.
func mixture(word string) (uppers, lowers, islands int) {
	letter := false // the last byte that was no digit
	digits := false // since then there were digits
	for i := range len(word) {
		switch c := word[i]; {
		case '0' <= c && c <= '9':
			digits = true
			continue
		case 'a' <= c && c <= 'z':
			lowers++
		case 'A' <= c && c <= 'Z':
			uppers++
		default:
			letter, digits = false, false
			continue
		}
		if letter && digits {
			islands++
		}
		letter, digits = true, false
	}
	return uppers, lowers, islands
}
