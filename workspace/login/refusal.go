package login

import (
	"context"
	"slices"

	"example.com/akos/workspace"
)

// codes are the errors of RFC 6749 section 5.2, RFC 8628 section 3.5 and RFC
// 8707 section 2 that are told apart. Any other text in their place is as
// foreign as the rest of an answer.
var codes = []string{
	"access_denied", "authorization_pending", "expired_token", "invalid_client", "invalid_grant",
	"invalid_request", "invalid_scope", "invalid_target", "server_error", "slow_down",
	"temporarily_unavailable", "unauthorized_client", "unsupported_grant_type",
}

// refusal returns the error code of an answer, "" if it is not one of codes.
// Some servers send one with the status 200.
func (a answer) refusal() (code string, refused bool) {
	code = a.doc.text("error")
	refused = !a.ok() || code != ""
	if !slices.Contains(codes, code) {
		code = ""
	}
	return code, refused
}

// unusable is the error for an answer that lacks something.
func (a answer) unusable(flaw string) error {
	return workspace.Errorf(workspace.Unavailable, "%s gave an answer that akos can't use: %s", a.from, flaw)
}

// refused is the error for a refusal of a login. The error_description is for
// nobody: it is the server's text.
func (c *Client) refused(ctx context.Context, a answer, code, clientID string) error {
	c.log.DebugContext(ctx, "refused", "url", a.from, "status", a.status, "code", code, "described", a.doc["error_description"] != nil)
	deny := func(format string, args ...any) *workspace.Error {
		return workspace.Errorf(workspace.Denied, format, args...)
	}
	switch code {
	case "access_denied":
		return deny("the login was denied")
	case "expired_token":
		return expired()
	case "invalid_grant":
		return deny("%s does not take the code any more", a.from).WithHint(hint)
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		return deny("%s does not let the client %s log in on another device", a.from, clientID)
	case "invalid_scope":
		return deny("%s does not grant the scopes that were asked for", a.from).WithHint(hint)
	case "invalid_target":
		return deny("%s gives no tokens for this workspace server", a.from)
	case "invalid_request":
		return deny("%s does not understand the request", a.from)
	case "server_error", "temporarily_unavailable":
		return workspace.Errorf(workspace.Unavailable, "%s is in trouble", a.from).Because(errNoAnswer)
	}
	return a.misread()
}

func expired() *workspace.Error {
	return workspace.Errorf(workspace.Denied, "the code has expired").WithHint(hint)
}
