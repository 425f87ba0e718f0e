package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/akos/workspace/catalog"
	"example.com/akos/workspace/internal/dotenv"
	"example.com/akos/workspace/internal/secret"
)

// A Filter chooses providers of the catalog; the zero Filter chooses all.
type Filter struct {
	Kinds     []string
	Providers []string
	AirGap    bool // skip what is reached over the internet
}

// Providers returns the providers that f chooses, the workspace's own after
// the catalog's. A kind or provider that does not exist is Invalid.
func (w *Workspace) Providers(ctx context.Context, f Filter) ([]catalog.Provider, error) {
	all, err := w.allProviders(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := f.choose(all)
	if f.AirGap {
		chosen = slices.DeleteFunc(chosen, func(p catalog.Provider) bool { return p.Cloud })
	}
	return chosen, err
}

// allProviders returns the catalog and what a trusted workspace file adds.
func (w *Workspace) allProviders(ctx context.Context) ([]catalog.Provider, error) {
	all := slices.Clone(catalog.Providers())
	site, err := w.locate(ctx)
	if err != nil || site.File == nil || site.File.Providers == nil {
		return all, err
	}
	if ok, err := w.isTrusted(ctx, site); err != nil || !ok {
		return all, err
	}
	own, err := catalog.ParseProviders(site.File.Providers)
	if err != nil {
		return nil, Errorf(Invalid, "%s: providers: %v", site.File.Path, err)
	}
	for _, p := range own {
		if _, ok := catalog.LookupProvider(p.ID); ok {
			return nil, Errorf(Invalid, "%s: the provider %s is in the catalog already", site.File.Path, p.ID)
		}
	}
	return append(all, own...), nil
}

func (f Filter) choose(all []catalog.Provider) ([]catalog.Provider, error) {
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	for _, id := range f.Providers {
		if !slices.Contains(ids, id) {
			return nil, Errorf(Invalid, "there is no such provider; the providers are %s", strings.Join(ids, ", ")).WithHint("akos creds list")
		}
	}
	for _, k := range f.Kinds {
		if !slices.Contains(catalog.ProviderKinds(), k) {
			return nil, Errorf(Invalid, "there is no such provider kind; the kinds are %s", strings.Join(catalog.ProviderKinds(), ", "))
		}
	}
	chosen := slices.DeleteFunc(all, func(p catalog.Provider) bool {
		return len(f.Kinds) > 0 && !slices.Contains(f.Kinds, p.Kind) || len(f.Providers) > 0 && !slices.Contains(f.Providers, p.ID)
	})
	if len(chosen) == 0 {
		// An empty result would read as "nothing is missing".
		return nil, Errorf(Invalid, "no provider is both of the given kind and of the given name").WithHint("akos creds list")
	}
	return chosen, nil
}

// The statuses of a provider's credentials.
const (
	StatusOK      = "ok"
	StatusMissing = "missing"
	StatusInvalid = "invalid" // there, but it can't be a credential: it holds a control character or space around it
	StatusSkipped = "skipped"
)

// A CheckRequest says whose credentials to look for and where.
type CheckRequest struct {
	Filter
	SecretsFile FileArg // a dotenv file, if any
	EnvPrefix   string  // tried after the bare name; DefaultEnvPrefix unless given
}

// DefaultEnvPrefix is the prefix of environment variables that are tried
// after the vendor's own name.
const DefaultEnvPrefix = "AGENTSKITOS_"

// A Check is the result of looking for credentials.
type Check struct {
	OK      bool          `json:"ok" jsonschema:"every required key is there"`
	Results []CheckResult `json:"results"`
}

// A CheckResult is the finding for one provider.
type CheckResult struct {
	ProviderID  string            `json:"providerId"`
	Status      string            `json:"status" jsonschema:"ok, missing, invalid or skipped"`
	MissingKeys []string          `json:"missingKeys"`
	FoundIn     map[string]string `json:"foundIn" jsonschema:"key to env, file, os-keychain"`
	Remediation string            `json:"remediation,omitempty" jsonschema:"command for the person"`
	Missing     []MissingKey      `json:"missing,omitempty"`
	Invalid     []InvalidKey      `json:"invalid,omitempty"`
}

// An InvalidKey is there, and can't be a credential.
type InvalidKey struct {
	Key     string `json:"key"`
	FoundIn string `json:"foundIn"`
	Reason  string `json:"reason"`
	Next    string `json:"next" jsonschema:"the next tool call"`
}

// A MissingKey tells how to get and store one key.
type MissingKey struct {
	Key     string   `json:"key"`
	Unlocks string   `json:"unlocks,omitempty"`
	DocsURL string   `json:"docsUrl,omitempty" jsonschema:"where to get it"`
	Scopes  []string `json:"scopes,omitempty" jsonschema:"least privileges to ask for"`
	Next    string   `json:"next" jsonschema:"the next tool call"`
}

// Check looks for the keys of the chosen providers: in the environment, in
// the secrets file, in the vault. It asks no keychain, and no provider.
func (w *Workspace) Check(ctx context.Context, req CheckRequest) (Check, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return Check{}, err
	}
	all, err := w.allProviders(ctx)
	if err != nil {
		return Check{}, err
	}
	chosen, err := req.choose(all)
	if err != nil {
		return Check{}, err
	}
	look, err := w.finder(ctx, site, req)
	if err != nil {
		return Check{}, err
	}
	c := Check{OK: true, Results: make([]CheckResult, 0, len(chosen))}
	for _, p := range chosen {
		r := CheckResult{ProviderID: p.ID, Status: StatusSkipped, MissingKeys: []string{}, FoundIn: map[string]string{}}
		if !p.Cloud || !req.AirGap {
			r = look.provider(p, r)
		}
		c.OK = c.OK && (r.Status == StatusOK || r.Status == StatusSkipped)
		c.Results = append(c.Results, r)
	}
	return c, nil
}

