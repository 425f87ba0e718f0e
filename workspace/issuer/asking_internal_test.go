package issuer

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

// TestNoted: however many tokens come, few are noted.
func TestNoted(t *testing.T) {
	a := newAsking()
	for i := range 3 * maxNoted {
		a.note(sha256.Sum256(fmt.Append(nil, "a", i)), true, false, time.Now())
		a.note(sha256.Sum256(fmt.Append(nil, "b", i)), false, true, time.Now())
	}
	if len(a.active) != maxNoted || len(a.inactive) != maxNoted {
		t.Errorf("%d and %d, at most %d are right", len(a.active), len(a.inactive), maxNoted)
	}
}
