package login

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// Bounds of what a person is shown.
const (
	maxName   = 256 // bytes of a user, a tenant, a scope
	maxNames  = 1000
	maxScopes = 8 << 10 // bytes of all scopes together
)

// printable reports whether s is a short text that looks like what it is: no
// control character, no override of the direction, nothing that has no width,
// no space at an end.
func printable(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0
}

// ascii reports whether s is between 1 and most bytes of printable ASCII and
// has no space at an end.
func ascii(s string, most int) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= most && strings.TrimSpace(s) == s
}

// parseScope splits a scope (RFC 6749 section 3.3: scope-token = 1*( %x21 /
// %x23-5B / %x5D-7E ), with a space between two).
func parseScope(scope string) (list []string, ok bool) {
	if len(scope) > maxScopes {
		return nil, false
	}
	list = strings.Fields(scope)
	for _, s := range list {
		if !ascii(s, maxName) || strings.ContainsAny(s, `"\`) {
			return nil, false
		}
	}
	return list, true
}

// sealedIn reports whether one of the secrets is in what is shown of a
// session.
func sealedIn(s workspace.Session, secrets ...workspace.Secret) bool {
	texts := slices.Concat([]string{s.UserID, s.TenantID}, s.Tenants, s.Scopes)
	return slices.ContainsFunc(texts, func(text string) bool { return holds(text, secrets...) })
}
