package sidecar

import (
	"net/http"
	"time"

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
// the place.
type turn struct {
	of       chan struct{}
	r        *http.Request
	deadline func(time.Time) error // of reading
	n        int                   // bytes that were read
	mine     bool                  // it has a place
	err      error                 // why it has none
}

// Read implements io.Reader.
func (t *turn) Read(p []byte) (int, error) {
	if t.n >= smallBody && !t.mine {
		if t.err = t.take(); t.err != nil {
			return 0, t.err
		}
	}
	if left := smallBody - t.n; !t.mine && len(p) > left {
		p = p[:left]
	}
	n, err := t.r.Body.Read(p)
	t.n += n
	return n, err
}

func (t *turn) take() error {
	late := time.NewTimer(turnTime)
	defer late.Stop()
	select {
	case t.of <- struct{}{}:
		t.mine = true
		_ = t.deadline(time.Now().Add(turnTime)) // every server of ours has deadlines
		return nil
	case <-late.C:
		return workspace.Errorf(workspace.Unavailable, "too many large values are being stored: try again later")
	case <-t.r.Context().Done():
		return workspace.Errorf(workspace.Unavailable, "the client has gone")
	}
}

// end gives the place back.
func (t *turn) end() {
	if t.mine {
		<-t.of
	}
}
