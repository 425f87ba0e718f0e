package workspace

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// A VersionInfo is one line of vault history.
type VersionInfo struct {
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
	Source    Backend   `json:"source"`
	Current   bool      `json:"current"`
	Present   bool      `json:"present"`
}

// History returns the kept versions of a key, newest first, and the key in
// the spelling it is stored under.
func (w *Workspace) History(ctx context.Context, key string, scope Scope) (string, []VersionInfo, error) {
	if err := CheckKey(key); err != nil {
		return "", nil, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return "", nil, err
	}
	sources, err := w.newSources(site)
	if err != nil {
		return "", nil, err
	}
	ref := w.ref(site, scope, key)
	var list []VersionInfo
	err = w.Store.Read(ctx, func(tx Tx) error {
		vs, err := tx.Versions(ref)
		if err == nil {
			err = sources.load(tx)
		}
		if s, ok, e := tx.Secret(ref, 0); ok {
			key = s.Ref.Key
		} else if err == nil {
			err = e
		}
		for i, v := range vs {
			source, present := sources.of(v.DataKey)
			list = append(list, VersionInfo{v.Version, v.CreatedAt, source, i == 0, present})
		}
		if err == nil && len(list) == 0 {
			err = w.notStored(tx, site, ref)
		}
		return err
	})
	return key, list, err
}

// A RolledBack is what was stored again.
type RolledBack struct {
	Stored
	From int `json:"from" jsonschema:"the older version"`
}

// Rollback makes an older version the newest again; 0 means the one before
// the current.
func (w *Workspace) Rollback(ctx context.Context, key string, version int, scope Scope) (RolledBack, error) {
	if err := CheckKey(key); err != nil {
		return RolledBack{}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return RolledBack{}, err
	}
	ref := w.ref(site, scope, key)
	var old Sealed
	var k DataKey
	err = w.Store.Read(ctx, func(tx Tx) error {
		vs, err := tx.Versions(ref)
		switch {
		case err != nil:
			return err
		case len(vs) == 0:
			return w.notStored(tx, site, ref)
		case version == 0 && len(vs) == 1:
			return Errorf(NotFound, "%s has no earlier version", ref.Key).WithHint("akos vault history %s%s", ref.Key, scopeFlag(scope))
		case version == 0:
			version = vs[1].Version
		}
		var ok bool
		if old, ok, err = tx.Secret(ref, version); err == nil && !ok {
			err = Errorf(NotFound, "%s has no version %d", ref.Key, version).WithHint("akos vault history %s%s", ref.Key, scopeFlag(scope))
		}
		if err == nil {
			k, err = dataKey(tx, old.DataKey)
		}
		return err
	})
	if err != nil {
		return RolledBack{}, err
	}
	sealer, err := w.open(ctx, k)
	if err != nil {
		return RolledBack{}, err
	}
	v, err := sealer.Unseal(old.Box, old.binding())
	if err != nil {
		return RolledBack{}, err
	}
	hasher := w.hasher(ctx)
	var s Sealed
	err = w.Store.Write(ctx, func(tx Tx) error {
		// It may have been removed while its holder was asked for the key.
		if now, ok, err := tx.Secret(ref, version); err != nil {
			return err
		} else if !ok || !bytes.Equal(now.Box, old.Box) {
			return Errorf(Conflict, "%s changed meanwhile; nothing was stored", ref.Key).WithHint("akos vault history %s%s", ref.Key, scopeFlag(scope))
		}
		var err error
		if s, err = seal(tx, ref, v, k.ID, sealer, hasher, w.Now()); err != nil {
			return err
		}
		return tx.Audit(w.event("vault.rollback", site, ref, fmt.Sprintf("version %d as %d", version, s.Version)))
	})
	if err != nil {
		return RolledBack{}, err
	}
	return RolledBack{Stored{
		Status: EntryStored, Key: s.Ref.Key, Scope: s.Ref.Scope, Owner: s.Ref.Owner, Source: k.Backend, Version: s.Version,
	}, version}, nil
}
