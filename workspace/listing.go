package workspace

import (
	"context"
	"sync"
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
