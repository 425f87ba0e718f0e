package workspace

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A PutRequest says what to store.
type PutRequest struct {
	Key         string
	Scope       Scope
	Value       Secret
	NoOverwrite bool // a key that exists is a Conflict
	NewKey      bool // the key-encryption key is lost: make a new one, leave the old rows

	onPage bool   // a person entered it on a page of the Desk
	owner  string // that the page named; "" for whichever it is now
	client string // that asked for the page, by its own account
}

// Stored is the public part of what was stored.
type Stored struct {
	Status   string  `json:"status" jsonschema:"stored, pending, declined or expired"`
	Key      string  `json:"key"`
	Scope    Scope   `json:"scope"`
	Owner    string  `json:"owner" jsonschema:"id of the workspace or tenant"`
	Source   Backend `json:"source,omitempty"`
	Version  int     `json:"version,omitempty"`
	Notice   string  `json:"notice,omitempty" jsonschema:"for the person"`
	EntryURL string  `json:"entryUrl,omitempty" jsonschema:"page for the person to open"`
}

// CheckPut returns the error that Put would return whatever the value is, as
// far as it can be told without a keychain: so that nobody is asked for a
// value that can't be stored.
func (w *Workspace) CheckPut(ctx context.Context, req PutRequest) error {
	_, _, err := w.checkPut(ctx, req)
	return err
}

func (w *Workspace) checkPut(ctx context.Context, req PutRequest) (Site, Ref, error) {
	if err := CheckKey(req.Key); err != nil {
		return Site{}, Ref{}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Site{}, Ref{}, err
	}
	if b, err := w.backend(site); err != nil {
		return Site{}, Ref{}, err
	} else if b == BackendEnv {
		return Site{}, Ref{}, readOnlyBackend()
	}
	ref := w.ref(site, req.Scope, req.Key)
	if req.NoOverwrite {
		err = w.Store.Read(ctx, func(tx Tx) error { return refuseExisting(tx, ref) })
	}
	return site, ref, err
}

// Put stores a value, as a new version of its key.
func (w *Workspace) Put(ctx context.Context, req PutRequest) (Stored, error) {
	all, err := w.putAll(ctx, []PutRequest{req})
	if err != nil {
		return Stored{}, err
	}
	return all[0], nil
}

