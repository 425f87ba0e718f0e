package workspace

import "context"

// slots bound how much of what takes memory runs at once in this process: a
// server is asked by whoever likes.
type slots chan struct{}

// take waits for a slot, or returns the error of ctx.
func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) free() { <-s }
