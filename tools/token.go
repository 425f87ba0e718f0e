package tools

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"example.com/akos/workspace"
)

const tokenReason = "a token is a credential, and an agent gets none"

// Token is the result of token create and token revoke.
type Token struct {
	workspace.TokenInfo
	did string
}

// WriteText writes one line.
func (r Token) WriteText(w io.Writer) error {
	if r.did == "created" {
		return line(w, "Created the token %s (%s) for %s on tenant %s, until %s", r.Name, r.ID, r.UserID, r.TenantID, date(r.ExpiresAt))
	}
	return line(w, "Revoked the token %s (%s) of %s", r.Name, r.ID, r.UserID)
}

func tokenCreate() *Tool {
	type in struct {
		Name    string   `json:"name" jsonschema:"what it is for, such as ci"`
		Expires string   `json:"expires,omitempty" jsonschema:"how long it lives, such as 12h or 30d (default: 30d)"`
		Scope   []string `json:"scope,omitempty" offers:"tokenScope" jsonschema:"what it allows: cli, read, write, admin, introspect (default: read, write)"`
		User    string   `json:"user,omitempty" jsonschema:"whose it is (default: the only account)"`
		Tenant  string   `json:"tenant,omitempty" jsonschema:"for which tenant (default: the only one of the user)"`
	}
	return define(spec[in, Token]{
		Name: "token create", Short: "Make a token for non-interactive use", Effect: Writes, CLIOnly: tokenReason,
		Long: "The one credential that akos hands out. It is shown once, on the terminal or in a file that only you can read, and kept as a hash. " +
			"Give it to a machine as AGENTSKIT_TOKEN.",
		Example: "akos token create --name ci --expires 30d --scope read --scope write --out ci.token",
		Run: func(ctx context.Context, s Session, in in) (Token, error) {
			life, err := lifetime(in.Expires)
			if err != nil {
				return Token{}, err
			}
			if len(in.Scope) == 0 {
				in.Scope = []string{"read", "write"}
			}
			t, err := s.Workspace.CreateToken(ctx, workspace.TokenRequest{
				Name: in.Name, User: in.User, Tenant: in.Tenant, Scopes: in.Scope, Lifetime: life,
			}, s.Handover)
			return Token{t, "created"}, err
		},
	})
}

// lifetime returns how long s is: hours, as Go writes them, or days.
func lifetime(s string) (time.Duration, error) {
	if s == "" {
		s = "30d"
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 3660 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, workspace.Errorf(workspace.Invalid, "a lifetime is a number of days or hours, such as 30d or 12h")
	}
	return d, nil
}

// Tokens is the result of token list.
type Tokens struct {
	Tokens []workspace.TokenInfo `json:"tokens"`
}

// WriteText writes a table.
func (r Tokens) WriteText(w io.Writer) error {
	if len(r.Tokens) == 0 {
		return line(w, "There are no tokens. Make one: akos token create --name NAME")
	}
	var rows []string
	for _, t := range r.Tokens {
		until := date(t.ExpiresAt)
		if t.Expired {
			until += " (expired)"
		}
		rows = append(rows, row(t.Name, t.ID, t.UserID, t.TenantID, strings.Join(t.Scopes, " "), until))
	}
	return table(w, "NAME\tID\tUSER\tTENANT\tSCOPES\tUNTIL", rows)
}

func tokenList() *Tool {
	type in struct {
		Tenant string `json:"tenant,omitempty" jsonschema:"only those of this tenant"`
	}
	return define(spec[in, Tokens]{
		Name: "token list", Short: "List the tokens for non-interactive use", Effect: Reads, Idempotent: true, CLIOnly: tokenReason,
		Long:    "Names, owners and ends; never a token.",
		Example: "akos token list",
		Run: func(ctx context.Context, s Session, in in) (Tokens, error) {
			ts, err := s.Workspace.PersonalTokens(ctx, in.Tenant)
			return Tokens{ts}, err
		},
	})
}

func tokenRevoke() *Tool {
	type in struct {
		ID string `json:"id" arg:"ID|NAME" jsonschema:"id or name of the token, never the token itself"`
	}
	return define(spec[in, Token]{
		Name: "token revoke", Short: "End a token", Effect: Destroys, CLIOnly: tokenReason,
		Long:    "It is refused from then on.",
		Example: "akos token revoke ci",
		Run: func(ctx context.Context, s Session, in in) (Token, error) {
			t, err := s.Workspace.RevokeToken(ctx, in.ID)
			return Token{t, "revoked"}, err
		},
	})
}
