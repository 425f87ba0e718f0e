package workspace

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"example.com/akos/workspace/catalog"
	"example.com/akos/workspace/internal/secret"
)

// A Secret is a value that no printer can read and that only the packages
// under workspace can open.
type Secret = secret.Value

// MaxValue is the largest value that a vault takes, in bytes.
const MaxValue = 1 << 20

// NewSecret returns a Secret that holds a copy of b.
func NewSecret(b []byte) Secret { return secret.New(b) }

// SameSecret reports whether a and b hold the same bytes.
func SameSecret(a, b Secret) bool { return secret.Equal(a, b) }

// ReadSecret reads one value from r, to its end and exactly. More than
// MaxValue bytes, or none, is Invalid.
func ReadSecret(r io.Reader) (Secret, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxValue+1))
	defer clear(b)
	if err != nil {
		return Secret{}, Errorf(Invalid, "the value can't be read").Because(err)
	}
	v := secret.New(b)
	return v, checkValue(v)
}

func checkValue(v Secret) error {
	switch n := len(secret.Reveal(v)); {
	case n == 0:
		return Errorf(Invalid, "an empty value: nothing was stored")
	case n > MaxValue:
		return Errorf(Invalid, "the value is over 1 MiB: nothing was stored")
	}
	return nil
}

// TrimLineEnd returns v without its one line end, if v is a single line of
// text: what `echo VALUE |` adds is not part of a token. A value of several
// lines, or of other bytes, comes back as it is.
func TrimLineEnd(v Secret) Secret {
	s := string(secret.Reveal(v))
	line := strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	if line == "" || line == s || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == '\uFFFD' }) {
		return v
	}
	return secret.New([]byte(line))
}

// A Scope says for whom a key is kept.
type Scope string

// The scopes, in the order in which a read looks.
const (
	ScopeWorkspace Scope = "workspace"
	ScopeTenant    Scope = "tenant" // shared by this user's workspaces of the tenant
)

// ParseScope returns the scope called s; "" is ScopeWorkspace.
func ParseScope(s string) (Scope, error) {
	switch Scope(s) {
	case "", ScopeWorkspace:
		return ScopeWorkspace, nil
	case ScopeTenant:
		return ScopeTenant, nil
	}
	return "", Errorf(Invalid, "there is no such scope; the scopes are workspace, tenant")
}

// A Ref names one key of one owner. Two refs whose keys differ only by case
// name the same key: ${vault:name} references match case-insensitively.
type Ref struct {
	Scope Scope
	Owner string // a workspace or tenant id
	Key   string
}

func (r Ref) String() string { return fmt.Sprintf("%s (%s %s)", r.Key, r.Scope, r.Owner) }

// Fold returns the form of a key under which it is compared.
func Fold(key string) string { return strings.ToLower(key) }

var keyName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,127}$`)
})

// CheckKey returns nil if key can name a value. A key that looks like a
// credential, or like no name at all, is refused and not echoed: somebody
// pasted a value where a name belongs. That goes for a UUID too, which some
// services hand out as a token and nobody calls a key.
func CheckKey(key string) error {
	if catalog.LooksLikeCredential(key) || catalog.LooksOpaque(key) || catalog.IsUUID(key) {
		return pasted("a key name")
	}
	if !keyName().MatchString(key) {
		return Errorf(Invalid, "a key name is a letter or _ and then up to 127 letters, digits, _ . or -")
	}
	return nil
}

// pasted is the error for a credential that was given in the place of what.
func pasted(what string) *Error {
	return Errorf(Invalid, "what was given as %s looks like a credential. It may now be in a transcript or a shell history: rotate it at its provider, then store the new one under a name", what).
		WithHint("akos vault put NAME")
}

// ShellQuote returns s as one word of a POSIX shell, so that a hint works
// when pasted. What can't be seen is written as its bytes, as bash and zsh have
// it.
func ShellQuote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		var b strings.Builder
		b.WriteString("$'")
		for _, c := range []byte(s) {
			switch {
			case c == '\'' || c == '\\':
				b.WriteString(`\` + string(rune(c)))
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03o`, c)
			default:
				b.WriteByte(c)
			}
		}
		return b.String() + "'"
	}
	if s != "" && s[0] != '=' && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("_-./:@%+=,", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
