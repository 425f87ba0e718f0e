package workspace

import (
	"context"
	"crypto/subtle"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace/catalog"
	"example.com/akos/workspace/internal/secret"
)

// Refuse returns an error if s, given as what, looks like a credential. The
// error does not echo it.
func Refuse(s, what string) error {
	if catalog.LooksLikeCredential(s) {
		return pasted(what)
	}
	return nil
}

// RefuseAny returns the error of Refuse if one of texts looks like a credential
// or has a value in it that is stored for this workspace or its tenant, or that
// the environment holds for a provider. Nothing tells the two apart.
//
// A guessable value is not looked for: the refusal would be an oracle. Nor are
// those of other workspaces and tenants, whose caller is to learn nothing of
// them. Where nothing in texts can be such a value, which is nearly always, it
// touches neither the state nor a file. It never asks a keychain.
func (w *Workspace) RefuseAny(ctx context.Context, what string, texts ...string) error {
	var tried []string
	for _, s := range texts {
		if err := Refuse(s, what); err != nil {
			return err
		}
		for piece := range pieces(s) {
			if len(tried) < maxTried && !catalog.Guessable(piece) {
				tried = append(tried, piece)
			}
		}
	}
	if len(tried) == 0 {
		return nil
	}
	held, err := w.stored(ctx, tried)
	if held {
		return pasted(what)
	}
	return err
}

// maxTried bounds what one call can ask for.
const maxTried = 64

// pieces yields s and what in it a value can be, if it is long enough for one:
// each word; of a word what stands after the first = or :, as in token=VALUE;
// and what stands between separators, as in a URL.
func pieces(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s := strings.TrimSpace(s)
		if len(s) < catalog.MinUnguessable || !yield(s) {
			return
		}
		for word := range strings.FieldsSeq(s) {
			if len(word) < catalog.MinUnguessable {
				continue
			}
			word = trimSeparators(word)
			if len(word) < len(s) && !yield(word) {
				return
			}
			given := word
			if at := strings.IndexAny(word, "=:"); at >= 0 {
				given = trimSeparators(word[at+1:])
				if !yield(given) {
					return
				}
			}
			for part := range strings.FieldsFuncSeq(word, isSeparator) {
				if len(part) < len(given) && !yield(part) {
					return
				}
			}
		}
	}
}

// isSeparator reports whether r stands before or after a value in text.
func isSeparator(r rune) bool {
	switch r {
	case '"', '\'', '`', ',', ';', '|', '&', '?', '#', '=', ':', '/', '@', '(', ')', '[', ']', '{', '}', '<', '>', '\\':
		return true
	}
	return false
}

// trimSeparators returns word without the quotes and the punctuation around it.
// What base64 ends with stays.
func trimSeparators(word string) string {
	return strings.TrimFunc(word, func(r rune) bool { return r != '=' && r != '/' && isSeparator(r) })
}

// stored reports whether one of values is stored here. What stops it from
// looking also stops the operation, or has nothing to do with it: the caller
// hears of that from there. The error is that of a tenant whose callers have
// had too many compared.
func (w *Workspace) stored(ctx context.Context, values []string) (bool, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return false, nil
	}
	if !w.refusals.allow(site.Tenant, w.Now(), len(values)) {
		return false, Errorf(Unavailable, "too many arguments that could be a credential: try again in a minute")
	}
	if key := w.inEnvironment(values); key != "" {
		w.noteRefusal(ctx, site, Ref{Key: key})
		return true, nil
	}
	h, err := w.Keys.Hasher(ctx, false)
	if err != nil {
		w.Log.WarnContext(ctx, "arguments were not compared with stored values", "err", err)
	}
	if h == nil {
		return false, nil
	}
	var found []Ref
	err = w.Store.Read(ctx, func(tx Tx) error {
		for _, v := range values {
			hash := h.Hash(NewSecret([]byte(v)))
			// The index finds the few that begin alike. How long that takes
			// depends on a hash that nobody without the key can foresee; all
			// else is compared in constant time.
			alike, err := tx.Hashes(site.ID, site.Tenant, hash[:HashID+4])
			if err != nil {
				return err
			}
			for _, s := range alike {
				if subtle.ConstantTimeCompare(s.Hash, hash) == 1 {
					found = append(found, s.Ref)
				}
			}
		}
		return nil
	})
	if err != nil {
		w.Log.DebugContext(ctx, "arguments were not compared with stored values", "err", err)
	}
	if len(found) > 0 {
		w.noteRefusal(ctx, site, found[0])
	}
	return len(found) > 0, nil
}

