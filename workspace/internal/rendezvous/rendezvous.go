// Package rendezvous is how a command finds the sidecar of its home: a small
// file, and two locks that the sidecar holds for as long as it lives. One keeps
// a second sidecar out, and only sidecars try it. Whoever looks for one tries
// the other, and has it for a moment if none lives.
//
// It knows no protocol. Its invariant: what [Find] returns lives; a file that
// a dead process left counts for nothing.
package rendezvous

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	fileName = "sidecar.json"
	lockName = "sidecar.lock"
	lifeName = "sidecar.alive"
)

// A Place says where the sidecar is. Nothing in it is secret.
type Place struct {
	URL     string    `json:"url"`              // origin that it is reached by
	Socket  string    `json:"socket,omitempty"` // Unix socket for this user; empty where there are none
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Started time.Time `json:"startedAt"`
}

// ErrTaken says that a sidecar of this home runs already.
var ErrTaken = errors.New("a sidecar of this home runs already")

// A Claim is the right to be the sidecar of a home.
type Claim struct {
	home       string
	lock, life *flock.Flock
}

func lockOf(home, name string) *flock.Flock {
	return flock.New(filepath.Join(home, name), flock.SetPermissions(0o600))
}

// Take claims home for this process, or returns ErrTaken. The system ends a
// claim with its process.
func Take(ctx context.Context, home string) (*Claim, error) {
	c := &Claim{home, lockOf(home, lockName), lockOf(home, lifeName)}
	switch ok, err := c.lock.TryLock(); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrTaken
	}
	// What another process left speaks of nobody, and without it nobody has a
	// reason to try the second lock.
	_ = os.Remove(filepath.Join(home, fileName))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := c.life.TryLockContext(ctx, time.Millisecond); err != nil {
		return nil, errors.Join(err, c.lock.Unlock())
	}
	return c, nil
}

// Announce tells where the sidecar is.
func (c *Claim) Announce(p Place) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(c.home, fileName)
	draft, err := os.CreateTemp(c.home, fileName+".*") // 0600
	if err != nil {
		return err
	}
	_, err = draft.Write(append(data, '\n'))
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		_ = os.Remove(draft.Name()) // the error that matters is err
	}
	return err
}

// Release takes the announcement back and ends the claim.
func (c *Claim) Release() error {
	err := os.Remove(filepath.Join(c.home, fileName))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, c.life.Unlock(), c.lock.Unlock())
}

// maxFile bounds what is read of a file that somebody may have put there.
const maxFile = 16 << 10

// Find returns where the sidecar of home is; ok is false if none runs.
func Find(home string) (p Place, ok bool) {
	path := filepath.Join(home, fileName)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return Place{}, false
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &p) != nil || p.URL == "" {
		return Place{}, false
	}
	if _, err := os.Stat(filepath.Join(home, lifeName)); err != nil {
		return Place{}, false // to try the lock would make the file
	}
	life := lockOf(home, lifeName)
	free, err := life.TryRLock()
	if free {
		_ = life.Unlock() // closing the file ends it all the same
	}
	return p, err == nil && !free
}
