package mcpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Sessions of the older revisions of the protocol; the newest has none. When
// an owner has as many as one may have, the one that was idle longest gives
// way, and its client initializes again, as the protocol says. Where there are
// as many as there may be in all, one of whoever has the most does: no few of
// them keep everybody else out.
const (
	maxSessions     = 4096             // in all
	maxSessionsEach = 1024             // of one owner
	sessionIdle     = 30 * time.Minute // until a session ends by itself
	maxName         = 1 << 10          // bytes of a client's name that are kept
)

// A session is what is known of one beside the library.
type session struct {
	owner   string
	client  fullSession // what the library knows it by
	used    time.Time
	running int // requests
}

// sessions are the sessions of one server, each bound to its owner. It is the
// library's SessionIdManager; whose a session is was checked before it is
// asked.
type sessions struct {
	now func() time.Time
	end func(id string) // has the library forget a session

	mu      sync.Mutex
	all     map[string]*session
	each    map[string]int // by owner
	opening int
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[string]*session{}, each: map[string]int{}}
}

// Generate returns an id: 26 characters, 130 bits of them random.
func (s *sessions) Generate() string { return rand.Text() }

// Validate implements server.SessionIdManager.
func (s *sessions) Validate(id string) (terminated bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[id] == nil && id != perRequest {
		return false, errors.New("there is no such session")
	}
	return false, nil
}

// Terminate implements server.SessionIdManager.
func (s *sessions) Terminate(id string) (notAllowed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.all[id]; x != nil {
		delete(s.all, id)
		if s.each[x.owner]--; s.each[x.owner] == 0 {
			delete(s.each, x.owner)
		}
	}
	return false, nil
}

// begin makes room for a session of owner and returns whether there is some;
// after it, add or fail is called.
func (s *sessions) begin(owner string) bool {
	s.mu.Lock()
	give := ""
	full := len(s.all)+s.opening >= maxSessions
	if full || s.each[owner] >= maxSessionsEach {
		from := owner
		for other, n := range s.each {
			if full && n > s.each[from] {
				from = other
			}
		}
		for id, x := range s.all {
			if x.owner == from && x.running == 0 && (give == "" || x.used.Before(s.all[give].used)) {
				give = id
			}
		}
		if give == "" {
			s.mu.Unlock()
			return false
		}
	}
	s.opening++
	s.mu.Unlock()
	if give != "" {
		s.end(give)
	}
	return true
}

// fail takes back what begin promised.
func (s *sessions) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
}

// add keeps a session that begin made room for.
func (s *sessions) add(id, owner string, client fullSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.all[id] = &session{owner: owner, client: client, used: s.now()}
	s.each[owner]++
}

// enter returns the session called id if it is owner's, for a request that
// ends with leave.
func (s *sessions) enter(id, owner string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.all[id]
	if x == nil || x.owner != owner {
		return nil
	}
	x.running++
	x.used = s.now()
	return x
}

func (s *sessions) leave(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.running--
	x.used = s.now()
}

// sweep ends what has been idle, until ctx does.
func (s *sessions) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var idle []string
		s.mu.Lock()
		for id, x := range s.all {
			if x.running == 0 && s.now().Sub(x.used) >= sessionIdle {
				idle = append(idle, id)
			}
		}
		s.mu.Unlock()
		for _, id := range idle {
			s.end(id)
		}
	}
}
