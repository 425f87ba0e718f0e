package workspace

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/akos/workspace/internal/secret"
)

// TokenScopes are the scopes that a token of this home's authorization server
// can have, and what they allow.
var TokenScopes = [...]struct{ Name, Means string }{
	{"cli", "do everything that your own command line may do"},
	{"read", "see names: keys, connections, what is missing; never a value"},
	{"write", "store and import values, make connections"},
	{"admin", "remove keys and connections"},
	{"introspect", "ask whose a token is: for a resource server"},
}

// CheckScopes returns an Invalid error unless every scope is one of
// TokenScopes.
func CheckScopes(scopes []string) error {
	var names []string
	for _, s := range TokenScopes {
		names = append(names, s.Name)
	}
	for _, s := range scopes {
		if !slices.Contains(names, s) {
			return Errorf(Invalid, "there is no such scope; the scopes are %s", strings.Join(names, ", "))
		}
	}
	return nil
}

// TokenHash returns what is kept of a token.
func TokenHash(token Secret) string {
	sum := sha256.Sum256(secret.Reveal(token))
	return hex.EncodeToString(sum[:])
}

// maxTokenLife bounds a personal token: one that nobody renews is one that
// nobody misses.
const maxTokenLife = 366 * 24 * time.Hour

// A TokenRequest says what personal token to make.
type TokenRequest struct {
	Name     string
	User     string // the only account unless given
	Tenant   string // the user's only tenant unless given
	Scopes   []string
	Lifetime time.Duration
}

// A TokenInfo is what may be told of a personal token.
type TokenInfo struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	UserID    string    `json:"userId"`
	TenantID  string    `json:"tenantId"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Expired   bool      `json:"expired"`
}

func (w *Workspace) tokenInfo(t Token) TokenInfo {
	return TokenInfo{t.ID, t.Name, t.User, t.Tenant, t.Scopes, t.Created, t.Expires, !w.Now().Before(t.Expires)}
}

// CreateToken makes a personal token and writes it, and nothing else, to out:
// the one credential that akos hands out, and only its maker sees it. It is
// kept as a hash, so nobody can be shown it again.
func (w *Workspace) CreateToken(ctx context.Context, req TokenRequest, out io.Writer) (TokenInfo, error) {
	if err := CheckText(req.Name, 60); err != nil {
		return TokenInfo{}, Errorf(Invalid, "the name of a token: %s", Explain(err).Msg)
	}
	if err := CheckScopes(req.Scopes); err != nil {
		return TokenInfo{}, err
	}
	if req.Lifetime < time.Minute || req.Lifetime > maxTokenLife {
		return TokenInfo{}, Errorf(Invalid, "a token lives between a minute and 366 days, such as 30d or 12h")
	}
	var random [32]byte
	rand.Read(random[:]) // never fails
	text := NewSecret([]byte("akos_pt_" + base64.RawURLEncoding.EncodeToString(random[:])))
	clear(random[:])
	now := w.Now()
	t := Token{
		Hash: TokenHash(text), Kind: TokenPersonal, ID: newID("tok"), Name: req.Name, Client: DefaultClientID,
		Scopes: req.Scopes, Created: now, Expires: now.Add(req.Lifetime),
	}
	t.Family = t.ID
	err := w.Store.Write(ctx, func(tx Tx) error {
		m, err := whose(tx, req)
		if err != nil {
			return err
		}
		t.User, t.Tenant = m.User, m.Tenant
		same, err := tx.Tokens(t.Tenant)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(same, func(o Token) bool { return o.Name == t.Name && o.User == t.User && now.Before(o.Expires) }) {
			return Errorf(Conflict, "%s has a token called %s already", t.User, t.Name).WithHint("akos token list")
		}
		if err := tx.Audit(Event{At: now, Actor: w.Actor, Op: "token.create", Subject: t.ID, Detail: t.User + " " + strings.Join(t.Scopes, " ")}); err != nil {
			return err
		}
		if err := tx.AddToken(t); err != nil {
			return err
		}
		// Before it counts: one that could not be handed over is none.
		_, err = out.Write(secret.Reveal(text))
		return err
	})
	return w.tokenInfo(t), err
}

// whose returns the membership that a token is made for.
func whose(tx Tx, req TokenRequest) (Member, error) {
	all, err := tx.Members(req.User, req.Tenant)
	if err != nil {
		return Member{}, err
	}
	users, tenants := []string{}, tenantsIn(all)
	for _, m := range all {
		users = append(users, m.User)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0 && req.User == "" && req.Tenant == "":
		return Member{}, Errorf(NotFound, "there is no account yet").WithHint(`akos user add "$USER"`)
	case len(all) == 0:
		return Member{}, Errorf(NotFound, "no such user is in such a tenant").WithHint("akos user list")
	case len(users) > 1:
		return Member{}, Errorf(Invalid, "say whose token it is: --user, one of %s", strings.Join(users, ", "))
	}
	return Member{}, Errorf(Invalid, "say for which tenant it is: --tenant, one of %s", strings.Join(tenants, ", "))
}

// PersonalTokens returns the personal tokens, of one tenant unless that is "".
func (w *Workspace) PersonalTokens(ctx context.Context, tenant string) ([]TokenInfo, error) {
	list := []TokenInfo{}
	err := w.Store.Read(ctx, func(tx Tx) error {
		all, err := tx.Tokens(tenant)
		for _, t := range all {
			list = append(list, w.tokenInfo(t))
		}
		if err == nil && len(all) == 0 && tenant != "" {
			err = isTenant(tx, tenant)
		}
		return err
	})
	return list, err
}

// isTenant returns an Invalid error unless somebody is a member of tenant.
func isTenant(tx Tx, tenant string) error {
	all, err := tx.Members("", "")
	tenants := tenantsIn(all)
	switch {
	case err != nil || slices.Contains(tenants, tenant):
		return err
	case len(tenants) == 0:
		return Errorf(Invalid, "there is no such tenant, and no account yet").WithHint(`akos user add "$USER"`)
	}
	return Errorf(Invalid, "--tenant must be one of %s", strings.Join(tenants, ", ")).WithHint("akos user list")
}

// RevokeToken ends a personal token, named by its id or, if that is one
// token's, by its name.
func (w *Workspace) RevokeToken(ctx context.Context, name string) (TokenInfo, error) {
	if err := CheckText(name, 100); err != nil {
		return TokenInfo{}, err
	}
	var found TokenInfo
	err := w.Store.Write(ctx, func(tx Tx) error {
		all, err := tx.Tokens("")
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(t Token) bool { return t.ID != name && t.Name != name })
		switch {
		case len(all) == 0:
			return Errorf(NotFound, "no token has that id or name").WithHint("akos token list")
		case len(all) > 1:
			return Errorf(Invalid, "several tokens have that name: give the id of one").WithHint("akos token list")
		}
		found = w.tokenInfo(all[0])
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "token.revoke", Subject: found.ID, Detail: found.UserID}); err != nil {
			return err
		}
		_, err = tx.DeleteTokens(all[0].Family)
		return err
	})
	return found, err
}
