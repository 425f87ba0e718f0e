package workspace

import (
	"context"
	"slices"
	"sync"

	"example.com/akos/workspace/catalog"
)

// A listing is what the state said when its keys were last listed: agents ask
// again and again, and seldom has anybody stored something since.
type listing struct {
	mu       sync.Mutex
	version  int64 // of the state
	of       Ref   // its Key is the tenant
	keys     []listedKey
	dataKeys []DataKey
}

// A listedKey is a line of a list without what the state does not say: where
// its value is now. dataKey is the one that it is sealed under.
type listedKey struct {
	StoredKey
	dataKey string
}

// read returns the keys of a scope at site, or of both, and the data keys of
// the state. The caller changes neither.
func (l *listing) read(ctx context.Context, store Store, site Site, scope Scope) ([]listedKey, []DataKey, error) {
	version, err := store.Version(ctx)
	if err != nil {
		return nil, nil, err
	}
	of := Ref{Key: site.Tenant, Scope: scope, Owner: site.ID}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys != nil && l.version == version && l.of == of {
		return l.keys, l.dataKeys, nil
	}
	var keys []listedKey
	var dataKeys []DataKey
	err = store.Read(ctx, func(tx Tx) error {
		found, err := tx.Keys(site.ID, site.Tenant, scope)
		keys = make([]listedKey, 0, len(found))
		for _, k := range found {
			keys = append(keys, listedKey{StoredKey{Key: k.Key, Scope: k.Scope, UpdatedAt: stamp(k.UpdatedAt), UsedBy: k.UsedBy}, k.DataKey})
		}
		if err == nil {
			dataKeys, err = tx.DataKeys()
		}
		return err
	})
	if err == nil {
		l.version, l.of, l.keys, l.dataKeys = version, of, keys, dataKeys
	}
	return keys, dataKeys, err
}

// A use is a key that a connection names.
type use struct{ key, connection string }

// unstored returns the uses of keys that are not stored, by connection.
func (w *Workspace) unstored(ctx context.Context, site Site) (uses []use, err error) {
	err = w.Store.Read(ctx, func(tx Tx) error {
		cs, err := tx.Connections(site.ID, site.Tenant, "")
		for _, c := range cs {
			for _, u := range c.Auth.Keys {
				if u.DataKey == "" {
					uses = append(uses, use{u.Key, c.Name})
				}
			}
		}
		return err
	})
	return uses, err
}

// addEnvironment adds the keys that the environment holds, for a workspace
// whose backend it is: those of the catalog, and those in use.
func (s *sources) addEnvironment(list []StoredKey, uses []use) []StoredKey {
	at := map[string]int{}
	for i, k := range list {
		at[Fold(k.Key)] = i
	}
	add := func(key string) {
		if _, have := at[Fold(key)]; !have && s.inEnv(key) {
			at[Fold(key)] = len(list)
			list = append(list, StoredKey{Key: key, Scope: ScopeWorkspace, Source: BackendEnv, UsedBy: []string{}, Present: true})
		}
	}
	for _, p := range catalog.Providers() {
		for _, key := range slices.Concat(p.RequiredKeys, p.OptionalKeys) {
			add(key)
		}
	}
	for _, u := range uses {
		// A variable's name is as it is spelled; no other spelling finds it.
		if add(u.key); !s.inEnv(u.key) {
			continue
		}
		if k := &list[at[Fold(u.key)]]; k.Source == BackendEnv && !slices.Contains(k.UsedBy, u.connection) {
			k.UsedBy = append(k.UsedBy, u.connection)
		}
	}
	return list
}
