package vault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errNoAnswer says that a call took longer than the deadline.
var errNoAnswer = errors.New("no answer within the deadline")

// maxAsking bounds the calls that hang at once, and so the goroutines that a
// process which lives for days can leave behind.
const maxAsking = 4

// A gate puts a deadline on calls that know neither context nor deadline. A
// call that exceeds it is abandoned: its goroutine stays until the call
// returns. Once maxAsking of them hang, the next call waits for one to end
// instead of starting another goroutine, and at its deadline asks reset to
// end them all.
type gate struct {
	deadline time.Duration
	slots    chan struct{}
	reset    func()        // nil where abandoned calls can't be ended
	turn     chan struct{} // full while reset runs: it would end a new call too
}

func newGate(deadline time.Duration) *gate {
	return &gate{deadline: deadline, slots: make(chan struct{}, maxAsking), turn: make(chan struct{}, 1)}
}

// within returns what f returns, or errNoAnswer after the deadline of g, or
// the error of ctx. The context that f gets is done once nobody waits for f
// any more.
func within[T any](ctx context.Context, g *gate, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	ctx, cancel := context.WithTimeoutCause(ctx, g.deadline, errNoAnswer)
	defer cancel()
	why := func() error {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			return errNoAnswer
		}
		return ctx.Err()
	}
	var none T
	select {
	case g.turn <- struct{}{}:
		<-g.turn
	case <-ctx.Done():
		return none, why()
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		g.unblock()
		return none, why()
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			// go-keyring dereferences nil when its bus goes away under a
			// prompt; that must not end a server.
			if p := recover(); p != nil {
				r.err = fmt.Errorf("the call panicked with a %T", p)
			}
			<-g.slots
			done <- r
		}()
		r.v, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return none, why()
	}
}

// unblock starts reset, unless it runs already. It may hang itself, so nobody
// waits for it but the next call, which has a deadline.
func (g *gate) unblock() {
	if g.reset == nil {
		return
	}
	select {
	case g.turn <- struct{}{}:
		go func() {
			defer func() { <-g.turn }()
			g.reset()
		}()
	default:
	}
}
