package workspace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace/catalog"
)

// A Connection is an integration of the workspace: what to reach, and which
// vault keys authenticate it. It never holds a value.
type Connection struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	Auth      Auth           `json:"auth"`
	Config    map[string]any `json:"config"`
	Status    string         `json:"status" jsonschema:"ready or credentials_missing"`
	CreatedAt time.Time      `json:"createdAt"`
	UpdatedAt time.Time      `json:"updatedAt"`
}

// An Auth names the vault keys of a connection.
type Auth struct {
	Type string   `json:"type" jsonschema:"vault or none"`
	Keys []KeyUse `json:"keys"`
}

// A KeyUse is one credential field of a connection and the key that fills it.
type KeyUse struct {
	Field   string  `json:"field"`
	Key     string  `json:"key"`
	Present bool    `json:"present"`
	Source  Backend `json:"source,omitempty"`
	DataKey string  `json:"-"` // under which the value is sealed; "" if there is none
}

// The statuses of a connection.
const (
	StatusReady              = "ready"
	StatusCredentialsMissing = "credentials_missing"
)

var connectionName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
})

// CheckName returns nil if name can name a connection. As with a key, what
// looks like a value is refused and not echoed; a UUID is a name that a
// program may well give.
func CheckName(name string) error {
	if catalog.LooksLikeCredential(name) || catalog.LooksOpaque(name) {
		return pasted("a connection name")
	}
	if !connectionName().MatchString(name) {
		return Errorf(Invalid, "a connection name is a letter or digit and then up to 62 letters, digits, . _ or -")
	}
	return nil
}

// LookupKind returns the connection kind called name, or an Invalid error
// that names the kinds there are.
func LookupKind(name string) (catalog.Kind, error) {
	k, ok := catalog.LookupKind(name)
	if !ok {
		return k, Errorf(Invalid, "there is no such connection kind; the kinds are %s", strings.Join(catalog.KindNames(), ", ")).
			WithHint("akos connections kinds")
	}
	return k, nil
}

// A CreateRequest says what to connect.
type CreateRequest struct {
	Kind, Name string
	// VaultKeys maps a credential field of the kind to the key that fills
	// it; the field "" means the first.
	VaultKeys map[string]string
	NoAuth    bool
	Config    map[string]any
}

// Create makes a connection whose keys are all in the vault.
func (w *Workspace) Create(ctx context.Context, req CreateRequest) (Connection, error) {
	kind, err := LookupKind(req.Kind)
	if err != nil {
		return Connection{}, err
	}
	if err := CheckName(req.Name); err != nil {
		return Connection{}, err
	}
	uses, err := credentials(kind, req)
	if err != nil {
		return Connection{}, err
	}
	keys := map[string]string{}
	for _, u := range uses {
		keys[u.Field] = u.Key
	}
	config, err := kind.CheckConfig(req.Config, keys)
	if err != nil {
		return Connection{}, Errorf(Invalid, "%v", err).WithHint("akos connections kinds %s", kind.Kind)
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Connection{}, err
	}
	sources, err := w.newSources(site)
	if err != nil {
		return Connection{}, err
	}
	now := w.Now()
	c := Connection{ID: newID("conn"), Name: req.Name, Kind: kind.Kind, Config: config, CreatedAt: now, UpdatedAt: now,
		Auth: Auth{Keys: uses}}
	err = w.Store.Write(ctx, func(tx Tx) error {
		if err := w.findKeys(tx, site, sources, c.Auth.Keys); err != nil {
			return err
		}
		if err := tx.AddConnection(site.ID, site.Tenant, c); err != nil {
			return err
		}
		return tx.Audit(Event{At: now, Actor: w.Actor, Op: "connection.create", Workspace: site.ID, Subject: c.Name, Detail: c.Kind})
	})
	return sources.fill(c), err
}

