//go:build unix

package terminal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// childMode is the variable that makes this test binary ask a question instead
// of running tests.
const childMode = "AKOS_TERMINAL_TEST"

// An answer is what a child got, on its stdout.
type answer struct {
	Value           []byte
	Shown           string // how fmt prints what Secret returned
	Kind, Msg, Hint string
	Quit            bool // SIGQUIT came
}

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	_ = json.NewEncoder(os.Stdout).Encode(child(mode))
}

func child(mode string) (a answer) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	fail := func(err error) {
		e := workspace.Explain(err)
		if err != nil {
			a.Kind, a.Msg, a.Hint = e.Kind.String(), e.Msg, e.Hint
		}
	}
	if file := os.Getenv("AKOS_TERMINAL_PID"); file != "" {
		_ = os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())), 0o600) // a test will miss it
	}
	t, err := Open()
	if err != nil {
		fail(err)
		return a
	}
	defer t.Close()
	t.FileHint = "akos vault put KEY --from-file FILE"
	t.Dumb = os.Getenv("TERM") == "dumb"
	const prompt = "QUESTION "
	switch mode {
	case "secret":
		// Nobody outside workspace can open a Secret, so this asks below it.
		b, err := t.secret(ctx, prompt)
		fail(err)
		a.Value = b
	case "quit":
		_, err := t.Secret(ctx, prompt)
		fail(err)
		select {
		case <-quit:
			a.Quit = true
		case <-time.After(20 * time.Second):
		}
	case "opaque":
		v, err := t.Secret(ctx, prompt)
		fail(err)
		a.Shown = fmt.Sprint(v)
	case "deadline":
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // time enough to type half of it
		defer cancel()
		_, err := t.Secret(ctx, prompt)
		fail(err)
	case "panic":
		defer func() {
			if recover() != nil {
				a.Kind = "panic"
			}
		}()
		t.tty = panics{t.tty}
		_, err := t.Secret(ctx, prompt)
		fail(err)
	case "line":
		s, err := t.Line(ctx, prompt)
		fail(err)
		a.Value = []byte(s)
	case "confirm":
		ok, err := t.Confirm(ctx, prompt)
		fail(err)
		a.Value = strconv.AppendBool(nil, ok)
	case "choose":
		i, err := t.Choose(ctx, prompt, []string{"slack", "openai", "github"})
		fail(err)
		a.Value = strconv.AppendInt(nil, int64(i), 10)
	}
	return a
}

// A device that panics once something is typed.
type panics struct{ device }

func (p panics) read(b []byte, d time.Duration) (int, error) {
	if n, _ := p.device.read(b, d); n > 0 {
		panic("a bug")
	}
	return 0, nil
}
