package mcpserver_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"example.com/akos/workspace"
)

// panicText is what a fault says that nobody may see.
const panicText = "what went wrong inside"

// A faulty holder of keys is healthy until it is told otherwise.
type faulty struct {
	workspace.KeyHolders
	gate  *gate
	fault atomic.Pointer[string]
}

// in puts f in front of keys.
func (f *faulty) in(keys workspace.KeyHolders) workspace.KeyHolders {
	f.KeyHolders = keys
	f.gate.KeyHolders = keys
	return f
}

func (f *faulty) set(t *testing.T, word string) {
	t.Helper()
	switch word {
	case "healthy", "hangs", "panics", "unavailable", "unforeseen":
		f.fault.Store(&word)
	default:
		t.Fatalf("no such fault: %s", word)
	}
}

// Open opens k, or fails.
func (f *faulty) Open(ctx context.Context, k workspace.DataKey) (workspace.Sealer, error) {
	word := f.fault.Load()
	if word == nil {
		return f.KeyHolders.Open(ctx, k)
	}
	switch *word {
	case "hangs":
		return f.gate.Open(ctx, k)
	case "panics":
		panic(panicText)
	case "unavailable":
		return nil, workspace.Errorf(workspace.Unavailable, "the keychain does not answer").WithHint("akos doctor").Because(errors.New(panicText))
	case "unforeseen":
		return nil, errors.New(panicText)
	}
	return f.KeyHolders.Open(ctx, k)
}

// fakeToken returns what looks like a credential. It is made here, so that no
// scanner finds one in a file.
func fakeToken() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := []byte("ghp" + "_")
	for range 36 {
		b = append(b, letters[rand.IntN(len(letters))])
	}
	return string(b)
}

// kind returns the kind of a failed operation.
func (r response) kind() (kind string, ok bool) {
	if r.Result == nil || !r.Result.IsError {
		return "", false
	}
	kind, ok = r.Result.Meta["akos/kind"].(string)
	return kind, ok
}