// A finder knows the places where a key may be.
type finder struct {
	env     func(string) (string, bool)
	prefix  string
	choice  string // of the workspace, for hints
	file    map[string]dotenv.Entry
	vault   map[string]string // folded key → data key
	sources *sources
}

func (w *Workspace) finder(ctx context.Context, site Site, req CheckRequest) (*finder, error) {
	f := &finder{env: w.LookupEnv, prefix: req.EnvPrefix, choice: w.Choice, file: map[string]dotenv.Entry{}, vault: map[string]string{}}
	if req.SecretsFile.Path != "" {
		entries, _, err := w.readDotenv(site, req.SecretsFile)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			f.file[e.Key] = e
		}
	}
	var err error
	if f.sources, err = w.newSources(site); err != nil {
		return nil, err
	}
	return f, w.Store.Read(ctx, func(tx Tx) error {
		// By name and then scope, so the workspace's own key comes last.
		for _, scope := range []Scope{ScopeTenant, ScopeWorkspace} {
			keys, err := tx.Keys(site.ID, site.Tenant, scope)
			if err != nil {
				return err
			}
			for _, k := range keys {
				f.vault[Fold(k.Key)] = k.DataKey
			}
		}
		return f.sources.load(tx)
	})
}

// maxDotenv is the largest dotenv file, in bytes.
const maxDotenv = 4 << 20

// readDotenv reads a file that the caller named.
func (w *Workspace) readDotenv(site Site, file FileArg) ([]dotenv.Entry, []byte, error) {
	const command = "akos creds check --secrets-file"
	root, file, err := w.confine(site, file, command)
	if err != nil {
		return nil, nil, err
	}
	data, err := w.Project.Read(root, file.Path, maxDotenv)
	if errors.Is(err, ErrOutside) {
		err = Outside(file.Path, command)
	}
	if err != nil {
		return nil, nil, err
	}
	entries, err := dotenv.Parse(data)
	if err != nil {
		return nil, nil, Errorf(Invalid, "%s: %v", file.Path, err)
	}
	return entries, data, nil
}

