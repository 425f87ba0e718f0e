package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/akos/tools"
	"github.com/cli/browser"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// authLogin adds to the command what only a desktop has.
func (a *app) authLogin(t *tools.Tool) *cobra.Command {
	cmd := a.command(t)
	cmd.Flags().BoolVar(&a.noBrowser, "no-browser", false, "do not open the page in a browser")
	return cmd
}

// Visit prints where to go and what to enter there, opens the page on a
// desktop, and shows that akos waits.
func (k keyboard) Visit(ctx context.Context, v tools.Visit) error {
	out := k.Out
	if k.asJSON {
		out = k.Err // the standard output holds one document
	}
	if _, err := fmt.Fprintf(out, "Open this page:   %s\nEnter this code:  %s\n", v.URI, v.Code); err != nil {
		return err
	}
	// Without the code: arguments of a process are there for others to read,
	// and who has the code can have this login approve their own account.
	if !k.noBrowser && k.desktop() {
		browser.Stdout, browser.Stderr = io.Discard, io.Discard
		if err := browser.OpenURL(v.URI); err != nil {
			k.log.Debug("no browser was opened", "err", err)
		}
	}
	if f, ok := k.Err.(*os.File); ok && !k.dumb && term.IsTerminal(int(f.Fd())) {
		k.spin(ctx, f, v.Expires)
	}
	return nil
}

// desktop reports whether a browser that is opened here is seen by whoever
// runs the command.
func (a *app) desktop() bool {
	for _, name := range []string{"SSH_CONNECTION", "SSH_TTY", "CI"} {
		if v, _ := a.LookupEnv(name); v != "" {
			return false
		}
	}
	return hasDisplay(a.LookupEnv)
}

// spin shows on a terminal that akos waits, until a.settled is called.
func (a *app) spin(ctx context.Context, w io.Writer, until time.Time) {
	ctx, stop := context.WithCancel(ctx)
	gone := make(chan struct{})
	a.settled = func() { stop(); <-gone }
	go func() {
		defer close(gone)
		tick := time.NewTicker(120 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				fmt.Fprint(w, "\r\033[K")
				return
			case now := <-tick.C:
				left := max(until.Sub(now), 0).Round(time.Second)
				fmt.Fprintf(w, "\r%c waiting for you to approve it (%v left)\033[K", `|/-\`[i%4], left)
			}
		}
	}()
}
