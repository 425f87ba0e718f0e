// Package turns bounds how many large bodies of requests are in memory.
//
// It knows nothing of what they carry. Its invariant: whoever is slow keeps
// nobody else's away.
package turns

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Places are for what takes much memory, such as a large body. Owners
// take turns: of those of one, however many they are, one has a place or waits
// for it at a time, so that whoever is slow keeps nobody else's away.
type Places struct {
	places chan struct{}
	owners sync.Map // by name, a chan struct{}: the place for one that has or wants a place
}

// New returns that many places.
func New(most int) *Places { return &Places{places: make(chan struct{}, most)} }

// Take waits for a place, and returns what gives it back; nil if there is none
// in time, or once ctx ends.
func (t *Places) Take(ctx context.Context, owner string, within time.Duration) (done func()) {
	own, _ := t.owners.LoadOrStore(owner, make(chan struct{}, 1))
	theirs := own.(chan struct{})
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case theirs <- struct{}{}:
	case <-late.C:
		return nil
	case <-ctx.Done():
		return nil
	}
	select {
	case t.places <- struct{}{}:
		return func() { <-t.places; <-theirs }
	case <-late.C:
	case <-ctx.Done():
	}
	<-theirs
	return nil
}

// drainTime bounds Drain.
const drainTime = 2 * time.Second

// Drain reads, for a short while, what is left of the body of a request that is
// refused after a wait. Closing a connection on which something is unread
// resets it, and a client that sends all before it reads would not see why.
func Drain(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime)) // every server of ours has deadlines
	_, _ = io.Copy(io.Discard, r.Body)                                           // it may not come
}
