package workspace

import (
	"context"
	"errors"
	"slices"
	"time"
)

// settableBackends are the values of AKOS_VAULT and of vault.backend.
var settableBackends = []Backend{BackendAuto, BackendKeychain, BackendFile, BackendEnv}

// ParseBackend returns the backend called s; "" is BackendAuto.
func ParseBackend(s string) (Backend, error) {
	if s == "" {
		return BackendAuto, nil
	}
	if b := Backend(s); slices.Contains(settableBackends, b) {
		return b, nil
	}
	return "", Errorf(Invalid, "there is no such vault backend; the backends are auto, os-keychain, file, env")
}

// backend returns the backend that new values of the site go to, as the
// environment or the workspace file say it.
func (w *Workspace) backend(site Site) (Backend, error) {
	if s, ok := w.LookupEnv("AKOS_VAULT"); ok && s != "" {
		b, err := ParseBackend(s)
		if err != nil {
			err = Errorf(Invalid, "AKOS_VAULT: %s", Explain(err).Msg).WithHint(OtherBackend)
		}
		return b, err
	}
	if site.File != nil && site.File.Backend != "" {
		return site.File.Backend, nil
	}
	return BackendAuto, nil
}

// OtherBackend is the command of a person that chooses a backend that stores.
const OtherBackend = "export AKOS_VAULT=auto"

func readOnlyBackend() *Error {
	return Errorf(Denied, "the vault backend of this workspace is env, which is read-only: set the variable where the process starts, or choose another backend").
		WithHint(OtherBackend)
}

// settled returns the data key that b means once one was made: for auto the
// first that this home ever had, so that a keychain that comes and goes does
// not split a vault in two.
func settled(keys []DataKey, b Backend) (DataKey, bool) {
	for _, k := range keys {
		if !k.Retired && (b == BackendAuto || k.Backend == b) {
			return k, true
		}
	}
	return DataKey{}, false
}

// sealer returns the data key for new values of the site, opened. It makes
// one where there was none; one that is lost is only left behind if newKey
// says so.
func (w *Workspace) sealer(ctx context.Context, site Site, newKey bool) (k DataKey, s Sealer, notice string, err error) {
	b, err := w.backend(site)
	if err != nil {
		return k, nil, "", err
	}
	if b == BackendEnv {
		return k, nil, "", readOnlyBackend()
	}
	return w.sealerOf(ctx, b, newKey)
}

func (w *Workspace) sealerOf(ctx context.Context, b Backend, newKey bool) (k DataKey, s Sealer, notice string, err error) {
	var keys []DataKey
	load := func(tx Tx) (err error) { keys, err = tx.DataKeys(); return err }
	// Twice at the most: again if another process was first.
	for range 2 {
		lost := ""
		if err := w.Store.Read(ctx, load); err != nil {
			return k, nil, "", err
		}
		if k, ok := settled(keys, b); ok {
			s, err := w.open(ctx, k)
			// A forgotten passphrase (Denied) is as good as a lost key to
			// whoever says so.
			if err == nil || !newKey || !errors.Is(err, ErrKeyLost) && Explain(err).Kind != Denied {
				return k, s, "", err
			}
			b, lost = k.Backend, k.ID
		}
		k, s, notice, err = w.create(ctx, b, lost)
		if err == nil || Explain(err).Kind != Conflict {
			break
		}
	}
	return k, s, notice, err
}

// create makes a data key of b, in the place of the one called lost if that
// is not "": the old one is only left behind once there is a new one.
func (w *Workspace) create(ctx context.Context, b Backend, lost string) (k DataKey, s Sealer, notice string, err error) {
	auto := b == BackendAuto
	if auto {
		b = w.Keys.Detect(ctx)
	}
	if k, s, err = w.Keys.Create(ctx, b); err != nil {
		return k, nil, "", err
	}
	if auto && b == BackendFile {
		notice = "no OS keychain works here, so values are sealed under a key that a file holds (" + k.Holder + "): see akos help environment"
		if k.Holder == "identity" {
			notice = "no OS keychain works here, so values are sealed under the key in " + w.Home + "/vault.identity. Back it up: without it the values are lost"
		}
	}
	err = w.Store.Write(ctx, func(tx Tx) error {
		if lost != "" {
			if err := tx.RetireDataKey(lost); err != nil {
				return err
			}
		}
		return tx.AddDataKey(k)
	})
	if err != nil {
		if e := w.Keys.Discard(context.WithoutCancel(ctx), k); e != nil {
			w.Log.WarnContext(ctx, "an unused key-encryption key stays in its holder", "dataKey", k.ID, "err", e)
		}
	}
	return k, s, notice, err
}

// open unwraps k, and notes what it learnt of the holder, so that a list can
// tell without asking it.
func (w *Workspace) open(ctx context.Context, k DataKey) (Sealer, error) {
	s, err := w.Keys.Open(ctx, k)
	lost := errors.Is(err, ErrKeyLost)
	if lost == k.Lost.IsZero() && (lost || err == nil) {
		at := time.Time{}
		if lost {
			at = w.Now()
		}
		if e := w.Store.Write(ctx, func(tx Tx) error { return tx.MarkDataKey(k.ID, at) }); e != nil {
			w.Log.WarnContext(ctx, "the state of a key holder was not noted", "err", e)
		}
	}
	if err == nil {
		if e := w.hashOld(ctx, k, s); e != nil { // later, then
			w.Log.DebugContext(ctx, "stored values were not hashed", "err", e)
		}
	}
	return s, err
}

func dataKey(tx Tx, id string) (DataKey, error) {
	keys, err := tx.DataKeys()
	for _, k := range keys {
		if k.ID == id {
			return k, nil
		}
	}
	if err == nil {
		err = Errorf(Unavailable, "the state is damaged: a value names a data key that is not there").WithHint("akos doctor")
	}
	return DataKey{}, err
}

// sources tells of a stored value where it is kept and whether it can still
// be opened, without asking a keychain.
type sources struct {
	holders KeyHolders
	env     func(string) (string, bool) // set if the backend of the site is env
	known   map[string]source
}

type source struct {
	backend Backend
	present bool
}

func (w *Workspace) newSources(site Site) (*sources, error) {
	b, err := w.backend(site)
	s := &sources{holders: w.Keys}
	if b == BackendEnv {
		s.env = w.LookupEnv
	}
	return s, err
}

func (s *sources) load(tx Tx) error {
	keys, err := tx.DataKeys()
	s.know(keys)
	return err
}

func (s *sources) know(keys []DataKey) {
	s.known = make(map[string]source, len(keys))
	for _, k := range keys {
		s.known[k.ID] = source{k.Backend, s.holders.Present(k)}
	}
}

// of returns the source of what is sealed under a data key.
func (s *sources) of(dataKey string) (Backend, bool) {
	src := s.known[dataKey]
	return src.backend, src.present
}

// use fills in the source of a key that a connection or a check names:
// dataKey is "" if nothing is stored under it.
func (s *sources) use(key, dataKey string) (Backend, bool) {
	if dataKey != "" {
		return s.of(dataKey)
	}
	if s.inEnv(key) {
		return BackendEnv, true
	}
	return "", false
}

// inEnv reports whether the environment is the site's vault and holds a value
// under key.
func (s *sources) inEnv(key string) bool {
	if s.env == nil {
		return false
	}
	v, ok := s.env(key)
	return ok && v != ""
}
