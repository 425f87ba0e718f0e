// Package login speaks to authorization servers: from the address of a
// workspace server to tokens, by standards alone. It finds the authorization
// server (RFC 9728, RFC 8414, OpenID Connect Discovery), lets a person approve
// on another device (RFC 8628), refreshes (RFC 6749) and revokes (RFC 7009).
//
// It does not know where sessions are kept, who else refreshes one at the same
// time, or how a person is shown the code. Everything that a server says is
// hostile until it was checked: it is bounded, it is one JSON object, and what
// a person will see of it is printable.
//
// Its invariant: a token, a device code or a code verifier goes into the
// request that needs it and nowhere else. Neither is what a server answers
// repeated in an error or in the log: it may hold what was sent.
package login

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"example.com/akos/workspace"
)

// Options are what a Client stands on. The zero Options are useful.
type Options struct {
	Transport http.RoundTripper                                                    // nil: HTTP/1.1, TLS, proxies as the environment says, none to this machine
	Timeout   time.Duration                                                        // for one request with its answer; 0: 10 s
	Dial      func(ctx context.Context, network, address string) (net.Conn, error) // nil: as package net does. Unused with a Transport
	Connect   time.Duration                                                        // for a connection, and again for its TLS; 0: 5 s. Unused with a Transport
	Now       func() time.Time                                                     // for the times that are shown; nil: time.Now. What is waited for is measured, not read off a clock
	Log       *slog.Logger                                                         // nil: nowhere
	Claims    Claims                                                               // where an identity provider puts what akos needs to know
	Version   string                                                               // of akos, for the User-Agent
}

// Claims are those of the domain.
type Claims = workspace.Claims

// A Client implements [workspace.Authority]. It keeps nothing between calls,
// no connection either, and is safe for concurrent use.
type Client struct {
	http    func() *http.Client // made when it is first needed: most processes log nobody in
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
	claims  Claims
	agent   string
}

var _ workspace.Authority = (*Client)(nil)

// New returns a Client. It connects to nothing.
func New(opts Options) *Client {
	c := &Client{timeout: opts.Timeout, now: opts.Now, log: opts.Log, claims: opts.Claims, agent: "akos"}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	if opts.Connect == 0 {
		opts.Connect = 5 * time.Second
	}
	c.http = sync.OnceValue(func() *http.Client {
		if opts.Transport == nil {
			opts.Transport = newTransport(opts.Connect, opts.Dial)
		}
		return &http.Client{Transport: opts.Transport, CheckRedirect: stayAtHome}
	})
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.claims = c.claims.Or(workspace.DefaultClaims())
	if opts.Version != "" {
		c.agent += "/" + opts.Version
	}
	return c
}

// hint is what to run when a login is over.
const hint = "akos auth login"
