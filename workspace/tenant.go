package workspace

import (
	"context"
	"slices"
	"strings"
)

// A Tenancy is a tenant of the person who is logged in.
type Tenancy struct {
	ID      string `json:"tenantId"`
	Current bool   `json:"current"`
}

// Tenants returns the tenants of the person who is logged in, as of the last
// answer of the server.
func (w *Workspace) Tenants(ctx context.Context) ([]Tenancy, error) {
	s, err := w.session(ctx)
	if err != nil {
		return nil, err
	}
	all := s.Tenants
	if !slices.Contains(all, s.TenantID) {
		all = append(slices.Clip(all), s.TenantID)
	}
	list := make([]Tenancy, 0, len(all))
	for _, id := range slices.Sorted(slices.Values(all)) {
		list = append(list, Tenancy{id, id == s.TenantID})
	}
	return list, nil
}

// session returns the saved session of this workspace's server. A token in
// the environment belongs to somebody whom only the server knows, so it is
// asked.
func (w *Workspace) session(ctx context.Context) (Session, error) {
	if c := w.Caller; c != nil {
		return Session{UserID: c.UserID, TenantID: c.TenantID, Tenants: c.Tenants, Scopes: c.Scopes}, nil
	}
	if _, name := w.envToken(); name != "" {
		id, err := w.Whoami(ctx, "")
		return Session{Server: id.Server, UserID: id.UserID, TenantID: id.TenantID, Tenants: id.Tenants, Scopes: id.Scopes}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Session{}, err
	}
	server, err := w.server(ctx, site, "")
	if err != nil {
		return Session{}, err
	}
	var s SealedSession
	err = w.Store.Read(ctx, func(tx Tx) error {
		var ok bool
		var err error
		if s, ok, err = tx.Session(server); err == nil && !ok {
			err = notLoggedIn(server)
		}
		return err
	})
	return s.Session, err
}

// UseTenant makes a tenant of the person the one that is used: the server
// issues tokens for it in the place of the old ones.
func (w *Workspace) UseTenant(ctx context.Context, id string) (Tenancy, error) {
	if err := Refuse(id, "a tenant"); err != nil {
		return Tenancy{}, err
	}
	if _, name := w.envToken(); name != "" {
		return Tenancy{}, Errorf(Denied, "the token in %s is for one tenant; unset it to use your session", name).WithHint("unset %s", name)
	}
	s, err := w.session(ctx)
	if err != nil {
		return Tenancy{}, err
	}
	if id != s.TenantID && !slices.Contains(s.Tenants, id) {
		// It may be a new one, of which only the server knows.
		g, err := w.renew(ctx, s.Server, func(g Grant) (Grant, bool) { return g, true })
		if err != nil {
			return Tenancy{}, err
		}
		if !slices.Contains(g.Tenants, id) {
			return Tenancy{}, noTenant()
		}
	}
	g, err := w.renew(ctx, s.Server, func(g Grant) (Grant, bool) {
		changed := g.TenantID != id
		g.TenantID = id
		return g, changed
	})
	if err == nil && g.TenantID != id {
		err = Errorf(Denied, "the server did not change the tenant").WithHint("akos tenant list")
	}
	return Tenancy{id, err == nil}, err
}

func noTenant() *Error {
	return Errorf(NotFound, "no tenant of yours has that id").WithHint("akos tenant list")
}

// tenant returns the tenant whose values are used at site: that of the saved
// session, or LocalTenant.
func (w *Workspace) tenant(ctx context.Context, site Site) (string, error) {
	if site.Tenant != "" {
		return site.Tenant, nil
	}
	server, _ := w.LookupEnv("AKOS_SERVER")
	if server == "" && site.File != nil {
		server = site.File.Server
	}
	if server != "" {
		// An address that is none is the error of whoever sends something there.
		if origin, err := Origin(server); err == nil {
			server = origin
		}
	}
	tenant := LocalTenant
	err := w.Store.Read(ctx, func(tx Tx) error {
		all, err := tx.Sessions()
		if i := slices.IndexFunc(all, func(s SealedSession) bool { return server == "" || s.Server == server }); i >= 0 {
			tenant = all[i].tenant()
		}
		return err
	})
	return tenant, err
}

// tenant returns the name under which shared values of the session's tenant
// are kept here. A server elsewhere chooses the names of its tenants, so theirs
// are told from those of this home's own sidecar; no tenant of ours has an @.
func (s Session) tenant() string {
	if s.Own {
		return s.TenantID
	}
	_, host, _ := strings.Cut(s.Server, "://")
	return s.TenantID + "@" + host
}
