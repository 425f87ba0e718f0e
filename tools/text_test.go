package tools

import (
	"testing"
	"time"
)

func TestDate(t *testing.T) {
	here := time.Local
	defer func() { time.Local = here }()
	time.Local = time.FixedZone("", 2*60*60)
	if got := date(time.Date(2026, 1, 2, 23, 4, 5, 0, time.UTC)); got != "2026-01-03 01:04" {
		t.Errorf("%q", got)
	}
	if got := date(time.Time{}); got != "" {
		t.Errorf("no time: %q", got)
	}
}
