package workspace_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/agefile"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/project"
	"example.com/akos/workspace/state"
)

// A home is a Workspace on a real state and a real project, with holders that
// the test controls.
type home struct {
	*workspace.Workspace
	store *state.DB
	keys  *holders
	env   map[string]string
	dir   string // AKOS_HOME
	work  string // where the process works
	now   time.Time
}

func newHome(t testing.TB) *home { return openHome(t, t.TempDir(), t.TempDir(), &holders{}, "") }

// openHome is a process that works in dir work on the state under dir.
func openHome(t testing.TB, dir, work string, keys *holders, choice string) *home {
	t.Helper()
	h := &home{store: state.New(dir), keys: keys, env: map[string]string{}, dir: dir, work: work,
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	h.Workspace = workspace.New(workspace.Options{
		Project: &project.Finder{Dir: work, Choice: choice},
		Store:   h.store,
		Courier: agefile.Courier{},
		Keys:    keys,
		LookupEnv: func(name string) (string, bool) {
			v, ok := h.env[name]
			return v, ok
		},
		Now:   func() time.Time { h.now = h.now.Add(time.Second); return h.now },
		Log:   slog.New(slog.DiscardHandler),
		Actor: "test",
		Home:  dir,
	})
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *home) put(t testing.TB, key, value string) workspace.Stored {
	t.Helper()
	return h.putIn(t, workspace.ScopeWorkspace, key, value)
}

func (h *home) putIn(t testing.TB, scope workspace.Scope, key, value string) workspace.Stored {
	t.Helper()
	s, err := h.Put(t.Context(), workspace.PutRequest{Key: key, Scope: scope, Value: workspace.NewSecret([]byte(value))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// file writes a file into the directory that h works in.
func (h *home) file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(h.work, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// value opens what is stored now under a key.
func (h *home) value(t testing.TB, ref workspace.Ref) string {
	t.Helper()
	v, err := h.unseal(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *home) unseal(ctx context.Context, ref workspace.Ref) (string, error) {
	var s workspace.Sealed
	var k workspace.DataKey
	err := h.store.Read(ctx, func(tx workspace.Tx) error {
		var ok bool
		var err error
		if s, ok, err = tx.Secret(ref, 0); err != nil || !ok {
			return errors.Join(err, fmt.Errorf("%s: found: %v", ref.Key, ok))
		}
		keys, err := tx.DataKeys()
		for _, each := range keys {
			if each.ID == s.DataKey {
				k = each
			}
		}
		return err
	})
	if err != nil {
		return "", err
	}
	sealer, err := h.keys.Open(ctx, k)
	if err != nil {
		return "", err
	}
	ad := strings.Join([]string{"akos value", string(s.Ref.Scope), s.Ref.Owner, strings.ToLower(s.Ref.Key), fmt.Sprint(s.Version), s.DataKey}, "\x00")
	v, err := sealer.Unseal(s.Box, []byte(ad))
	return string(secret.Reveal(v)), err
}

func inWorkspace(key string) workspace.Ref {
	return workspace.Ref{Scope: workspace.ScopeWorkspace, Owner: "default", Key: key}
}

// want fails unless err is an error of that kind.
func want(t testing.TB, kind workspace.Kind, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if got := workspace.Explain(err).Kind; got != kind {
		t.Fatalf("%s: %v, want %s", got, err, kind)
	}
}

// must returns what cannot fail in this test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// holders are key holders in memory. They count what they are asked, and
// fail as they are told.
type holders struct {
	mu      sync.Mutex
	detects workspace.Backend
	keks    map[string]bool // by data key; false: lost
	opened  int
	created int
	// before is called by Create: what another process does meanwhile.
	before    func()
	fail      error // of Create
	hashFails error // of Hasher
	discarded []string
}

func (h *holders) Detect(context.Context) workspace.Backend {
	if h.detects == "" {
		return workspace.BackendKeychain
	}
	return h.detects
}

func (h *holders) Create(_ context.Context, b workspace.Backend) (workspace.DataKey, workspace.Sealer, error) {
	if f := h.before; f != nil {
		h.before = nil
		f()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return workspace.DataKey{}, nil, h.fail
	}
	if h.keks == nil {
		h.keks = map[string]bool{}
	}
	h.created++
	id := rand.Text()
	h.keks[id] = true
	return workspace.DataKey{ID: id, Backend: b, Holder: string(b), Wrapped: []byte("w"), Created: time.Now().UTC()}, sealer{id}, nil
}

// Hasher hashes with SHA-256 and no key. All hashes begin alike.
func (h *holders) Hasher(context.Context, bool) (workspace.Hasher, error) {
	if h.hashFails != nil {
		return nil, h.hashFails
	}
	return hasher{}, nil
}

type hasher struct{}

func (hasher) Hash(v workspace.Secret) []byte {
	sum := sha256.Sum256(bytes.TrimSpace(secret.Reveal(v)))
	return append([]byte("testalike"), sum[:]...)
}

func (h *holders) Open(_ context.Context, k workspace.DataKey) (workspace.Sealer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened++
	if !h.keks[k.ID] {
		return nil, workspace.Errorf(workspace.Unavailable, "the key is not there").Because(workspace.ErrKeyLost)
	}
	return sealer{k.ID}, nil
}

func (h *holders) Present(k workspace.DataKey) bool { return k.Lost.IsZero() }

func (h *holders) Discard(_ context.Context, k workspace.DataKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.discarded = append(h.discarded, k.ID)
	delete(h.keks, k.ID)
	return nil
}

// lose makes every key that there is now lost, or found again.
func (h *holders) lose(lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.keks {
		h.keks[id] = !lost
	}
}

func (h *holders) asked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened + h.created
}

// A sealer seals like none should: a digest of what the box is bound to, and
// the value. What it is bound to is what the domain decides.
type sealer struct{ id string }

func (s sealer) Seal(v workspace.Secret, ad []byte) ([]byte, error) {
	sum := sha256.Sum256(append([]byte(s.id), ad...))
	return append(sum[:], secret.Reveal(v)...), nil
}

func (s sealer) Unseal(box, ad []byte) (workspace.Secret, error) {
	sum := sha256.Sum256(append([]byte(s.id), ad...))
	if !bytes.HasPrefix(box, sum[:]) {
		return workspace.Secret{}, workspace.Errorf(workspace.Unavailable, "the stored value does not open with this key")
	}
	return secret.New(box[len(sum):]), nil
}