// find returns where key was found, "" if nowhere; good is false if what is
// there can't be a credential.
func (f *finder) find(key string) (place string, good bool) {
	for _, name := range []string{key, f.prefix + key} {
		if v, ok := f.env(name); ok && v != "" {
			if ref, ok := reference(v); ok {
				return f.inVault(ref)
			}
			return "env", usable(v)
		}
	}
	if e, ok := f.file[key]; ok {
		if e.Ref != "" {
			return f.inVault(e.Ref)
		}
		if !secret.Empty(e.Value) {
			return "file", usable(string(secret.Reveal(e.Value)))
		}
	}
	return f.inVault(key)
}

// reference returns the name in ${vault:name}, if that is what v is: what a
// rewritten dotenv file puts into the environment.
func reference(v string) (name string, ok bool) {
	name, ok = strings.CutPrefix(v, "${vault:")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

func (f *finder) inVault(key string) (string, bool) {
	if source, present := f.sources.use(key, f.vault[Fold(key)]); present {
		return string(source), true
	}
	return "", false
}

// usable reports whether a single-line credential can be what v is: a stray
// line end or space around it is what breaks most of them.
func usable(v string) bool {
	return v == strings.TrimSpace(v) && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' })
}

// mend returns the command after which a bad value is used no more.
func (f *finder) mend(k InvalidKey) string {
	if k.FoundIn != "env" {
		return "akos creds set " + k.Key
	}
	if v, ok := f.env(k.Key); ok && v != "" {
		return "unset " + k.Key
	}
	return "unset " + f.prefix + k.Key
}

// set and look are calls of tools: to have a key entered, and, once a person has
// changed something, to look again.
func set(key string) string       { return fmt.Sprintf(`creds_set {"key":%q}`, key) }
func look(provider string) string { return fmt.Sprintf(`creds_check {"provider":[%q]}`, provider) }

func (f *finder) provider(p catalog.Provider, r CheckResult) CheckResult {
	r.Status = StatusOK
	for _, key := range p.RequiredKeys {
		place, good := f.find(key)
		if place == "" {
			r.MissingKeys = append(r.MissingKeys, key)
			continue
		}
		r.FoundIn[key] = place
		if !good {
			r.Invalid = append(r.Invalid, InvalidKey{key, place, "it has space around it, or a control character in it", look(p.ID)})
			if bad := &r.Invalid[len(r.Invalid)-1]; strings.HasPrefix(f.mend(*bad), "akos creds set ") {
				bad.Next = set(key)
			}
		}
	}
	for _, key := range p.OptionalKeys {
		if place, good := f.find(key); place != "" && good {
			r.FoundIn[key] = place
		}
	}
	switch {
	case len(r.MissingKeys) > 0:
		r.Status = StatusMissing
		r.Remediation = InWorkspace("akos creds set "+p.ID, f.choice)
		next := set
		if f.sources.env != nil {
			// Nothing is stored there: a person sets the variable where the
			// process starts, or chooses another backend, and then one looks again.
			r.Remediation = readOnlyBackend().Hint
			next = func(string) string { return look(p.ID) }
		}
		for _, key := range r.MissingKeys {
			r.Missing = append(r.Missing, MissingKey{key, p.Unlocks, p.DocsURL, p.Scopes, next(key)})
		}
	case len(r.Invalid) > 0:
		r.Status = StatusInvalid
		r.Remediation = f.mend(r.Invalid[0])
	}
	return r
}

// ShapeNotice warns if v does not look like what the catalog knows of key.
func ShapeNotice(p catalog.Provider, key string, v Secret) string {
	if fits, known := p.FitsShape(key, secret.Reveal(v)); known && !fits {
		return fmt.Sprintf("it does not look like the %s of %s; see %s", key, p.Name, p.DocsURL)
	}
	return ""
}

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
