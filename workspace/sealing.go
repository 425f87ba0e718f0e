package workspace

import (
	"context"
	"errors"
	"time"
)

// A Backend names what protects a value. `vault list` calls it the source.
type Backend string

// The backends of the contract.
const (
	BackendAuto     Backend = "auto"        // os-keychain where one works, else file; settled by the first value stored
	BackendKeychain Backend = "os-keychain" // the key-encryption key is in the OS keychain
	BackendFile     Backend = "file"        // … in an identity file, a systemd credential, or derived from a passphrase file
	BackendEnv      Backend = "env"         // read-only: the process environment
)

// A DataKey is what the state keeps of a key that seals values: wrapped, so
// that it opens nothing without the key-encryption key (KEK) of its holder.
type DataKey struct {
	ID      string    // 32 hex digits, random, never reused
	Backend Backend   // BackendKeychain or BackendFile
	Holder  string    // what holds the KEK: "os-keychain", "identity", "passphrase" or "systemd"
	Params  []byte    // what the holder needs to find or derive the KEK (a salt, a path); nothing secret
	Wrapped []byte    // the data key, sealed under the KEK
	Created time.Time // UTC
	Lost    time.Time // when the holder was last found without the KEK; zero while it has it
	Retired bool      // left behind, lost, when a new one was made on request
}

// ErrKeyLost marks an error that says: the holder answered, and it does not
// have the key-encryption key, or has another one. Nothing may replace it.
var ErrKeyLost = errors.New("the key-encryption key is lost")

// A Sealer seals and opens values under one data key. It is safe for
// concurrent use.
type Sealer interface {
	// Seal returns value sealed with a fresh nonce, bound to ad.
	Seal(value Secret, ad []byte) ([]byte, error)
	// Unseal opens what Seal returned. A box that was changed, or sealed
	// under another key or ad, is an Unavailable error.
	Unseal(box, ad []byte) (Secret, error)
}

// A Hasher hashes values under a key of this home that seals nothing: so what
// somebody gives can be compared with what is stored while the vault stays
// closed.
type Hasher interface {
	// Hash returns HashID bytes that name the key, and the keyed hash of value
	// without the space around it.
	Hash(value Secret) []byte
}

// HashID is how many bytes of a hash name the key that it was made with.
const HashID = 4

// KeyHolders reach the places that hold key-encryption keys. Every method
// that can wait honours ctx and has a deadline of its own: a keychain that
// hangs is an Unavailable error with the way out, never a hang.
type KeyHolders interface {
	// Detect returns the backend that BackendAuto means on this machine:
	// BackendKeychain where one is there to ask (even if it is locked),
	// BackendFile where none is. It does not wait for a prompt.
	Detect(ctx context.Context) Backend
	// Create makes a KEK in a holder of b and a data key wrapped by it. It
	// never changes a KEK that exists under another name.
	Create(ctx context.Context, b Backend) (DataKey, Sealer, error)
	// Open unwraps k. If the holder no longer has the KEK, or has another
	// one, the error is one that wraps ErrKeyLost.
	Open(ctx context.Context, k DataKey) (Sealer, error)
	// Present reports whether the holder of k can still have the KEK, as far
	// as can be told at once: it asks no keychain.
	Present(k DataKey) bool
	// Hasher returns the Hasher of this home. Where it has none yet, it is made
	// if make is set, and nil otherwise.
	Hasher(ctx context.Context, make bool) (Hasher, error)
	// Discard removes the KEK of a data key that Create made and that was
	// never used, because another process was first.
	Discard(ctx context.Context, k DataKey) error
}
