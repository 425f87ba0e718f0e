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

// TestSessionsFull: what is full makes no room for a stranger, and whoever has
// too many loses the one that was idle longest.
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
	if len(s.all) != maxSessions || open("stranger") != "" || len(ended) != 1 {
		t.Errorf("%d sessions, %d ended", len(s.all), len(ended))
	}
	if open("1") == "" || len(s.all) != maxSessions {
		t.Errorf("one of many owners can't go on: %d", len(s.all))
	}
	if s.enter(third, "1") != nil || s.enter("", "0") != nil {
		t.Error("a session of somebody else is found")
	}
}
