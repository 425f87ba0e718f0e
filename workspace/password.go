package workspace

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/akos/workspace/internal/secret"
	"golang.org/x/crypto/argon2"
)

// The limits of a password, in characters and in bytes. NIST SP 800-63B asks
// for at least 8 characters and no rules about which; the upper one bounds the
// work of a stranger's request.
const (
	MinPassword = 10
	maxPassword = 1024
)

// Argon2id as RFC 9106 section 4 recommends where memory is short: about
// 0.3 s on two cores.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonKey     = 32
)

// hashing hashes passwords, few at once: it bounds the memory that strangers
// who sign in can take.
type hashing struct{ slots }

// hash returns v in the PHC form, with a fresh salt.
func (h hashing) hash(ctx context.Context, v Secret) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	key, err := h.derive(ctx, v, salt)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key)), nil
}

// matches reports whether v is the password of a hash. A hash that is none
// takes as long and matches nothing.
func (h hashing) matches(ctx context.Context, v Secret, hash string) (bool, error) {
	salt, want := make([]byte, 16), []byte(nil)
	parts := strings.Split(hash, "$")
	if len(parts) == 6 && strings.Join(parts[:4], "$") == fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d", argon2.Version, argonMemory, argonTime, argonThreads) {
		salt, _ = base64.RawStdEncoding.DecodeString(parts[4])
		want, _ = base64.RawStdEncoding.DecodeString(parts[5])
	}
	key, err := h.derive(ctx, v, salt)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1, err
}

func (h hashing) derive(ctx context.Context, v Secret, salt []byte) ([]byte, error) {
	if err := h.take(ctx); err != nil {
		return nil, err
	}
	defer h.free()
	return argon2.IDKey(secret.Reveal(v), salt, argonTime, argonMemory, argonThreads, argonKey), nil
}

// CheckPassword returns an Invalid error unless v can be a new password.
func CheckPassword(user string, v Secret) error {
	b := secret.Reveal(v)
	switch n := utf8.RuneCount(b); {
	case !utf8.Valid(b) || strings.ContainsAny(string(b), "\x00\r\n"):
		return Errorf(Invalid, "a password is one line of text")
	case n < MinPassword:
		return Errorf(Invalid, "a password has at least %d characters", MinPassword)
	case len(b) > maxPassword:
		return Errorf(Invalid, "a password has at most %d bytes", maxPassword)
	case strings.EqualFold(string(b), user) || strings.Count(string(b), string(b[:1])) == len(b):
		return Errorf(Invalid, "that password is too easy to guess")
	}
	return nil
}
