package workspace

import (
	"context"
	"slices"

	"example.com/akos/workspace/catalog"
)

// ProviderForKey returns the provider whose credential key names.
func (w *Workspace) ProviderForKey(ctx context.Context, key string) (catalog.Provider, bool) {
	all, err := w.allProviders(ctx)
	if err != nil {
		all = catalog.Providers()
	}
	for _, p := range all {
		if slices.Contains(p.RequiredKeys, key) || slices.Contains(p.OptionalKeys, key) {
			return p, true
		}
	}
	return catalog.Provider{}, false
}

// KeysToSet returns the keys that a person is to enter: the one named, or
// those of the provider that are not in the vault, or, with all of them there,
// every one; missing says that none of them is there.
func (w *Workspace) KeysToSet(ctx context.Context, provider, key string) (keys []string, missing bool, err error) {
	if (provider == "") == (key == "") {
		return nil, false, Errorf(Invalid, "name either a provider or a key").WithHint("akos creds list")
	}
	if key != "" {
		if err := CheckKey(key); err != nil {
			return nil, false, err
		}
		if _, ok := w.ProviderForKey(ctx, key); !ok {
			return nil, false, Errorf(Invalid, "%s is not a key of a provider in the catalog; any other key is stored with vault put", key).
				WithHint("akos vault put %s", key)
		}
		return []string{key}, true, nil
	}
	ps, err := w.Providers(ctx, Filter{Providers: []string{provider}})
	if err != nil {
		return nil, false, err
	}
	if len(ps[0].RequiredKeys) == 0 {
		return nil, false, Errorf(Invalid, "%s requires no key", ps[0].ID).WithHint("akos creds list --provider %s", ps[0].ID)
	}
	stored, err := w.List(ctx, "")
	if err != nil {
		return nil, false, err
	}
	for _, key := range ps[0].RequiredKeys {
		if !slices.ContainsFunc(stored, func(k StoredKey) bool {
			return Fold(k.Key) == Fold(key) && k.Present && k.Source != BackendEnv
		}) {
			keys = append(keys, key)
		}
	}
	if keys == nil {
		return ps[0].RequiredKeys, false, nil
	}
	return keys, true, nil
}
