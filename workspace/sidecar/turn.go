package sidecar

import (
	"net/http"
	"time"

	"example.com/akos/internal/turns"
	"example.com/akos/workspace"
)

const (
	smallBody = 64 << 10         // bytes that everybody may send at once
	maxLarge  = 4                // larger values that are in memory at one time: each takes a few MiB until it is stored
	turnTime  = 10 * time.Second // for one of them to arrive, and for the wait before
)

// A turn is the body of a request. What is more than a small one waits for a
// place, before it is read, so that however many send at once it takes little
// memory; and it has to arrive soon then, so that whoever is slow does not keep
// the place. Those of one owner have one at a time.
type turn struct {
	of    *turns.Places
	owner string
	w     http.ResponseWriter
	r     *http.Request
	n     int    // bytes that were read
	done  func() // gives its place back; nil: it has none
	err   error  // why it has none
}

// Read implements io.Reader.
func (t *turn) Read(p []byte) (int, error) {
	if t.n >= smallBody && t.done == nil {
		if t.err = t.take(); t.err != nil {
			return 0, t.err
		}
	}
	if left := smallBody - t.n; t.done == nil && len(p) > left {
		p = p[:left]
	}
	n, err := t.r.Body.Read(p)
	t.n += n
	return n, err
}

func (t *turn) take() error {
	if t.done = t.of.Take(t.r.Context(), t.owner, turnTime); t.done == nil {
		turns.Drain(t.w, t.r)
		return workspace.Errorf(workspace.Unavailable, "too many large values are being stored: try again later")
	}
	_ = http.NewResponseController(t.w).SetReadDeadline(time.Now().Add(turnTime)) // every server of ours has deadlines
	return nil
}

// end gives the place back.
func (t *turn) end() {
	if t.done != nil {
		t.done()
	}
}
