package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"example.com/akos/workspace/catalog"
	"example.com/akos/workspace/internal/dotenv"
	"example.com/akos/workspace/internal/secret"
)

// An ImportRequest says which values to take in. A File that is Confined means
// an agent: it can't put another value in the place of one that is stored.
type ImportRequest struct {
	File     FileArg
	Identity string   // the identity file, for an exported file
	Only     []string // keys to take; all if empty
	Scope    Scope
	Rewrite  bool // replace the values in the file by references, once all are stored
	NewKey   bool
}

// Imported is the public part of what was taken in.
type Imported struct {
	Imported  []string     `json:"imported"`
	Replaced  []string     `json:"replaced" jsonschema:"those of imported that had another value before"`
	Skipped   []SkippedKey `json:"skipped"`
	Scope     Scope        `json:"scope"`
	Source    Backend      `json:"source,omitempty"`
	Rewritten bool         `json:"rewritten" jsonschema:"the file now holds references"`
	Comments  int          `json:"comments,omitempty" jsonschema:"lines of the rewritten file with a comment, which stayed as it was and may hold a value"`
	Notice    string       `json:"notice,omitempty"`
}

// A SkippedKey was in the file and not taken.
type SkippedKey struct {
	Key    string `json:"key"`
	Reason string `json:"reason" jsonschema:"empty, reference or unchanged"`
}

// The reasons: nothing to store, a reference to what is stored, and the value
// that is stored already.
const (
	reasonEmpty     = "empty"
	reasonReference = "reference"
	reasonUnchanged = "unchanged"
)

// item is one value on its way in or out.
type item struct {
	key   string
	value Secret
}

// Import stores the values of a dotenv file, or of a file that Export wrote:
// all of them or none. A value that is stored already is not stored again.
func (w *Workspace) Import(ctx context.Context, req ImportRequest) (Imported, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return Imported{}, err
	}
	var root string
	if root, req.File, err = w.confine(site, req.File, "akos vault import"); err != nil {
		return Imported{}, err
	}
	p, err := w.unwrap(ctx, root, req)
	defer clear(p.data)
	if err != nil {
		return Imported{}, err
	}
	if req.Scope == "" {
		req.Scope = p.scope
	}
	var rewritten []byte
	if req.Rewrite {
		// Before anything is stored, so that a file that can't be rewritten
		// stops the import.
		if rewritten, err = w.rewrite(root, p, req); err != nil {
			return Imported{}, err
		}
	}
	r := Imported{Imported: []string{}, Replaced: []string{}, Skipped: p.skipped, Scope: w.ref(site, req.Scope, "").Scope}
	if len(p.items) == 0 {
		return r, nil
	}
	k, sealer, notice, err := w.sealer(ctx, site, req.NewKey)
	if err != nil {
		return Imported{}, err
	}
	r.Source, r.Notice = k.Backend, notice
	if err := w.take(ctx, site, req, p.items, k.ID, sealer, &r); err != nil {
		return Imported{}, err
	}
	if req.Rewrite {
		if err := w.Project.Replace(root, req.File.Path, p.data, rewritten); err != nil {
			e := Explain(err)
			return r, Errorf(e.Kind, "the values are stored, but the file was not rewritten: %s", e.Msg).
				WithHint("akos vault import %s --rewrite%s", ShellQuote(req.File.Path), scopeFlag(req.Scope)).Because(err)
		}
		r.Rewritten, r.Comments = true, dotenv.Comments(p.data)
	}
	return r, nil
}

// A parcel is what was read from a file.
type parcel struct {
	data    []byte // of the file
	entries []dotenv.Entry
	items   []item // checked; no two keys are one
	skipped []SkippedKey
	scope   Scope // that Export took them from; "" of a dotenv file
}

// unwrap reads the file and takes out what was asked for.
func (w *Workspace) unwrap(ctx context.Context, root string, req ImportRequest) (p parcel, err error) {
	if err := w.files.take(ctx); err != nil {
		return p, err
	}
	defer w.files.free()
	p = parcel{skipped: []SkippedKey{}}
	sealed, err := w.isSealed(root, req)
	if err != nil {
		return p, err
	}
	limit := int64(maxDotenv)
	if sealed {
		limit = maxExport
	}
	if p.data, err = w.Project.Read(root, req.File.Path, limit); err != nil {
		return p, err
	}
	if sealed {
		p.items, p.scope, err = w.unpack(root, p.data, req.Identity)
	} else {
		err = w.readEntries(ctx, req, &p)
	}
	if err == nil {
		p.items, p.skipped, err = only(req.Only, p.items, p.skipped)
	}
	if err != nil {
		return p, err
	}
	seen := map[string]bool{}
	for _, it := range p.items {
		if err := checkValue(it.value); err != nil {
			return p, Errorf(Invalid, "%s: %s", it.key, Explain(err).Msg)
		}
		if seen[Fold(it.key)] {
			return p, Errorf(Invalid, "the file has two keys that differ from %s only by case; nothing was stored", it.key).
				WithHint("akos vault import %s --only %s", ShellQuote(req.File.Path), it.key)
		}
		seen[Fold(it.key)] = true
	}
	return p, nil
}

