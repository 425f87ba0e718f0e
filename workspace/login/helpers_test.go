package login_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/login"
)

// a rig is a Client and the server that it speaks to. When the test ends, no
// secret that the server knows may be in the log or in an error that was seen.
type rig struct {
	*login.Client
	t   *testing.T
	s   *akostest.AuthServer
	log *buffer
}

// newRig returns a rig; change edits the server first.
func newRig(t *testing.T, change func(*akostest.AuthServer)) *rig {
	t.Helper()
	s := akostest.NewAuthServer(t)
	if change != nil {
		change(s)
	}
	r := &rig{t: t, s: s, log: &buffer{}}
	r.clock(nil)
	t.Cleanup(func() { r.silent("the log", r.log.String()) })
	return r
}

// clock gives the rig a Client with a clock of its own.
func (r *rig) clock(now func() time.Time) {
	r.Client = login.New(login.Options{
		Transport: r.s.Transport(), Version: "1.2.3", Now: now,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
}

// silent fails the test if a secret of the server is in text.
func (r *rig) silent(what, text string) {
	r.t.Helper()
	for _, secret := range r.s.Secrets() {
		if strings.Contains(text, secret) {
			r.t.Errorf("a secret is in %s", what)
		}
	}
}

// check fails the test unless err is of that kind and says so.
func (r *rig) check(err error, kind workspace.Kind, text string) {
	r.t.Helper()
	if err == nil {
		r.t.Fatalf("no error, want %v: %s", kind, text)
	}
	r.keep(err)
	e := workspace.Explain(err)
	if e.Kind != kind || !strings.Contains(e.Msg, text) {
		r.t.Errorf("%v %q, want %v %q", e.Kind, e.Msg, kind, text)
	}
}

// keep looks for secrets in an error and in all that it wraps, in any form in
// which it could be printed.
func (r *rig) keep(err error) {
	r.t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		r.silent("an error", fmt.Sprintf("%v %+v %#v %q", err, err, err, err.Error()))
	}
}

// begin starts a login.
func (r *rig) begin() workspace.DeviceLogin {
	r.t.Helper()
	d, err := r.Begin(r.t.Context(), workspace.LoginRequest{Server: r.s.Server})
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// login does all of it; the person approves at once.
func (r *rig) login() workspace.Grant {
	r.t.Helper()
	d := r.begin()
	r.s.Approve(d.UserCode)
	g, err := r.Wait(r.t.Context(), d)
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

// after lets the person decide later.
func (r *rig) after(d time.Duration, decide func(string), userCode string) {
	go func() {
		time.Sleep(d)
		decide(userCode)
	}()
}

// bubble runs a test in one in which no time passes.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// times returns when requests came at an endpoint, each after the one before,
// the first after start.
func (r *rig) times(e akostest.Endpoint, start time.Time) []time.Duration {
	var list []time.Duration
	for _, req := range r.s.Requests(e) {
		list = append(list, req.At.Sub(start).Round(time.Second))
		start = req.At
	}
	return list
}

// is fails the test unless an opened secret has the text that the server
// knows of it.
func (r *rig) is(kind string, s workspace.Secret) {
	r.t.Helper()
	if !slices.ContainsFunc(r.s.Secrets(), func(known string) bool {
		return strings.HasPrefix(known, "fake-"+kind) && equal(s, known)
	}) {
		r.t.Errorf("the grant has no %s token of the server", kind)
	}
}

type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}
