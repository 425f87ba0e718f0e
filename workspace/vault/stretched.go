package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"sync"

	"example.com/akos/workspace/internal/secret"
	"golang.org/x/crypto/argon2"
)

// A stretched knows the KEKs that passphrases were stretched to in this
// process, so that a server does it once and not for every call. It stretches
// one at a time: each takes 64 MiB and every core.
type stretched struct {
	turn chan struct{} // full while one is stretched
	salt [16]byte      // of this process: a mark says nothing outside of it

	mu    sync.Mutex
	known map[string]mark // by the parameters
	fresh []byte          // the parameters of new keys under the passphrase below
	of    secret.Value
	do    func(pass []byte, p params) []byte
}

// A mark tells whether a passphrase is the one that made kek, without keeping
// it.
type mark struct{ of, kek secret.Value }

// maxStretched bounds what is kept. A home has one, or one more for each key
// that was left behind.
const maxStretched = 16

func newStretched() *stretched {
	s := &stretched{turn: make(chan struct{}, 1), known: map[string]mark{}, do: argon}
	_, _ = rand.Read(s.salt[:]) // never fails: it ends the process instead
	return s
}

func argon(pass []byte, p params) []byte {
	return argon2.IDKey(pass, p.Salt, p.Time, p.Memory, p.Threads, keySize)
}

// kek returns the KEK of a passphrase. While another is made it waits, as long
// as ctx does.
func (s *stretched) kek(ctx context.Context, pass []byte, p params) (secret.Value, error) {
	name, err := json.Marshal(p)
	if err != nil {
		return secret.Value{}, err
	}
	of := s.mark(pass)
	if kek, ok := s.find(string(name), of); ok {
		return kek, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return secret.Value{}, ctx.Err()
	}
	if kek, ok := s.find(string(name), of); ok { // made while this one waited
		return kek, nil
	}
	if err := ctx.Err(); err != nil {
		return secret.Value{}, err
	}
	kek := hide(s.do(pass, p))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxStretched {
		clear(s.known)
	}
	s.known[string(name)] = mark{of, kek}
	return kek, nil
}

// params returns the parameters of a new key: the same while the passphrase is
// the same, so that the calls which find a new home at once make one KEK, and
// all but one of their data keys is thrown away.
func (s *stretched) params(pass []byte) []byte {
	of := s.mark(pass)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh == nil || !secret.Equal(s.of, of) {
		s.fresh, s.of = newParams(), of
	}
	return bytes.Clone(s.fresh)
}

func (s *stretched) find(name string, of secret.Value) (secret.Value, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.known[name]
	if !ok || !secret.Equal(m.of, of) {
		return secret.Value{}, false
	}
	return m.kek, true
}

func (s *stretched) mark(pass []byte) secret.Value {
	h := sha256.New()
	h.Write(s.salt[:])
	h.Write(pass)
	return secret.New(h.Sum(nil))
}

// forget forgets all KEKs.
func (s *stretched) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	s.fresh = nil
}
