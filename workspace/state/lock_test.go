//go:build unix

package state

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
)

// TestLockWait waits for another process that holds a lock: until it ends, or
// the caller gives up, but not for ever.
func TestLockWait(t *testing.T) {
	alone := func(d *DB, ctx context.Context) error {
		return d.Alone(ctx, "session", func() error { return nil })
	}
	first := func(d *DB, ctx context.Context) error {
		return d.Write(ctx, func(workspace.Tx) error { return nil })
	}
	for _, c := range []struct {
		name string
		act  func(*DB, context.Context) error
		file string
		held time.Duration // of the lock
		give time.Duration // until the caller gives up
		want string        // of the error
		kind workspace.Kind
		took time.Duration
	}{
		{"alone, free", alone, "session.lock", 0, time.Hour, "", 0, 0},
		{"alone, soon", alone, "session.lock", 29 * time.Second, time.Hour, "", 0, 29 * time.Second},
		{"alone, stuck", alone, "session.lock", time.Hour, time.Hour, "for 30s: nothing was changed", workspace.Unavailable, 30 * time.Second},
		{"alone, given up", alone, "session.lock", time.Hour, 3 * time.Second, "canceled", workspace.Canceled, 3 * time.Second},
		{"first, free", first, "state.lock", 0, time.Hour, "", 0, 0},
		{"first, soon", first, "state.lock", 9 * time.Second, time.Hour, "", 0, 9 * time.Second},
		{"first, stuck", first, "state.lock", time.Hour, time.Hour, "for 10s: nothing was changed", workspace.Unavailable, 10 * time.Second},
		{"first, given up", first, "state.lock", time.Hour, 3 * time.Second, "canceled", workspace.Canceled, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(dir, c.file)
				if c.held > 0 {
					f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
					if err == nil {
						err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
					}
					if err != nil {
						t.Fatal(err)
					}
					timer := time.AfterFunc(c.held, func() { _ = f.Close() })
					defer func() { timer.Stop(); _ = f.Close() }()
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				defer time.AfterFunc(c.give, cancel).Stop()
				start := time.Now()
				d := New(dir)
				err := c.act(d, ctx)
				if took := time.Since(start); took < c.took || took > c.took+time.Second {
					t.Errorf("it took %v", took)
				}
				if cerr := d.Close(); cerr != nil {
					t.Error(cerr)
				}
				if c.want == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				e := workspace.Explain(err)
				if e.Kind != c.kind || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				if c.kind == workspace.Unavailable && (!strings.Contains(e.Msg, path) || e.Hint == "") {
					t.Errorf("%q, hint %q", e.Msg, e.Hint)
				}
			})
		})
	}
}
