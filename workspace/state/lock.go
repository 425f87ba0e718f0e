package state

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"github.com/gofrs/flock"
)

// lock locks the file at path, which it makes, and waits for another process
// that holds it, but not for ever. The system takes the lock back from a
// process that dies.
func lock(ctx context.Context, path string, wait time.Duration) (unlock func(), err error) {
	irregular := func(info fs.FileInfo) error {
		if info.Mode().IsRegular() {
			return nil
		}
		return workspace.Errorf(workspace.Unavailable, "%s is not a regular file: nothing was changed. Move it away, and akos makes a new one", path).
			WithHint("mv %s %s", workspace.ShellQuote(path), workspace.ShellQuote(path+".old"))
	}
	if info, err := os.Lstat(path); err == nil {
		if err := errors.Join(irregular(info), home.Restrict(path, 0o600)); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A pipe that is opened for reading alone waits for somebody who writes.
	l := flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if _, err := l.TryLockContext(waiting, 5*time.Millisecond); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = workspace.Errorf(workspace.Unavailable, "another process has held %s for %v: nothing was changed. Try again, or stop that process", path, wait).
				WithHint(whoHolds).Because(err)
		}
		return nil, err
	}
	unlock = func() { _ = l.Unlock() }
	info, err := l.Stat()
	if err == nil {
		err = irregular(info)
	}
	if err == nil {
		err = home.Restrict(path, 0o600)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// whoHolds lists the processes of akos.
const whoHolds = "ps -ef | grep '[a]kos'"