// maxEntries is how many keys a dotenv file may have.
const maxEntries = 10_000

// maxExport bounds an exported file that is read back, in bytes.
const maxExport = 1 << 30

// headSize is how much of a file tells that it is sealed, in bytes.
const headSize = 4 << 10

// isSealed reports whether the file is one that Export wrote, and refuses what
// does not go together with that.
func (w *Workspace) isSealed(root string, req ImportRequest) (bool, error) {
	head, err := w.Project.Head(root, req.File.Path, headSize)
	if err != nil {
		return false, err
	}
	sealed := w.Courier.Sealed(head)
	switch {
	case sealed && req.File.Confined:
		return false, Errorf(Denied, "%s is sealed; a person can open it", req.File.Path).
			WithHint("akos vault import %s --identity key.txt", ShellQuote(req.File.Path))
	case sealed && req.Rewrite:
		return false, Errorf(Invalid, "an exported file has no values to replace by references")
	case sealed && req.Identity == "":
		return false, Errorf(Invalid, "the file is sealed: name the identity file that opens it with --identity")
	case !sealed && req.Identity != "":
		return false, Errorf(Invalid, "%s is not an exported file, so it needs no identity", req.File.Path)
	}
	return sealed, nil
}

// readEntries fills p from a dotenv file. No text of the file is a key before
// it was looked at: what is skipped is shown too.
func (w *Workspace) readEntries(ctx context.Context, req ImportRequest, p *parcel) (err error) {
	path := req.File.Path
	if p.entries, err = dotenv.Parse(p.data); err != nil {
		return Errorf(Invalid, "%s: %v", path, err)
	}
	if len(p.entries) > maxEntries {
		return Errorf(Invalid, "%s has more than %d keys", path, maxEntries)
	}
	if req.File.Confined {
		if err := w.checkNames(ctx, path, p.entries); err != nil {
			return err
		}
	}
	for _, e := range p.entries {
		if err := CheckKey(e.Key); err != nil {
			return Errorf(Invalid, "%s:%d: %s", path, e.Line, Explain(err).Msg)
		}
		switch {
		case e.Ref != "":
			p.skipped = append(p.skipped, SkippedKey{e.Key, reasonReference})
		case secret.Empty(e.Value):
			p.skipped = append(p.skipped, SkippedKey{e.Key, reasonEmpty})
		default:
			p.items = append(p.items, item{e.Key, e.Value})
		}
	}
	return nil
}

// checkNames refuses a file without one name as environments have them: what
// an agent named may be any file, and a line of it a secret.
func (w *Workspace) checkNames(ctx context.Context, path string, entries []dotenv.Entry) error {
	if len(entries) == 0 || slices.ContainsFunc(entries, func(e dotenv.Entry) bool { return dotenv.Conventional(e.Key) }) {
		return nil
	}
	all, err := w.allProviders(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range entries {
		known[e.Key] = true
	}
	names := func(key string) bool { return known[key] }
	if slices.ContainsFunc(all, func(p catalog.Provider) bool {
		return slices.ContainsFunc(p.RequiredKeys, names) || slices.ContainsFunc(p.OptionalKeys, names)
	}) {
		return nil
	}
	return Errorf(Invalid, "%s is not a dotenv file: no line of it starts with a name in upper case", path).
		WithHint("akos vault import %s", ShellQuote(path))
}

// only keeps what is named in keys; a name that is not in the file is
// NotFound.
func only(keys []string, items []item, skipped []SkippedKey) ([]item, []SkippedKey, error) {
	if len(keys) == 0 {
		return items, skipped, nil
	}
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(items, func(it item) bool { return it.key == key }) &&
			!slices.ContainsFunc(skipped, func(s SkippedKey) bool { return s.Key == key }) {
			return nil, nil, Errorf(NotFound, "the file has no key called %s; nothing was stored", key)
		}
	}
	items = slices.DeleteFunc(items, func(it item) bool { return !slices.Contains(keys, it.key) })
	skipped = slices.DeleteFunc(skipped, func(s SkippedKey) bool { return !slices.Contains(keys, s.Key) })
	return items, skipped, nil
}

