package workspace

import (
	"context"
	"slices"
	"strings"
	"time"
)

// A Desk shows a person the pages on which values are entered. It is nil in
// Options where no browser can reach this machine.
type Desk interface {
	// Open returns how the page called name stands: one that waits, or one
	// whose end has not been told yet, or a new one for what prepare returns.
	// An end is told once, and again to whoever knows the id of that very page.
	Open(ctx context.Context, name, id string, prepare func() (Entry, error)) (EntryState, error)
	// Decline ends the page with this id as its person would.
	Decline(ctx context.Context, id string)
	// Wait returns once the page with this id has ended, or ctx has, and how the
	// page stands then; "" if there is none.
	Wait(ctx context.Context, id string) (status string)
}

// An Entry is what a page asks a person for.
type Entry struct {
	Keys      []EntryKey
	Workspace string // its id
	Client    string // the client's own name for itself; nobody vouches for it
	Reason    string // what the agent says that it is for: the agent's own words
	// Asker is whose pages count together where several people are served, so
	// that none takes the places of another; "" for the user of this process.
	Asker string
	// Store stores one value for each key, all or none.
	Store func(context.Context, []Secret) ([]Stored, error)
	// Declined notes that nobody enters them, on the page or by way of the
	// client. It is called once that is so.
	Declined func(context.Context)
}

// An EntryKey is a key that a person enters the value of.
type EntryKey struct {
	Ref
	Provider string // its name; empty for a key that the catalog does not know
	DocsURL  string // where to get the value
	Scopes   []string
}

// The statuses of an entry.
const (
	EntryPending  = "pending"
	EntryStored   = "stored"
	EntryDeclined = "declined"
	EntryExpired  = "expired"
)

// EntryLife is how long a page waits for its person, and how long its end
// waits to be told.
const EntryLife = 10 * time.Minute

// An EntryState says how a page stands.
type EntryState struct {
	ID     string // of this page alone, and no way to it
	Status string
	URL    string // of the page, while it is pending
	New    bool   // this call has opened it
	Keys   []EntryKey
	Stored []Stored // once it is stored
}

// An EnterRequest says what a person is to enter.
type EnterRequest struct {
	// Name is what is asked for, as "key A" or "provider b": asked for again,
	// it is the same page.
	Name string
	// Keys returns the names of the keys. It is called for a new page alone.
	Keys   func(context.Context) ([]string, error)
	Scope  Scope
	Client string // the client's own name for itself
	Reason string // the agent's own words
	Page   string // id of the page whose end is asked for; "" for any of that name
}

// An Entered tells what became of an entry: one result a key.
type Entered struct {
	ID      string
	New     bool
	Results []Stored
}

// Enter has a person enter values on a page of the Desk and returns at once.
// Asked again it tells how the page stands. It learns nothing of the values:
// not even what the catalog thinks of them, which the page tells the person.
func (w *Workspace) Enter(ctx context.Context, req EnterRequest) (Entered, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return Entered{}, err
	}
	if req.Scope, err = ParseScope(string(req.Scope)); err != nil {
		return Entered{}, err
	}
	owner := w.ref(site, req.Scope, "").Owner
	// What one caller's agent says on a page, no other caller's person reads;
	// and nobody is told the end of another's.
	name := strings.Join([]string{site.ID, string(req.Scope), owner, Fold(req.Name), w.asker()}, "\x00")
	state, err := w.Desk.Open(ctx, name, req.Page, func() (Entry, error) { return w.entry(ctx, site, owner, req) })
	if err != nil {
		return Entered{}, err
	}
	r := Entered{ID: state.ID, New: state.New, Results: []Stored{}}
	for i, k := range state.Keys {
		s := Stored{Status: state.Status, Key: k.Key, Scope: k.Scope, Owner: k.Owner, EntryURL: state.URL}
		if i < len(state.Stored) {
			s.Key, s.Source = state.Stored[i].Key, state.Stored[i].Source
		}
		r.Results = append(r.Results, s)
	}
	return r, nil
}

// asker names the caller; "" for the user of this process.
func (w *Workspace) asker() string {
	if w.Caller == nil {
		return ""
	}
	return w.Caller.TenantID + "\x00" + w.Caller.UserID
}

// entry returns what a new page asks for, if it can be stored.
func (w *Workspace) entry(ctx context.Context, site Site, owner string, req EnterRequest) (Entry, error) {
	keys, err := req.Keys(ctx)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Workspace: site.ID, Asker: w.asker(), Client: w.claimed(ctx, req.Client), Reason: w.claimed(ctx, req.Reason)}
	var puts []PutRequest
	for _, key := range keys {
		put := PutRequest{Key: key, Scope: req.Scope, owner: owner, client: e.Client, onPage: true}
		if err := w.CheckPut(ctx, put); err != nil {
			return Entry{}, err
		}
		puts = append(puts, put)
		k := EntryKey{Ref: w.ref(site, req.Scope, key)}
		if p, ok := w.ProviderForKey(ctx, key); ok {
			k.Provider, k.DocsURL, k.Scopes = p.Name, p.DocsURL, p.Scopes
		}
		e.Keys = append(e.Keys, k)
	}
	e.Store = func(ctx context.Context, values []Secret) ([]Stored, error) {
		puts := slices.Clone(puts)
		for i := range puts {
			puts[i].Value = values[i]
		}
		return w.enter(ctx, puts)
	}
	e.Declined = func(ctx context.Context) { w.noteDeclined(context.WithoutCancel(ctx), site, e) }
	return e, nil
}

// noteDeclined audits that an entry was declined. The page has ended all the
// same: there is nothing to take back if that fails.
func (w *Workspace) noteDeclined(ctx context.Context, site Site, e Entry) {
	err := w.Store.Write(ctx, func(tx Tx) error {
		for _, k := range e.Keys {
			if err := tx.Audit(w.event("entry.decline", site, k.Ref, "a page for "+quoted(e.Client))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.Log.WarnContext(ctx, "a declined entry was not noted", "err", err)
	}
}

// enter stores what a person entered.
func (w *Workspace) enter(ctx context.Context, puts []PutRequest) ([]Stored, error) {
	all, err := w.putAll(ctx, puts)
	for i := range all {
		if p, ok := w.ProviderForKey(ctx, puts[i].Key); ok && all[i].Notice == "" {
			all[i].Notice = ShapeNotice(p, puts[i].Key, puts[i].Value)
		}
	}
	return all, err
}

// claimed returns what a client says of itself if it can be shown and noted:
// what looks like a credential is none of that.
func (w *Workspace) claimed(ctx context.Context, s string) string {
	const most = 1 << 10
	if len(s) > most || w.RefuseAny(ctx, "a name", s) != nil {
		return ""
	}
	return s
}