// credentials returns the credential fields that req fills, in the order of
// the kind.
func credentials(kind catalog.Kind, req CreateRequest) ([]KeyUse, error) {
	uses := []KeyUse{}
	switch {
	case len(req.VaultKeys) > 0 && req.NoAuth:
		return nil, Errorf(Invalid, "a connection has either vault keys or no authentication, not both")
	case len(req.VaultKeys) > 0 && kind.Auth == "none":
		return nil, Errorf(Invalid, "%s connection takes no credentials", a(kind))
	}
	given := map[string]string{}
	for field, key := range req.VaultKeys {
		// A token that ends in = is taken apart into a field and a key.
		if catalog.LooksLikeCredential(field) || catalog.LooksOpaque(field) {
			return nil, pasted("a credential field")
		}
		if err := CheckKey(key); err != nil {
			return nil, err
		}
		if field == "" {
			field = kind.Credentials[0].Field
		}
		if !slices.ContainsFunc(kind.Credentials, func(c catalog.Credential) bool { return c.Field == field }) {
			return nil, Errorf(Invalid, "%s connection has no such credential field; its fields are %s", a(kind), fieldNames(kind))
		}
		if _, twice := given[field]; twice {
			return nil, Errorf(Invalid, "the credential field %s is given twice", field)
		}
		given[field] = key
	}
	var missing []string
	for _, c := range kind.Credentials {
		if key, ok := given[c.Field]; ok {
			uses = append(uses, KeyUse{Field: c.Field, Key: key})
		} else if c.Required && (kind.Auth == "required" || len(given) > 0) {
			missing = append(missing, c.Field)
		}
	}
	if len(missing) > 0 {
		lack := "needs"
		if req.NoAuth {
			lack = "can't go without credentials (--no-auth): it needs"
		}
		return nil, Errorf(Invalid, "%s connection %s a vault key for %s", a(kind), lack, strings.Join(missing, ", ")).
			WithHint("%s", createHint(kind, req, given))
	}
	return uses, nil
}

// a returns the name of a kind behind its article, as it is spoken: an s3, an
// mcp, a cdc.
func a(kind catalog.Kind) string {
	switch kind.Kind {
	case "email", "llm", "mcp", "s3":
		return "an " + kind.Kind
	}
	return "a " + kind.Kind
}

// createHint returns the command that creates what req asks for, with all of
// its keys. Config is not repeated, since somebody may have put a value there;
// a kind that can't do without is explained instead.
func createHint(kind catalog.Kind, req CreateRequest, given map[string]string) string {
	if len(req.Config) > 0 || slices.ContainsFunc(kind.Config, func(f catalog.Field) bool { return f.Required }) {
		return "akos connections kinds " + kind.Kind
	}
	hint := "akos connections create " + kind.Kind + " --name " + req.Name
	for _, c := range kind.Credentials {
		key := given[c.Field]
		if key == "" && c.Required {
			key = usualKey(kind, c.Field)
		}
		if key != "" {
			hint += " --vault-key " + c.Field + "=" + key
		}
	}
	return hint
}

func fieldNames(kind catalog.Kind) string {
	var names []string
	for _, c := range kind.Credentials {
		names = append(names, c.Field)
	}
	return strings.Join(names, ", ")
}

// usualKey returns a key name for a hint.
func usualKey(kind catalog.Kind, field string) string {
	for _, c := range kind.Credentials {
		if c.Field == field && len(c.Keys) > 0 {
			return c.Keys[0]
		}
	}
	return "KEY"
}

// findKeys gives each use the spelling of the stored key, and fails if one is
// not there, or is there and can't be opened any more.
func (w *Workspace) findKeys(tx Tx, site Site, sources *sources, uses []KeyUse) error {
	if err := sources.load(tx); err != nil {
		return err
	}
	var missing, closed []string
	for i := range uses {
		u := &uses[i]
		for _, scope := range []Scope{ScopeWorkspace, ScopeTenant} {
			s, ok, err := tx.Secret(w.ref(site, scope, u.Key), 0)
			if err != nil {
				return err
			}
			if ok {
				u.Key, u.DataKey = s.Ref.Key, s.DataKey
				break
			}
		}
		switch u.Source, u.Present = sources.use(u.Key, u.DataKey); {
		case u.Present:
		case u.DataKey == "":
			missing = append(missing, u.Key)
		default:
			closed = append(closed, u.Key)
		}
	}
	missing, closed = slices.Compact(missing), slices.Compact(closed)
	switch {
	case len(missing) > 0 && sources.env != nil:
		return Errorf(CredentialsMissing, "not in the environment, which is the vault of this workspace: %s", strings.Join(missing, ", ")).
			WithHint(OtherBackend)
	case len(missing) > 0:
		return Errorf(CredentialsMissing, "not in the vault: %s", strings.Join(missing, ", ")).
			WithHint("akos vault put %s", missing[0])
	case len(closed) > 0:
		// To store it again would go under the lost key too, so the way out
		// is the doctor's to tell.
		return Errorf(CredentialsMissing, "in the vault, but sealed under a key that is lost: %s", strings.Join(closed, ", ")).
			WithHint("akos doctor")
	}
	return nil
}

