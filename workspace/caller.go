package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// May reports whether id has a scope; cli has all that are about a workspace.
func (id Identity) May(scope string) bool {
	return slices.Contains(id.Scopes, scope) || scope != "introspect" && slices.Contains(id.Scopes, "cli")
}

// Audience returns a resource indicator (RFC 8707) in its normal form: scheme
// and host in lower case, and no path for the root (RFC 3986 section 6.2.3:
// both are the same, and clients send the one and the other). The names of
// this machine are one.
func Audience(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.Path == "/" && u.RawQuery == "" {
		u.Path = ""
	}
	if u.Scheme == "http" && Loopback(u.Hostname()) {
		port := u.Port()
		if u.Host = "127.0.0.1"; port != "" {
			u.Host += ":" + port
		}
	}
	return u.String()
}

// For reports whether t is for an audience. A personal token was not issued
// for one: it is for whatever takes tokens of this home, within its scopes.
func (t Token) For(audience string) bool {
	return t.Kind == TokenPersonal && t.Audience == "" || Audience(t.Audience) == Audience(audience)
}

// LiveToken returns the access or personal token with that hash, unless it has
// expired or its user is not a member of its tenant any more. tenants are
// those of its user, sorted.
func LiveToken(tx Tx, hash string, now time.Time) (t Token, tenants []string, live bool, err error) {
	t, ok, err := tx.Token(hash)
	if err != nil || !ok || t.Kind == TokenRefresh || !now.Before(t.Expires) {
		return t, nil, false, err
	}
	tenants, err = TenantsOf(tx, t.User)
	return t, tenants, slices.Contains(tenants, t.Tenant), err
}

// TenantsOf returns the tenants of a user, sorted; none for a user who is not
// there.
func TenantsOf(tx Tx, user string) ([]string, error) {
	if user == "" {
		return nil, nil
	}
	members, err := tx.Members(user, "")
	return tenantsIn(members), err
}

// tenantsIn returns the tenants of memberships, sorted.
func tenantsIn(members []Member) []string {
	tenants := []string{}
	for _, m := range members {
		tenants = append(tenants, m.Tenant)
	}
	slices.Sort(tenants)
	return slices.Compact(tenants)
}

// Identity returns who t speaks for, a user of these tenants.
func (t Token) Identity(tenants []string) Identity {
	if !t.Moves() {
		tenants = []string{t.Tenant}
	}
	return Identity{UserID: t.User, TenantID: t.Tenant, Tenants: tenants, Scopes: t.Scopes, ExpiresAt: t.Expires}
}

// Moves reports whether t is of a login of our own command line, which a person
// takes from one of their tenants to another. Any other token is for the tenant
// for which it was approved or made, and tells of no other: neither a personal
// one nor that of a client that registered itself.
func (t Token) Moves() bool { return t.Kind != TokenPersonal && t.Client == DefaultClientID }

// Bearer returns whose a token of this home's authorization server is, if it
// is good now and for that audience. Otherwise the error is LoginNeeded.
func (w *Workspace) Bearer(ctx context.Context, token, audience string) (Identity, error) {
	sum := sha256.Sum256([]byte(token))
	var id Identity
	var ok bool
	err := w.Store.Read(ctx, func(tx Tx) error {
		t, tenants, live, err := LiveToken(tx, hex.EncodeToString(sum[:]), w.Now())
		if ok = live && t.For(audience); ok {
			id = t.Identity(tenants)
		}
		return err
	})
	if err == nil && !ok {
		err = Errorf(LoginNeeded, "the token is not valid here, or not any more").WithHint("akos auth login")
	}
	return id, err
}

// Served returns the workspace called id without any directory, as it is
// served to somebody at another place: to caller, or with nil to this user.
//
// The home's own tenant keeps its workspaces under their ids, as commands on
// this machine do. Those of another tenant are under that tenant's name, which
// no id can hold: two tenants that call a workspace the same share nothing.
func (o Options) Served(id string, caller *Identity) (*Workspace, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	site := Site{ID: id, Name: id, NoFiles: true}
	o.Choice = id // whoever is told a command runs it elsewhere
	if caller != nil {
		if caller.TenantID == "" || caller.UserID == "" {
			return nil, Errorf(Denied, "the token is nobody's, or for no tenant")
		}
		// What the environment of this process holds is no tenant's.
		lookup := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name != "AKOS_VAULT" {
				return "", false
			}
			return lookup(name)
		}
		if site.Tenant = caller.TenantID; site.Tenant != LocalTenant {
			site.ID = site.Tenant + "/" + id
		}
		o.Actor += " " + caller.UserID
		o.Caller = caller
		o.Keys = discreet{o.Keys, o.Log}
	}
	o.Project = served{o.Project, site}
	return New(o), nil
}

// discreet are holders whose errors are for the log of this process: their
// texts tell of this machine, such as a path.
type discreet struct {
	KeyHolders
	log *slog.Logger
}

func (d discreet) mask(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	d.log.ErrorContext(ctx, "the vault can't be used", "err", err)
	return Errorf(Unavailable, "the server can't use its vault now; its log says why").Because(err)
}

func (d discreet) Create(ctx context.Context, b Backend) (DataKey, Sealer, error) {
	k, s, err := d.KeyHolders.Create(ctx, b)
	return k, s, d.mask(ctx, err)
}

func (d discreet) Open(ctx context.Context, k DataKey) (Sealer, error) {
	s, err := d.KeyHolders.Open(ctx, k)
	return s, d.mask(ctx, err)
}

// served is the project of a request: a workspace without any directory.
type served struct {
	Project
	site Site
}

func (s served) Locate(context.Context) (Site, error) { return s.site, nil }
