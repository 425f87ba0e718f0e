package issuer

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
)

const (
	maxAsking   = 16              // tokens that the provider is asked about at one time, in each line
	maxLine     = 200             // those and the ones that wait for it, in each line
	maxNoted    = 4_096           // tokens of each kind of which something is noted
	inactiveFor = 5 * time.Second // a token that was said to be not active is not asked about again
)

// An asking bounds what a provider is asked: anybody can send a token. Of a
// token its SHA-256 is noted and nothing else, and never that it is good: that
// is asked at each request.
type asking struct {
	new, familiar line

	mu       sync.Mutex
	inactive map[key]time.Time // until when a token counts as not active
	active   map[key]time.Time // when it was last: it waits in the line of familiar ones
}

type key [sha256.Size]byte

// A line has a place for each token that is asked about, and some to wait in.
type line struct{ asked, in chan struct{} }

func newLine() line {
	return line{asked: make(chan struct{}, maxAsking), in: make(chan struct{}, maxLine)}
}

func newAsking() *asking {
	return &asking{
		new: newLine(), familiar: newLine(),
		inactive: map[key]time.Time{}, active: map[key]time.Time{},
	}
}

// of returns what ask says of a token, or refused if it was said to be not
// active a moment ago. It waits for as long as ctx does, in a line that
// strangers can't fill if the token was active before; where the line is full,
// the error is Unavailable at once.
func (a *asking) of(ctx context.Context, token string, now func() time.Time, ask func() (id workspace.Identity, inactive bool, err error)) (workspace.Identity, error) {
	k := key(sha256.Sum256([]byte(token)))
	line, inactive := a.line(k, now())
	if inactive {
		return workspace.Identity{}, refused()
	}
	select {
	case line.in <- struct{}{}:
		defer func() { <-line.in }()
	default:
		return workspace.Identity{}, workspace.Errorf(workspace.Unavailable, "too many tokens are being checked just now: try again in a few seconds")
	}
	// From here on, so that strangers that come meanwhile don't end those that
	// wait for longest, and they are few.
	defer crowd.Hold(ctx)()
	select {
	case line.asked <- struct{}{}:
		defer func() { <-line.asked }()
	case <-ctx.Done():
		return workspace.Identity{}, ctx.Err()
	}
	if _, inactive := a.line(k, now()); inactive { // another request with it was first
		return workspace.Identity{}, refused()
	}
	id, no, err := ask()
	a.note(k, err == nil, no, now())
	return id, err
}

func (a *asking) line(k key, now time.Time) (l line, inactive bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.inactive[k]) {
		return line{}, true
	}
	if _, ok := a.active[k]; ok {
		return a.familiar, false
	}
	return a.new, false
}

// note notes what came of a token; nothing if the provider did not say.
func (a *asking) note(k key, active, inactive bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case active:
		put(a.active, k, now)
	case inactive:
		delete(a.active, k)
		put(a.inactive, k, now.Add(inactiveFor))
	}
}

// put adds to a map that is full in the place of any other, which is asked about
// once more, or waits in the other line: little is lost.
func put(m map[key]time.Time, k key, at time.Time) {
	if _, ok := m[k]; !ok && len(m) >= maxNoted {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[k] = at
}