// fill completes a connection with what its keys tell.
func (s *sources) fill(c Connection) Connection {
	c.Status, c.Auth.Type = StatusReady, "none"
	if c.Auth.Keys == nil {
		c.Auth.Keys = []KeyUse{}
	}
	for i := range c.Auth.Keys {
		u := &c.Auth.Keys[i]
		c.Auth.Type = "vault"
		if u.Source, u.Present = s.use(u.Key, u.DataKey); !u.Present {
			c.Status = StatusCredentialsMissing
		}
	}
	return c
}

// Connections returns the connections of the workspace by name, of one kind
// unless that is "".
func (w *Workspace) Connections(ctx context.Context, kind string) ([]Connection, error) {
	if kind != "" {
		if _, err := LookupKind(kind); err != nil {
			return nil, err
		}
	}
	all, err := w.connections(ctx, "")
	return slices.DeleteFunc(all, func(c Connection) bool { return kind != "" && c.Kind != kind }), err
}

func (w *Workspace) connections(ctx context.Context, name string) ([]Connection, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := w.newSources(site)
	if err != nil {
		return nil, err
	}
	list := []Connection{}
	err = w.Store.Read(ctx, func(tx Tx) error {
		cs, err := tx.Connections(site.ID, site.Tenant, name)
		if err == nil {
			err = sources.load(tx)
		}
		for _, c := range cs {
			list = append(list, sources.fill(c))
		}
		return err
	})
	return list, err
}

// Connection returns the connection called name.
func (w *Workspace) Connection(ctx context.Context, name string) (Connection, error) {
	if err := CheckName(name); err != nil {
		return Connection{}, err
	}
	list, err := w.connections(ctx, name)
	if err != nil {
		return Connection{}, err
	}
	if len(list) == 0 {
		return Connection{}, noConnection(name)
	}
	return list[0], nil
}

func noConnection(name string) *Error {
	return Errorf(NotFound, "no connection called %s", name).WithHint("akos connections list")
}

// A Disconnected tells what stays after a connection was removed.
type Disconnected struct {
	Name     string   `json:"name"`
	KeptKeys []string `json:"keptKeys" jsonschema:"vault keys that it named; they stay in the vault"`
}

// Disconnect removes a connection. The vault keys that it names stay.
func (w *Workspace) Disconnect(ctx context.Context, name string) (Disconnected, error) {
	if err := CheckName(name); err != nil {
		return Disconnected{}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Disconnected{}, err
	}
	d := Disconnected{KeptKeys: []string{}}
	err = w.Store.Write(ctx, func(tx Tx) error {
		cs, err := tx.Connections(site.ID, site.Tenant, name)
		if err != nil {
			return err
		}
		if len(cs) == 0 {
			return noConnection(name)
		}
		d.Name = cs[0].Name
		for _, u := range cs[0].Auth.Keys {
			if u.DataKey != "" && !slices.Contains(d.KeptKeys, u.Key) {
				d.KeptKeys = append(d.KeptKeys, u.Key)
			}
		}
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "connection.remove", Workspace: site.ID, Subject: d.Name}); err != nil {
			return err
		}
		_, err = tx.DeleteConnection(site.ID, name)
		return err
	})
	return d, err
}

// newID returns a fresh identifier that starts with prefix.
func newID(prefix string) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return prefix + "_" + hex.EncodeToString(b[:])
}
