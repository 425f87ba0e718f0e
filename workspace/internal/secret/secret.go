// Package secret holds a value that no printer can read.
//
// A [Value] can be passed along, sealed and compared, but fmt, log/slog, the
// encoders, reflection and == get nothing out of it. The bytes come out
// through [Reveal] alone: a function and not a method, in a package internal
// to workspace, so that a face that calls it does not compile. policy_test.go
// lists the files that may. The package knows nothing of what a value is for.
package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// errSealed answers every encoder: an encoded secret is a bug in akos, which
// a placeholder would hide.
var errSealed = errors.New("secret: a value may not be encoded")

// A Value is one secret: any bytes. The zero Value is empty.
//
// The bytes live in a closure because reflection cannot enter one: fmt skips
// the methods of unexported fields, diff and dump tools skip methods
// altogether. A func field also makes == on a Value fail to compile.
type Value struct{ reveal func() []byte }

// New returns a Value that holds a copy of b. The caller still owns b.
func New(b []byte) Value {
	b = bytes.Clone(b)
	return Value{func() []byte { return b }}
}

// Reveal returns the bytes of v itself, not a copy: the caller must neither
// keep nor change nor print them.
func Reveal(v Value) []byte {
	if v.reveal == nil {
		return nil
	}
	return v.reveal()
}

// Empty reports whether v holds no byte: the one fact about a value that may
// be told.
func Empty(v Value) bool { return len(Reveal(v)) == 0 }

// Equal reports whether a and b hold the same bytes, in constant time for
// values of one length.
func Equal(a, b Value) bool {
	return subtle.ConstantTimeCompare(Reveal(a), Reveal(b)) == 1
}

// Format writes a placeholder, whatever the verb and flags.
func (Value) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[secret]")) }

// LogValue returns a placeholder.
func (Value) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON fails.
func (Value) MarshalJSON() ([]byte, error) { return nil, errSealed }

// MarshalText fails; it closes XML, YAML and map keys too.
func (Value) MarshalText() ([]byte, error) { return nil, errSealed }

// MarshalBinary fails; it closes gob too.
func (Value) MarshalBinary() ([]byte, error) { return nil, errSealed }
