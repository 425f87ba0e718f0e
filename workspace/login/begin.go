package login

import (
	"context"
	"strings"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

const (
	// RFC 8628 section 3.2: "If no value is provided, clients MUST use 5 as
	// the default."
	defaultInterval = 5 * time.Second
	// maxLogin bounds the wait for a person, whatever the server allows.
	maxLogin = time.Hour
	// maxCode is the longest user code, in bytes: a person types it.
	maxCode = 64
)

// A plan is what Wait needs to know beside what a person sees.
type plan struct {
	metadata
	verifier workspace.Secret // empty without PKCE
	deadline time.Time        // by the monotonic clock: no step of the wall clock moves it
}

// Begin discovers the authorization server of req.Server and starts a device
// flow there.
func (c *Client) Begin(ctx context.Context, req workspace.LoginRequest) (workspace.DeviceLogin, error) {
	if req.ClientID == "" {
		req.ClientID = workspace.DefaultClientID
	}
	if req.Scope == "" {
		req.Scope = workspace.DefaultScope
	}
	scopes, ok := parseScope(req.Scope)
	switch {
	case !ok || len(scopes) == 0:
		return workspace.DeviceLogin{}, workspace.Errorf(workspace.Invalid, "a scope is words of printable ASCII without quotes, with spaces between them")
	case !ascii(req.ClientID, maxName):
		return workspace.DeviceLogin{}, workspace.Errorf(workspace.Invalid, "a client ID is up to %d characters of printable ASCII", maxName)
	}
	req.Scope = strings.Join(scopes, " ")
	m, err := c.discover(ctx, req.Server)
	if err != nil {
		return workspace.DeviceLogin{}, err
	}
	req.Server = m.server
	return c.authorize(ctx, req, &plan{metadata: m})
}

// authorize makes the device authorization request (RFC 8628 section 3.1).
func (c *Client) authorize(ctx context.Context, req workspace.LoginRequest, p *plan) (workspace.DeviceLogin, error) {
	f := newForm(req.ClientID, p.resource)
	f.plain.Set("scope", req.Scope)
	if p.pkce {
		p.verifier = newVerifier()
		f.plain.Set("code_challenge", challenge(p.verifier))
		f.plain.Set("code_challenge_method", "S256")
	}
	// The lifetime counts from before the request: rather too short than to
	// ask with a code that is no more.
	sent, now := time.Now(), c.now()
	a, err := c.post(ctx, p.device, f)
	if err != nil {
		return workspace.DeviceLogin{}, err
	}
	if code, refused := a.refusal(); refused {
		return workspace.DeviceLogin{}, c.refused(ctx, a, code, req.ClientID)
	}
	d, life, err := readDevice(a, p)
	if err != nil {
		return workspace.DeviceLogin{}, err
	}
	d.LoginRequest, d.Plan, d.ExpiresAt = req, p, now.Add(life).Truncate(time.Second)
	p.deadline = sent.Add(life)
	return d, nil
}

// readDevice checks a device authorization response (RFC 8628 section 3.2).
func readDevice(a answer, p *plan) (d workspace.DeviceLogin, life time.Duration, err error) {
	life, given, ok := a.doc.seconds("expires_in")
	interval, paced, paceOK := a.doc.seconds("interval")
	if interval <= 0 {
		interval = defaultInterval
	}
	d = workspace.DeviceLogin{
		UserCode:                a.doc.text("user_code"),
		VerificationURI:         a.doc.text("verification_uri"),
		VerificationURIComplete: a.doc.text("verification_uri_complete"),
		Interval:                interval,
		Secret:                  a.doc.secret("device_code"),
	}
	switch {
	case a.doc == nil:
		err = a.misread()
	case secret.Empty(d.Secret):
		err = a.unusable("it has no device_code")
	case !ascii(d.UserCode, maxCode):
		err = a.unusable("its user_code is not a short printable text")
	case d.VerificationURI == "":
		err = a.unusable("it has no verification_uri")
	case !given || !ok || life <= 0:
		err = a.unusable("its expires_in is not a number of seconds")
	case paced && !paceOK:
		err = a.unusable("its interval is not a number of seconds")
	case !p.mayUse(d.VerificationURI), d.VerificationURIComplete != "" && !p.mayUse(d.VerificationURIComplete):
		err = workspace.Errorf(workspace.Denied, "%s sends you to an address that is not to be trusted: it must be https, or http on this machine", a.from)
	case holds(d.UserCode, d.Secret), holds(d.VerificationURI, d.Secret), holds(d.VerificationURIComplete, d.Secret):
		err = workspace.Errorf(workspace.Denied, "%s shows its device code to the person: it is not to be trusted", a.from)
	}
	return d, min(life, maxLogin), err
}
