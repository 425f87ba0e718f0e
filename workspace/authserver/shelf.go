package authserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"
)

// How long things wait in memory, and how many of them at most: in all, and
// for one owner. An owner is a user, or the address of whoever is none yet.
const (
	deviceLife   = 10 * time.Minute
	codeLife     = time.Minute
	questionLife = 10 * time.Minute
	sessionLife  = 12 * time.Hour
	// A code is remembered after it has expired, to say so and to notice that
	// it is used again.
	codesKept = 20 * time.Minute

	// RFC 8628 section 5.1: the odds of a guess are those of one code times the
	// codes that are live, so their number is firm, whoever gives way. With
	// maxGuesses in the life of a code they are one in 25,000 that anybody's
	// guess hits anything.
	maxDevices, maxDevicesEach = 10_000, 2_000
	maxKeptEach                = 64
	// Clients that nobody has approved yet: what a stranger registers is in
	// memory, and never on disk.
	maxNewcomers, maxNewcomersEach = 1_000, 250
	newcomerLife                   = 24 * time.Hour
	maxCodes, maxCodesEach         = 4_096, 64
	maxQuestions, maxQuestionsEach = 4_096, 16
	maxSessions, maxSessionsEach   = 4_096, 16
)

// random returns 256 bits as 43 characters of base64url.
func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// hash returns the hex SHA-256 of a text that is random: what is kept in its
// place, and what it is found by without comparing it byte by byte.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A shelf keeps a bounded number of values for a while. When an owner has as
// many as one may have, the oldest of them gives way. When the shelf is full, a
// new value finds no place, unless the shelf says which of its values yield:
// then the oldest of those gives way that the owner with the most has, and no
// other ever does.
//
// Were newcomers refused instead, one burst would keep everybody out for the
// life of a value. Who wants to end what somebody else waits for has to bring
// as many as one owner may have before that person is done, each time.
type shelf[V any] struct {
	now       func() time.Time
	life      time.Duration
	max, each int
	yields    func(V) bool // whether a value gives way when all is full; nil for none
	gone      func(V)      // is told of a value that gave way, under the lock

	mu    sync.Mutex
	items map[string]*item[V]
	owned map[string]int
	puts  uint64
}

type item[V any] struct {
	value V
	owner string
	until time.Time
	put   uint64 // the clock may stand still between two of them
}

func newShelf[V any](now func() time.Time, life time.Duration, max, each int) *shelf[V] {
	return &shelf[V]{now: now, life: life, max: max, each: each, items: map[string]*item[V]{}, owned: map[string]int{}}
}

// put keeps v under key. ok is false if there is a value already, or no place.
func (s *shelf[V]) put(key, owner string, v V) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(key) != nil {
		return false
	}
	if len(s.items) >= s.max || s.owned[owner] >= s.each {
		s.sweep()
	}
	if s.owned[owner] >= s.each && !s.forgetOldest(owner) {
		return false
	}
	if len(s.items) >= s.max && (s.yields == nil || !s.forgetOldest(s.greatest())) {
		return false
	}
	s.puts++
	s.items[key] = &item[V]{v, owner, s.now().Add(s.life), s.puts}
	s.owned[owner]++
	return true
}

// edit runs fn on the value under key, alone. ok is false if there is none.
func (s *shelf[V]) edit(key string, fn func(*V)) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.find(key)
	if it == nil {
		return false
	}
	fn(&it.value)
	return true
}

// get returns the value under key.
func (s *shelf[V]) get(key string) (v V, ok bool) {
	ok = s.edit(key, func(p *V) { v = *p })
	return v, ok
}

// take returns the value under key and forgets it, if fit says that it is for
// who asks: only one of those who ask at once gets it.
func (s *shelf[V]) take(key string, fit func(V) bool) (v V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.find(key)
	if it == nil || !fit(it.value) {
		return v, false
	}
	s.forget(key, it)
	return it.value, true
}

// of returns how many values an owner has, with those that have expired since
// the last sweep.
func (s *shelf[V]) of(owner string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned[owner]
}

// tidy forgets what has expired.
func (s *shelf[V]) tidy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
}

// remove forgets the value under key.
func (s *shelf[V]) remove(key string) { s.take(key, func(V) bool { return true }) }

func (s *shelf[V]) find(key string) *item[V] {
	it := s.items[key]
	if it != nil && !s.now().Before(it.until) {
		s.forget(key, it)
		return nil
	}
	return it
}

func (s *shelf[V]) forget(key string, it *item[V]) {
	delete(s.items, key)
	if s.owned[it.owner]--; s.owned[it.owner] <= 0 {
		delete(s.owned, it.owner)
	}
}

func (s *shelf[V]) sweep() {
	for key := range s.items {
		s.find(key)
	}
}

// forgetOldest has the oldest value of an owner give way; ok is false if none
// does.
func (s *shelf[V]) forgetOldest(owner string) (ok bool) {
	oldest := ""
	for key, it := range s.items {
		if it.owner == owner && (s.yields == nil || s.yields(it.value)) && (oldest == "" || it.put < s.items[oldest].put) {
			oldest = key
		}
	}
	if oldest == "" {
		return false
	}
	it := s.items[oldest]
	s.forget(oldest, it)
	if s.gone != nil {
		s.gone(it.value)
	}
	return true
}

// greatest returns the owner with the most values.
func (s *shelf[V]) greatest() (owner string) {
	for o, n := range s.owned {
		if n > s.owned[owner] {
			owner = o
		}
	}
	return owner
}
