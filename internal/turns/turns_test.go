package turns_test

import (
	"context"
	"testing"
	"time"

	"example.com/akos/internal/turns"
)

// TestTurns: one owner has one place and waits for the next alone; another has
// the other place at once, and what is given back is there again.
func TestTurns(t *testing.T) {
	const soon = 50 * time.Millisecond
	all := turns.New(2)
	take := func(owner string) (done func()) { return all.Take(t.Context(), owner, soon) }
	ada := take("ada")
	if ada == nil || take("ada") != nil {
		t.Fatal("ada has no place, or two")
	}
	bob := take("bob")
	if bob == nil || take("eve") != nil {
		t.Fatal("bob has no place, or there are three")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if all.Take(gone, "eve", time.Hour) != nil {
		t.Error("one who has gone has a place")
	}
	ada()
	if ada = take("ada"); ada == nil { // and eve, who waited, keeps none
		t.Fatal("the place did not come back")
	}
	ada()
	if take("eve") == nil {
		t.Error("whoever waited in vain gets none later")
	}
}
