package mcpserver

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSessionsIdle: a session ends when it has been idle, and not while a
// request of it runs.
func TestSessionsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(time.Now)
		var mu sync.Mutex
		var all []string
		s.end = func(id string) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, id)
			_, _ = s.Terminate(id) // it has no error
		}
		ended := func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
		ctx, stop := context.WithCancel(t.Context())
		go s.sweep(ctx)
		for _, id := range []string{"idle", "used", "running"} {
			if !s.begin("ada") {
				t.Fatal("there is no room")
			}
			s.add(id, "ada", nil)
		}
		running := s.enter("running", "ada")
		time.Sleep(sessionIdle - 2*time.Minute)
		s.leave(s.enter("used", "ada"))
		if len(ended()) > 0 {
			t.Errorf("%q ended too early", ended())
		}
		time.Sleep(4 * time.Minute)
		if !slices.Equal(ended(), []string{"idle"}) {
			t.Errorf("%q ended, want the idle one", ended())
		}
		s.leave(running)
		time.Sleep(sessionIdle - time.Minute)
		if !slices.Equal(ended(), []string{"idle", "used"}) {
			t.Errorf("%q ended", ended())
		}
		stop()
	})
}

// TestSessionsFull: whoever has too many loses the one that was idle longest,
// and where there are too many in all, whoever has the most loses one to a
// stranger.
func TestSessionsFull(t *testing.T) {
	now := time.Unix(0, 0)
	s := newSessions(func() time.Time { now = now.Add(time.Second); return now })
	var ended []string
	s.end = func(id string) {
		ended = append(ended, id)
		_, _ = s.Terminate(id) // it has no error
	}
	open := func(owner string) string {
		if !s.begin(owner) {
			return ""
		}
		id := s.Generate()
		s.add(id, owner, nil)
		return id
	}
	first, second := open("0"), open("0")
	busy := s.enter(first, "0")
	for range maxSessionsEach - 2 {
		open("0")
	}
	third := open("0") // the first is busy, so the second gives way
	if third == "" || !slices.Equal(ended, []string{second}) {
		t.Errorf("%q gave way, want %q", ended, second)
	}
	s.leave(busy)
	for _, owner := range []string{"1", "2", "3"} {
		for range maxSessionsEach {
			open(owner)
		}
	}
	if len(s.all) != maxSessions || len(ended) != 1 {
		t.Errorf("%d sessions, %d ended", len(s.all), len(ended))
	}
	for n := 1; n <= 8; n++ {
		if open("stranger") == "" || len(s.all) != maxSessions || s.each["stranger"] != n {
			t.Errorf("a stranger is kept out: %d sessions, %d of them theirs", len(s.all), s.each["stranger"])
		}
	}
	for _, owner := range []string{"0", "1", "2", "3"} {
		if s.each[owner] != maxSessionsEach-2 {
			t.Errorf("%s has %d sessions: not those with the most gave way", owner, s.each[owner])
		}
	}
	if open("1") == "" || len(s.all) != maxSessions {
		t.Errorf("one of many owners can't go on: %d", len(s.all))
	}
	if s.enter(third, "1") != nil || s.enter("", "0") != nil {
		t.Error("a session of somebody else is found")
	}
}