// rewrite returns the file with references in the place of the items' values,
// or why it can't have them.
func (w *Workspace) rewrite(root string, p parcel, req ImportRequest) ([]byte, error) {
	path := ShellQuote(req.File.Path)
	for _, e := range p.entries {
		// The hidden value would be neither stored nor left.
		if e.Hidden != 0 && (len(req.Only) == 0 || slices.Contains(req.Only, e.Key)) {
			return nil, Errorf(Invalid, "%s: line %d and line %d give %s different values; nothing was stored", req.File.Path, e.Hidden, e.Line, e.Key).
				WithHint("akos vault import %s%s", path, scopeFlag(req.Scope))
		}
	}
	refs := map[string]string{}
	for _, it := range p.items {
		refs[it.key] = it.key
	}
	rewritten, err := dotenv.Rewrite(p.data, refs)
	if err != nil {
		return nil, Errorf(Invalid, "%s: %v", req.File.Path, err)
	}
	// A rehearsal: the same for the same.
	if err := w.Project.Replace(root, req.File.Path, p.data, p.data); err != nil {
		e := Explain(err)
		return nil, Errorf(e.Kind, "%s; nothing was stored", e.Msg).
			WithHint("akos vault import %s%s", path, scopeFlag(req.Scope)).Because(err)
	}
	return rewritten, nil
}

// take stores the items in one transaction and notes in r what became of each.
func (w *Workspace) take(ctx context.Context, site Site, req ImportRequest, items []item, dataKey string, sealer Sealer, r *Imported) error {
	sealers, err := w.sealersOf(ctx, site, req.Scope, items, dataKey, sealer)
	if err != nil {
		return err
	}
	hasher := w.hasher(ctx)
	return w.Store.Write(ctx, func(tx Tx) error {
		var taken []string
		for _, it := range items {
			ref := w.ref(site, req.Scope, it.key)
			old, exists, err := tx.Secret(ref, 0)
			if err != nil {
				return err
			}
			// An agent is not told whether the values are the same: it could
			// write guesses into the file. Nor does it put one in the place
			// of another: ten versions are kept, so ten imports would have
			// the vault forget what a person gave it.
			if exists && req.File.Confined {
				taken = append(taken, old.Ref.Key)
				continue
			}
			if exists && sealers.holds(old, it.value) {
				r.Skipped = append(r.Skipped, SkippedKey{it.key, reasonUnchanged})
				continue
			}
			s, err := seal(tx, ref, it.value, dataKey, sealer, hasher, w.Now())
			if err != nil {
				return err
			}
			r.Imported = append(r.Imported, s.Ref.Key)
			if exists {
				r.Replaced = append(r.Replaced, s.Ref.Key)
			}
			if err := tx.Audit(w.event("vault.import", site, s.Ref, fmt.Sprintf("version %d", s.Version))); err != nil {
				return err
			}
		}
		if len(taken) > 0 {
			return Errorf(Conflict, "the vault has %s already; nothing was stored. Import the other keys alone, or let a person decide", strings.Join(taken, ", ")).
				WithHint("akos vault import %s%s", ShellQuote(req.File.Path), scopeFlag(req.Scope))
		}
		return nil
	})
}

// sealers are opened data keys, by id.
type sealers map[string]Sealer

// sealersOf returns the data keys that the items' present values are sealed
// under, but for those that don't open now: what they hold is not known.
func (w *Workspace) sealersOf(ctx context.Context, site Site, scope Scope, items []item, id string, sealer Sealer) (sealers, error) {
	opened := sealers{id: sealer}
	others := map[string]DataKey{}
	err := w.Store.Read(ctx, func(tx Tx) error {
		for _, it := range items {
			s, ok, err := tx.Secret(w.ref(site, scope, it.key), 0)
			if err != nil {
				return err
			}
			if _, known := others[s.DataKey]; ok && s.DataKey != id && !known {
				if others[s.DataKey], err = dataKey(tx, s.DataKey); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, k := range others {
		if s, err := w.open(ctx, k); err == nil {
			opened[k.ID] = s
		}
	}
	return opened, err
}

// holds reports whether v is what old holds.
func (s sealers) holds(old Sealed, v Secret) bool {
	sealer, ok := s[old.DataKey]
	if !ok {
		return false
	}
	stored, err := sealer.Unseal(old.Box, old.binding())
	return err == nil && secret.Equal(stored, v)
}
