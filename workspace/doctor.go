package workspace

import (
	"context"
	"errors"
	"fmt"
)

// A Finding is one check of the doctor.
type Finding struct {
	Name   string `json:"name"`
	Status string `json:"status" jsonschema:"ok, fail or skip"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty" jsonschema:"the way out"`
}

// Diagnose checks the installation, part by part: the one operation that asks
// every holder of a key. What one check finds does not stop the next.
func (w *Workspace) Diagnose(ctx context.Context) []Finding {
	var found []Finding
	note := func(name, detail string, err error) {
		f := Finding{Name: name, Status: "ok", Detail: detail}
		if err != nil {
			e := Explain(err)
			if e.Hint == "akos doctor" { // that is where it is read
				e.Hint = ""
			}
			f = Finding{name, "fail", e.Msg, e.Hint}
			w.Log.DebugContext(ctx, "doctor", "check", name, "err", err)
		}
		found = append(found, f)
	}
	skip := func(name, why string) { found = append(found, Finding{Name: name, Status: "skip", Detail: why}) }

	detail, err := w.Store.Check(ctx)
	note("state", detail, err)
	stateWorks := err == nil

	site, err := w.locate(ctx)
	switch {
	case err != nil:
		note("workspace", "", err)
	case !stateWorks && (site.File != nil || site.Named):
		skip("workspace", "what is known of it is in the state")
	default:
		_, err := w.trusted(ctx)
		note("workspace", whereIs(site), err)
	}

	var keys []DataKey
	if stateWorks {
		err = w.Store.Read(ctx, func(tx Tx) (err error) { keys, err = tx.DataKeys(); return err })
		stateWorks = err == nil
	}
	backend, err := w.backend(site)
	detail = string(backend)
	k, made := settled(keys, backend)
	if err == nil && backend == BackendAuto {
		if made {
			detail = fmt.Sprintf("auto, which the first value settled as %s", k.Backend)
		} else {
			backend = w.Keys.Detect(ctx)
			detail = fmt.Sprintf("auto, which is %s on this machine", backend)
		}
	}
	if err == nil && backend == BackendKeychain && !made {
		err = w.tryKeychain(ctx)
	}
	note("vault backend", detail, err)
	if stateWorks {
		w.diagnoseKeys(ctx, site, keys, note, skip)
	} else {
		skip("vault key", "it is in the state")
	}

	if _, err := w.Keys.Hasher(ctx, false); err != nil {
		note("hash key", "", err)
	}

	err = nil
	if w.TokensDiffer() {
		err = Errorf(Invalid, "AGENTSKIT_TOKEN and AKOS_TOKEN are both set and differ; the first wins").WithHint("unset AKOS_TOKEN")
	}
	if server, ok := w.LookupEnv("AKOS_SERVER"); ok && server != "" && err == nil {
		if _, e := Origin(server); e != nil {
			err = Errorf(Invalid, "AKOS_SERVER: %s", Explain(e).Msg).WithHint("unset AKOS_SERVER")
		}
	}
	note("environment", "", err)
	switch s, err := w.AuthStatus(ctx, ""); {
	case err != nil:
		note("session", "", err)
	case s.Source == "env":
		note("session", "a token in "+s.Store, nil)
	case !s.LoggedIn:
		skip("session", "nobody is logged in")
	default:
		_, err := w.Whoami(ctx, s.Server)
		note("session", s.UserID+" at "+s.Server, err)
	}
	if url, ok := w.Remote.Local(ctx); ok {
		note("sidecar", url, w.Remote.Ready(ctx, url))
	} else {
		skip("sidecar", "it is not running")
	}
	return found
}

// whereIs says which workspace a site is.
func whereIs(site Site) string {
	switch {
	case site.File != nil:
		return site.ID + ", " + site.File.Path
	case site.Named:
		return site.ID
	}
	return "the default workspace"
}

func (w *Workspace) diagnoseKeys(ctx context.Context, site Site, keys []DataKey, note func(string, string, error), skip func(string, string)) {
	if len(keys) == 0 {
		skip("vault key", "nothing is stored yet")
	}
	for _, k := range keys {
		_, err := w.open(ctx, k)
		name := fmt.Sprintf("vault key (%s)", k.Holder)
		if k.Retired && errors.Is(err, ErrKeyLost) {
			skip(name, "lost and left behind; the values under it stay closed until it is restored")
			continue
		}
		if errors.Is(err, ErrKeyLost) {
			e := Explain(err)
			err = Errorf(e.Kind, "%s. The values under it are intact and closed: restore the key from a backup of the keychain or of %s, or leave it behind and store the values again", e.Msg, w.Home).
				WithHint("%s", w.newKeyHint(ctx, site, k)).Because(err)
		} else if k.Backend == BackendKeychain {
			err = orFile(err)
		}
		note(name, "it opens", err)
	}
}

// tryKeychain does with the keychain what the first value will do, and takes it
// back.
func (w *Workspace) tryKeychain(ctx context.Context) error {
	k, _, err := w.Keys.Create(ctx, BackendKeychain)
	if err == nil {
		err = w.Keys.Discard(context.WithoutCancel(ctx), k)
	}
	return orFile(err)
}

// orFile adds to the error of a keychain what to do without it.
func orFile(err error) error {
	if e := Explain(err); err != nil && e.Hint == "akos doctor" {
		return Errorf(e.Kind, "%s. New values can go to a file meanwhile", e.Msg).WithHint("export AKOS_VAULT=file").Because(err)
	}
	return err
}

// newKeyHint returns the command that leaves k behind: it stores one of the
// values that k closed again.
func (w *Workspace) newKeyHint(ctx context.Context, site Site, k DataKey) string {
	hint := "akos vault put --help"
	_ = w.Store.Read(ctx, func(tx Tx) error { // without an answer the help is the hint
		infos, err := tx.Keys(site.ID, LocalTenant, "")
		for _, i := range infos {
			if i.DataKey == k.ID {
				hint = "akos vault put " + i.Key + scopeFlag(i.Scope) + " --new-key"
				break
			}
		}
		return err
	})
	return hint
}
