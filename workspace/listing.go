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
	keys     []KeyInfo
	dataKeys []DataKey
}

// read returns the keys of a scope at site, or of both, and the data keys of
// the state. The caller changes neither.
func (l *listing) read(ctx context.Context, store Store, site Site, scope Scope) ([]KeyInfo, []DataKey, error) {
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
	var keys []KeyInfo
	var dataKeys []DataKey
	err = store.Read(ctx, func(tx Tx) error {
		if keys, err = tx.Keys(site.ID, site.Tenant, scope); err == nil {
			dataKeys, err = tx.DataKeys()
		}
		return err
	})
	if err == nil {
		l.version, l.of, l.keys, l.dataKeys = version, of, keys, dataKeys
	}
	return keys, dataKeys, err
}