// putAll stores values for one scope, all or none.
func (w *Workspace) putAll(ctx context.Context, reqs []PutRequest) ([]Stored, error) {
	var site Site
	refs := make([]Ref, len(reqs))
	for i, req := range reqs {
		err := checkValue(req.Value)
		if err == nil {
			site, refs[i], err = w.checkPut(ctx, req)
		}
		if err == nil && req.owner != "" && refs[i].Owner != req.owner {
			// Whoever entered it was told another owner.
			err = Errorf(Conflict, "the %s is another one now, so nothing was stored", refs[i].Scope).WithHint("akos vault put %s%s", req.Key, scopeFlag(req.Scope))
		}
		if err != nil {
			return nil, err
		}
	}
	k, sealer, notice, err := w.sealer(ctx, site, slices.ContainsFunc(reqs, func(r PutRequest) bool { return r.NewKey }))
	if err != nil {
		return nil, err
	}
	hasher := w.hasher(ctx)
	var all []Stored
	err = w.Store.Write(ctx, func(tx Tx) error {
		all = nil // the store may begin again
		for i, req := range reqs {
			if req.NoOverwrite {
				if err := refuseExisting(tx, refs[i]); err != nil {
					return err
				}
			}
			s, err := seal(tx, refs[i], req.Value, k.ID, sealer, hasher, w.Now())
			if err != nil {
				return err
			}
			if err := tx.Audit(w.event("vault.put", site, s.Ref, req.detail(s.Version))); err != nil {
				return err
			}
			stored := Stored{
				Status: EntryStored, Key: s.Ref.Key, Scope: s.Ref.Scope, Owner: s.Ref.Owner,
				Source: k.Backend, Version: s.Version,
			}
			if i == 0 { // it is of them all, and said once
				stored.Notice = notice
			}
			all = append(all, stored)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// detail says in the audit how a value came in.
func (r PutRequest) detail(version int) string {
	text := fmt.Sprintf("version %d", version)
	if r.onPage {
		text += ", entered on a page for " + quoted(r.client)
	}
	return text
}

// quoted returns what a client calls itself in quotes that it can't close.
func quoted(client string) string { return strconv.QuoteToASCII(clip(client, 64)) }

// clip returns the first n runes of s.
func clip(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

func refuseExisting(tx Tx, ref Ref) error {
	old, ok, err := tx.Secret(ref, 0)
	if err == nil && ok {
		err = Errorf(Conflict, "%s exists already", old.Ref).WithHint("akos vault history %s%s", old.Ref.Key, scopeFlag(ref.Scope))
	}
	return err
}

// seal seals v as the next version of ref and stores it.
func seal(tx Tx, ref Ref, v Secret, dataKey string, sealer Sealer, hasher Hasher, now time.Time) (Sealed, error) {
	old, ok, err := tx.Secret(ref, 0)
	if err != nil {
		return Sealed{}, err
	}
	s := Sealed{Ref: ref, Version: 1, DataKey: dataKey, Created: now, Hash: hashOf(hasher, v)}
	if ok {
		s.Ref.Key, s.Version = old.Ref.Key, old.Version+1
	}
	if s.Box, err = sealer.Seal(v, s.binding()); err != nil {
		return Sealed{}, err
	}
	return s, tx.PutSecret(s)
}

// binding returns the associated data of a box: a box that is moved to
// another key, owner, version or data key does not open.
func (s Sealed) binding() []byte {
	return []byte(strings.Join([]string{
		"akos value", string(s.Ref.Scope), s.Ref.Owner, Fold(s.Ref.Key), fmt.Sprint(s.Version), s.DataKey,
	}, "\x00"))
}

func (w *Workspace) ref(site Site, scope Scope, key string) Ref {
	if scope == ScopeTenant {
		return Ref{ScopeTenant, site.Tenant, key}
	}
	return Ref{ScopeWorkspace, site.ID, key}
}

// scopeFlag returns the flag that names a scope in a hint.
func scopeFlag(s Scope) string {
	if s == ScopeTenant {
		return " --scope tenant"
	}
	return ""
}

func (w *Workspace) event(op string, site Site, ref Ref, detail string) Event {
	return Event{At: w.Now(), Actor: w.Actor, Op: op, Workspace: site.ID, Scope: ref.Scope, Subject: ref.Key, Detail: detail}
}

// A StoredKey is one line of vault list.
type StoredKey struct {
	Key       string   `json:"key"`
	Scope     Scope    `json:"scope"`
	Source    Backend  `json:"source"`
	UpdatedAt Stamp    `json:"updatedAt,omitempty"`
	UsedBy    []string `json:"usedBy"`
	Present   bool     `json:"present" jsonschema:"false: the value can't be opened any more"`
}

// A Stamp is a time as JSON has it (RFC 3339, UTC). A list has one for each of
// its keys, and a time.Time takes the encoder longer than all the rest of it.
type Stamp string

func stamp(t time.Time) Stamp { return Stamp(t.UTC().Format(time.RFC3339Nano)) }

// Time returns the time that s is; the zero time if it is none.
func (s Stamp) Time() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, string(s))
	return t
}

// List returns the keys of both scopes, or of one. It asks no keychain.
func (w *Workspace) List(ctx context.Context, scope Scope) ([]StoredKey, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := w.newSources(site)
	if err != nil {
		return nil, err
	}
	keys, dataKeys, err := w.listing.read(ctx, w.Store, site, scope)
	sources.know(dataKeys)
	list := make([]StoredKey, 0, len(keys))
	for _, k := range keys {
		k.Source, k.Present = sources.of(k.dataKey)
		list = append(list, k.StoredKey)
	}
	if err == nil && sources.env != nil && scope != ScopeTenant {
		var uses []use
		if uses, err = w.unstored(ctx, site); err == nil {
			list = sources.addEnvironment(list, uses)
		}
	}
	return list, err
}

// Removed is the result of a removal.
type Removed struct {
	Key    string   `json:"key"`
	Scope  Scope    `json:"scope"`
	UsedBy []string `json:"usedBy" jsonschema:"connections that now lack this key"`
}

// Remove forgets a key and all its versions. Unless force is set, a key that
// a connection uses is a Conflict that names the connections.
func (w *Workspace) Remove(ctx context.Context, key string, scope Scope, force bool) (Removed, error) {
	if err := CheckKey(key); err != nil {
		return Removed{}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Removed{}, err
	}
	ref := w.ref(site, scope, key)
	r := Removed{Scope: ref.Scope}
	err = w.Store.Write(ctx, func(tx Tx) error {
		keys, err := tx.Keys(site.ID, site.Tenant, ref.Scope)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if Fold(k.Key) == Fold(key) {
				r.Key, r.UsedBy = k.Key, k.UsedBy
			}
		}
		switch {
		case r.Key == "":
			return w.notStored(tx, site, ref)
		case len(r.UsedBy) > 0 && !force:
			return Errorf(Conflict, "%s is used by %s", r.Key, strings.Join(r.UsedBy, ", ")).
				WithHint("akos connections list")
		}
		if err := tx.Audit(w.event("vault.remove", site, ref, "")); err != nil {
			return err
		}
		return tx.DeleteSecret(ref)
	})
	return r, err
}

// notStored is the error for a key that is not there. It says if the other
// scope has it, or the environment, which lists show beside it.
func (w *Workspace) notStored(tx Tx, site Site, ref Ref) error {
	if s, err := w.newSources(site); err != nil {
		return err
	} else if ref.Scope == ScopeWorkspace && s.inEnv(ref.Key) {
		return readOnlyBackend()
	}
	other := ScopeTenant
	if ref.Scope == ScopeTenant {
		other = ScopeWorkspace
	}
	vs, err := tx.Versions(w.ref(site, other, ref.Key))
	if err != nil {
		return err
	}
	text := ""
	if len(vs) > 0 {
		text = ", but in the scope " + string(other)
	}
	return Errorf(NotFound, "no key called %s in the %s %s%s", ref.Key, ref.Scope, ref.Owner, text).WithHint("akos vault list")
}