// inEnvironment returns the variable that holds one of values for a provider of
// the catalog; "" if none does.
func (w *Workspace) inEnvironment(values []string) (found string) {
	for _, p := range catalog.Providers() {
		for _, keys := range [][]string{p.RequiredKeys, p.OptionalKeys} {
			for _, key := range keys {
				for _, name := range [...]string{key, DefaultEnvPrefix + key} {
					if held, ok := w.LookupEnv(name); ok && held != "" {
						for _, v := range values {
							if subtle.ConstantTimeCompare([]byte(strings.TrimSpace(held)), []byte(v)) == 1 {
								found = name
							}
						}
					}
				}
			}
		}
	}
	return found
}

// refusals count the arguments that were compared with stored values, and those
// that held one, of this process, for each tenant by itself: none hears of
// another's, or keeps its note away.
type refusals struct {
	mu sync.Mutex
	of map[string]*refused
}

type refused struct {
	noted  time.Time // when the last one was audited
	missed int       // since then
	spent  int       // comparisons, less those that time has given back
	since  time.Time // when it last gave some back
}

// What a tenant's callers may have compared. Who has all of a value but some
// letters could try them one by one; who pastes one needs a single comparison.
const (
	maxSpent  = 1024
	backAfter = time.Second / 2 // for one of them
)

func (r *refusals) tenant(name string) *refused {
	if r.of[name] == nil {
		r.of[name] = &refused{}
	}
	return r.of[name]
}

// allow reports whether a caller of tenant may have n comparisons now.
func (r *refusals) allow(tenant string, now time.Time, n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tenant(tenant)
	if now.Before(t.since) {
		t.since = now // the clock was set back
	}
	back := int(now.Sub(t.since) / backAfter)
	t.spent, t.since = t.spent-back, t.since.Add(time.Duration(back)*backAfter)
	if t.spent <= 0 {
		t.spent, t.since = 0, now
	}
	if t.spent+n > maxSpent {
		return false
	}
	t.spent += n
	return true
}

// noteRefusal audits that the value of ref was given as an argument, so that
// its person knows what to rotate. A caller in a loop does not fill the audit:
// there is one note a minute for a tenant, which says how many there were.
func (w *Workspace) noteRefusal(ctx context.Context, site Site, ref Ref) {
	w.refusals.mu.Lock()
	defer w.refusals.mu.Unlock()
	r := w.refusals.tenant(site.Tenant)
	now := w.Now()
	if !r.noted.IsZero() && now.Sub(r.noted) < time.Minute {
		r.missed++
		return
	}
	detail := "an argument held its value"
	if r.missed > 0 {
		detail += fmt.Sprintf("; %d more since the last note", r.missed)
	}
	if err := w.Store.Write(ctx, func(tx Tx) error { return tx.Audit(w.event("argument.refuse", site, ref, detail)) }); err != nil {
		w.Log.WarnContext(ctx, "a refused argument was not noted", "err", err)
		return
	}
	r.noted, r.missed = now, 0
}

// hashOf returns the hash that is kept of v: an empty one for a value that is
// not looked for in arguments, and nil where h is.
func hashOf(h Hasher, v Secret) []byte {
	switch {
	case h == nil:
		return nil
	case catalog.Guessable(string(secret.Reveal(v))):
		return []byte{}
	}
	return h.Hash(v)
}

// hasher returns the Hasher for new values. Without it a value is stored all
// the same, and hashed later.
func (w *Workspace) hasher(ctx context.Context) Hasher {
	h, err := w.Keys.Hasher(ctx, true)
	if err != nil {
		w.Log.WarnContext(ctx, "a value is stored that is not known again in an argument", "err", err)
		return nil
	}
	return h
}

// hashOld hashes the values under k that have no hash yet: those that an older
// akos stored, and all of them where the hash key was lost.
func (w *Workspace) hashOld(ctx context.Context, k DataKey, sealer Sealer) error {
	h, err := w.Keys.Hasher(ctx, false)
	if err != nil {
		return err
	}
	unhashed := func(tx Tx) ([]Sealed, error) {
		var id []byte
		if h != nil {
			id = h.Hash(Secret{})[:HashID]
		}
		return tx.Unhashed(k.ID, id)
	}
	var old []Sealed
	err = w.Store.Read(ctx, func(tx Tx) (err error) { old, err = unhashed(tx); return err })
	if err == nil && len(old) > 0 && h == nil {
		h, err = w.Keys.Hasher(ctx, true)
	}
	for err == nil && len(old) > 0 {
		err = w.Store.Write(ctx, func(tx Tx) (err error) {
			if old, err = unhashed(tx); err != nil { // again: they may have changed
				return err
			}
			for _, s := range old {
				hash := []byte{} // for what does not open
				if v, err := sealer.Unseal(s.Box, s.binding()); err == nil {
					hash = hashOf(h, v)
				}
				if err := tx.SetHash(s.Ref, s.Version, hash); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}
