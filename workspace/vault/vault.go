// Package vault seals values and reaches the holders of the keys that seal
// them: the OS keychain, an identity file, a passphrase, a systemd
// credential.
//
// It does not know where sealed values are kept, what they are called or who
// may use them. Its invariants: a key-encryption key (KEK) that exists is
// never overwritten; a data key is only handed out once its KEK was read back
// from the holder; nothing that waits waits longer than the deadline.
package vault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

// The holders of a DataKey.
const (
	holderKeychain   = "os-keychain"
	holderIdentity   = "identity"
	holderPassphrase = "passphrase"
	holderSystemd    = "systemd"
)

// Options are what Holders stand on.
type Options struct {
	Home      string                      // AKOS_HOME: where the identity file lies
	LookupEnv func(string) (string, bool) // the process environment
	Deadline  time.Duration               // for each answer of a keychain or file; 0: 5 s
	Keychain  Keychain                    // nil: the one of this OS
	Now       func() time.Time            // nil: time.Now
}

// Holders implement [workspace.KeyHolders]. They hold no key themselves, but
// for those that a passphrase was stretched to, and are safe for concurrent
// use; a process needs one of them.
type Holders struct {
	home      string
	lookupEnv func(string) (string, bool)
	now       func() time.Time
	keychain  Keychain
	asking    *gate // calls of the keychain
	reading   *gate // reads of files, any of which may be a pipe or lie on a dead mount
	stretched *stretched
}

var _ workspace.KeyHolders = (*Holders)(nil)

// New returns Holders. It touches neither the keychain nor a file.
func New(opts Options) *Holders {
	if opts.Deadline == 0 {
		opts.Deadline = 5 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Keychain == nil {
		opts.Keychain = newOSKeychain(opts.LookupEnv)
	}
	h := &Holders{
		home: opts.Home, lookupEnv: opts.LookupEnv, now: opts.Now, keychain: opts.Keychain,
		asking: newGate(opts.Deadline), reading: newGate(opts.Deadline), stretched: newStretched(),
	}
	if r, ok := opts.Keychain.(interface{ Reset() }); ok {
		h.asking.reset = r.Reset
	}
	return h
}

// Detect returns the backend that works on this machine.
func (h *Holders) Detect(ctx context.Context) workspace.Backend {
	if d, ok := h.keychain.(interface{ There(context.Context) bool }); ok && !d.There(ctx) {
		return workspace.BackendFile
	}
	return workspace.BackendKeychain
}

// Create makes a data key whose KEK is held by b.
func (h *Holders) Create(ctx context.Context, b workspace.Backend) (workspace.DataKey, workspace.Sealer, error) {
	k := workspace.DataKey{ID: newID(), Backend: b, Created: h.now().UTC()}
	var kek secret.Value
	err := ctx.Err()
	if err == nil {
		switch b {
		case workspace.BackendKeychain:
			k.Holder = holderKeychain
			kek, err = h.createInKeychain(ctx, k.ID)
		case workspace.BackendFile:
			kek, err = h.createInFile(ctx, &k)
		default:
			err = workspace.Errorf(workspace.Invalid, "the vault backend %s holds no key", b).WithHint(workspace.OtherBackend)
		}
	}
	if err != nil {
		return workspace.DataKey{}, nil, err
	}
	key := newKey()
	if k.Wrapped, err = seal(kek, key, binding(k)); err != nil {
		return workspace.DataKey{}, nil, err
	}
	return k, sealer{key}, nil
}

// Open unwraps k.
func (h *Holders) Open(ctx context.Context, k workspace.DataKey) (workspace.Sealer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	keks, err := h.keks(ctx, k)
	if err != nil {
		return nil, err
	}
	for _, kek := range keks {
		if key, ok := unseal(kek, k.Wrapped, binding(k)); ok {
			return sealer{key}, nil
		}
	}
	return nil, h.wrongKEK(k)
}

// keks returns the KEKs that the holder of k has, be the right one among them
// or not.
func (h *Holders) keks(ctx context.Context, k workspace.DataKey) ([]secret.Value, error) {
	var kek secret.Value
	var err error
	switch k.Holder {
	case holderKeychain:
		kek, err = h.fromKeychain(ctx, k.ID)
	case holderIdentity:
		return h.fromIdentity(ctx)
	case holderPassphrase:
		kek, err = h.fromPassphrase(ctx, k.Params)
	case holderSystemd:
		kek, err = h.fromSystemd(ctx)
	default:
		err = workspace.Errorf(workspace.Unavailable, "this version of akos can't reach the key holder %q", k.Holder).
			WithHint("akos doctor")
	}
	return []secret.Value{kek}, err
}

// wrongKEK says that the holder of k has a key that does not open k. With a
// passphrase that is a slip of the person and no loss.
func (h *Holders) wrongKEK(k workspace.DataKey) error {
	switch k.Holder {
	case holderPassphrase:
		path, _ := h.env(envPassphrase)
		return workspace.Errorf(workspace.Denied, "the passphrase in %s does not open this vault; %s names the file that does", path, envPassphrase).
			WithHint(aboutPassphrase)
	case holderIdentity:
		return lost("the identity file %s does not hold the key of this vault", h.identityPath())
	case holderSystemd:
		return lost("the systemd credential %s holds another key than that of this vault", credential)
	}
	return lost("the OS keychain holds another key-encryption key than that of this vault")
}

// Present reports whether the holder of k can still have its KEK. A keychain
// that was found without it is not asked again; a file may have been restored,
// and is looked into.
func (h *Holders) Present(k workspace.DataKey) bool {
	switch k.Holder {
	case holderKeychain, holderPassphrase:
		return k.Lost.IsZero()
	case holderIdentity:
		return k.Lost.IsZero() && h.hasIdentity() || !k.Lost.IsZero() && h.opens(k)
	case holderSystemd:
		return k.Lost.IsZero() || h.opens(k)
	}
	return false
}

// opens reports whether k, whose holder is a file, opens now.
func (h *Holders) opens(k workspace.DataKey) bool {
	_, err := h.Open(context.Background(), k)
	return err == nil
}

// Discard removes the keychain item of k. An identity file stays: other data
// keys may be wrapped under it. It must only be called for a data key that
// was never used.
func (h *Holders) Discard(ctx context.Context, k workspace.DataKey) error {
	if k.Holder != holderKeychain {
		return nil
	}
	return h.deleteFromKeychain(ctx, k.ID)
}

// env returns a variable; an empty one counts as unset.
func (h *Holders) env(name string) (string, bool) {
	v, ok := h.lookupEnv(name)
	return v, ok && v != ""
}

// binding returns the associated data of a wrapped data key: it opens under
// no other ID, backend or holder.
func binding(k workspace.DataKey) []byte {
	return []byte(strings.Join([]string{"akos data key", k.ID, string(k.Backend), k.Holder}, "\x00"))
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

// lost returns an error that wraps workspace.ErrKeyLost.
func lost(format string, args ...any) *workspace.Error {
	return workspace.Errorf(workspace.Unavailable, format, args...).WithHint("akos doctor").Because(workspace.ErrKeyLost)
}

// unreadable returns the error of a file that could not be read in time or at
// all; err goes to the log.
func unreadable(kind workspace.Kind, err error, format string, args ...any) error {
	if e := (*workspace.Error)(nil); errors.As(err, &e) {
		return err // it says more
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, errNoAnswer) {
		kind = workspace.Unavailable
	}
	return workspace.Errorf(kind, format, args...).WithHint("akos doctor").Because(err)
}
