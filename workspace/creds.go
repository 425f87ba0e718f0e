package workspace

import (
	"context"
	"encoding/json"
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

// An InvalidKey is there, and can't be a credential. What is in the vault is
// not looked at, so it is in the environment or in the secrets file.
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
	// Store is the key to store: Key, or the one that stands in a reference in
	// its place; "" where nothing is to be stored.
	Store string `json:"-"`
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
	path    string // of the secrets file, as it was given
	edit    string // the command that opens it
	file    map[string]dotenv.Entry
	vault   map[string]string // folded key → data key
	sources *sources
}

func (w *Workspace) finder(ctx context.Context, site Site, req CheckRequest) (*finder, error) {
	f := &finder{
		env: w.LookupEnv, prefix: req.EnvPrefix, choice: w.Choice, path: req.SecretsFile.Path,
		file: map[string]dotenv.Entry{}, vault: map[string]string{},
	}
	if f.path != "" {
		entries, path, err := w.readDotenv(site, req.SecretsFile)
		if err != nil {
			return nil, err
		}
		f.edit = edit(path)
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

// readDotenv reads a file that the caller named, and returns where it is.
func (w *Workspace) readDotenv(site Site, file FileArg) (entries []dotenv.Entry, path string, err error) {
	const command = "akos creds check --secrets-file"
	root, file, err := w.confine(site, file, command)
	if err != nil {
		return nil, "", err
	}
	data, err := w.Project.Read(root, file.Path, maxDotenv)
	if errors.Is(err, ErrOutside) {
		err = Outside(file.Path, command)
	}
	if err != nil {
		return nil, "", err
	}
	if entries, err = dotenv.Parse(data); err != nil {
		return nil, "", Errorf(Invalid, "%s: %v", file.Path, err)
	}
	return entries, file.Path, nil
}

// edit returns the command that opens a file in the person's editor. No name of
// a file is an option of it.
func edit(path string) string {
	if strings.HasPrefix(path, "-") || strings.HasPrefix(path, "+") {
		path = "./" + path
	}
	return "${EDITOR:-vi} " + ShellQuote(path)
}

// A finding says where a key was found.
type finding struct {
	place string // "" if nowhere
	bad   bool   // what is there can't be a credential
	ref   string // the key that is named in its place, and is not stored
	mend  string // the command after which what is there counts no more: a bad value, or a reference to what no key is called
}

// find looks for key, and takes what comes first.
func (f *finder) find(key string) finding {
	for _, name := range []string{key, f.prefix + key} {
		if v, ok := f.env(name); ok && v != "" {
			mend := "unset " + name
			if ref, ok := reference(v); ok {
				return f.refer(ref, mend)
			}
			return finding{place: "env", bad: !usable(v), mend: mend}
		}
	}
	if e, ok := f.file[key]; ok {
		if e.Ref != "" {
			return f.refer(e.Ref, f.edit)
		}
		if !secret.Empty(e.Value) {
			return finding{place: "file", bad: !usable(string(secret.Reveal(e.Value))), mend: f.edit}
		}
	}
	return finding{place: f.inVault(key)}
}

// refer looks for the key that a reference names; mend takes the reference away.
func (f *finder) refer(ref, mend string) finding {
	place := f.inVault(ref)
	switch {
	case place != "":
		return finding{place: place}
	case CheckKey(ref) != nil: // and then it is not to be repeated either
		return finding{mend: mend}
	}
	return finding{ref: ref}
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

func (f *finder) inVault(key string) string {
	source, present := f.sources.use(key, f.vault[Fold(key)])
	if !present {
		return ""
	}
	return string(source)
}

// usable reports whether a single-line credential can be what v is: a stray
// line end or space around it is what breaks most of them.
func usable(v string) bool {
	return v == strings.TrimSpace(v) && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' })
}

// look returns the tool call that looks again, once a person has changed
// something.
func (f *finder) look(provider string) string {
	args, _ := json.Marshal(struct { // of strings, which never fail
		Provider []string `json:"provider"`
		File     string   `json:"secretsFile,omitempty"`
	}{[]string{provider}, f.path})
	return "creds_check " + string(args)
}

func (f *finder) provider(p catalog.Provider, r CheckResult) CheckResult {
	r.Status = StatusOK
	all := InWorkspace("akos creds set "+p.ID, f.choice)
	missing, invalid := all, "" // the command to begin with
	for _, key := range p.RequiredKeys {
		found := f.find(key)
		if found.place == "" {
			m, command := f.missing(p, key, found)
			r.MissingKeys, r.Missing = append(r.MissingKeys, key), append(r.Missing, m)
			if missing == all && command != "" {
				missing = command // all others can be stored after it
			}
			continue
		}
		r.FoundIn[key] = found.place
		if found.bad {
			reason := "it has space around it, or a control character in it"
			if found.place == "file" {
				reason += "; edit it there"
			}
			r.Invalid = append(r.Invalid, InvalidKey{key, found.place, reason, f.look(p.ID)})
			if invalid == "" {
				invalid = found.mend
			}
		}
	}
	for _, key := range p.OptionalKeys {
		if found := f.find(key); found.place != "" && !found.bad {
			r.FoundIn[key] = found.place
		}
	}
	switch {
	case len(r.MissingKeys) > 0:
		r.Status, r.Remediation = StatusMissing, missing
	case len(r.Invalid) > 0:
		r.Status, r.Remediation = StatusInvalid, invalid
	}
	return r
}

// missing tells how to get and store a key that was not found, and with which
// command, unless it is stored with all of its provider.
func (f *finder) missing(p catalog.Provider, key string, found finding) (m MissingKey, command string) {
	m = MissingKey{Key: key, Unlocks: p.Unlocks, DocsURL: p.DocsURL, Scopes: p.Scopes, Next: f.look(p.ID)}
	switch {
	case found.mend != "": // what is there goes before what would be stored
		return m, found.mend
	case f.sources.env != nil:
		// Nothing is stored there: a person sets the variable where the
		// process starts, or chooses another backend, and then one looks again.
		return m, OtherBackend
	case found.ref != "" && Fold(found.ref) != Fold(key):
		m.Store, m.Next = found.ref, fmt.Sprintf(`vault_put {"key":%q}`, found.ref)
		return m, InWorkspace("akos vault put "+found.ref, f.choice)
	}
	m.Store, m.Next = key, fmt.Sprintf(`creds_set {"key":%q}`, key)
	return m, ""
}

// ShapeNotice warns if v does not look like what the catalog knows of key.
func ShapeNotice(p catalog.Provider, key string, v Secret) string {
	if fits, known := p.FitsShape(key, secret.Reveal(v)); known && !fits {
		return fmt.Sprintf("it does not look like the %s of %s; see %s", key, p.Name, p.DocsURL)
	}
	return ""
}
