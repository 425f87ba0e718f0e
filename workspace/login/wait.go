package login

import (
	"context"
	"errors"
	"time"

	"example.com/akos/workspace"
)

// maxPause is the longest pause that failures of the network lead to, unless
// the server's own interval is longer.
const maxPause = 30 * time.Second

// Wait polls until the person has decided, the code has expired or ctx ends;
// then the error is that of ctx.
func (c *Client) Wait(ctx context.Context, d workspace.DeviceLogin) (workspace.Grant, error) {
	p, ok := d.Plan.(*plan)
	if !ok {
		return workspace.Grant{}, workspace.Errorf(workspace.Invalid, "this login was not begun here").WithHint(hint)
	}
	// RFC 8628 section 3.4: grant_type, device_code, and "client_id REQUIRED
	// if the client is not authenticating with the authorization server".
	f := newForm(d.ClientID, p.resource)
	f.plain.Set("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
	f.sealed["device_code"] = d.Secret
	if p.pkce {
		f.sealed["code_verifier"] = p.verifier
	}
	a, err := c.poll(ctx, p, d, f)
	if err != nil {
		return workspace.Grant{}, err
	}
	return c.admit(ctx, p, d, a)
}

// poll asks for tokens until the answer is not "not yet" (RFC 8628 section
// 3.5).
func (c *Client) poll(ctx context.Context, p *plan, d workspace.DeviceLogin, f form) (answer, error) {
	interval := max(d.Interval, time.Second)
	var last error // why there was no answer
	for pause := interval; ; {
		if left := time.Until(p.deadline); left <= pause {
			if err := sleep(ctx, left); err != nil {
				return answer{}, err
			}
			return answer{}, expired().Because(last)
		}
		if err := sleep(ctx, pause); err != nil {
			return answer{}, err
		}
		a, err := c.post(ctx, p.token, f)
		code, refused := a.refusal()
		switch {
		case err == nil && !refused:
			return a, nil
		case err == nil:
			err = c.refused(ctx, a, code, d.ClientID)
		}
		switch {
		// "The authorization request is still pending as the end user hasn't
		// yet completed the user-interaction steps."
		case code == "authorization_pending":
			pause, last = interval, nil
		// "A variant of "authorization_pending", the authorization request is
		// still pending and polling should continue, but the interval MUST be
		// increased by 5 seconds for this and all subsequent requests."
		case code == "slow_down":
			interval += 5 * time.Second
			pause, last = interval, nil
		// "On encountering a connection timeout, clients MUST unilaterally
		// reduce their polling frequency before retrying. The use of an
		// exponential backoff algorithm to achieve this, such as doubling the
		// polling interval on each such connection timeout, is RECOMMENDED."
		case errors.Is(err, errNoAnswer):
			pause, last = max(interval, min(2*pause, maxPause)), err
		default:
			return answer{}, err
		}
	}
}

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
