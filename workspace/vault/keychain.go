package vault

import (
	"context"
	"errors"
	"strconv"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"github.com/zalando/go-keyring"
)

const (
	service       = "akos"
	accountPrefix = "kek-" // then the ID of the data key: homes never collide, and nothing is overwritten
	itemPrefix    = "akos-kek-1:"
)

// A Keychain keeps short texts by service and account. Its calls may hang and
// may panic. An item that is not there is keyring.ErrNotFound of
// github.com/zalando/go-keyring, whose error texts tell of a locked keychain
// too.
//
// A Keychain that also has the method There(context.Context) bool is asked by
// Detect; one without is always there. One that has the method Reset() is
// asked to end all calls that hang.
type Keychain interface {
	Get(service, account string) (string, error)
	Set(service, account, item string) error
	Delete(service, account string) error
}

// osKeychain is the keychain of this OS, reached through go-keyring. That
// looks into the environment of the process itself, of which lookupEnv should
// be a view. The methods There, Reset and refuse differ by OS.
type osKeychain struct {
	lookupEnv func(string) (string, bool)
	busSocket string // where a session bus listens without a variable; D-Bus only
}

func (k osKeychain) Get(service, account string) (string, error) {
	if err := k.refuse(); err != nil {
		return "", err
	}
	return keyring.Get(service, account)
}

func (k osKeychain) Set(service, account, item string) error {
	if err := k.refuse(); err != nil {
		return err
	}
	return keyring.Set(service, account, item)
}

func (k osKeychain) Delete(service, account string) error {
	if err := k.refuse(); err != nil {
		return err
	}
	return keyring.Delete(service, account)
}

// createInKeychain makes a KEK, puts it into the keychain and reads it back:
// a keychain that only seems to keep it would lose every value.
func (h *Holders) createInKeychain(ctx context.Context, id string) (secret.Value, error) {
	account := accountPrefix + id
	kek, err := within(ctx, h.asking, func(ctx context.Context) (secret.Value, error) {
		kek := newKey()
		if err := h.keychain.Set(service, account, encodeKEK(itemPrefix, kek)); err != nil {
			return secret.Value{}, err
		}
		back, err := h.keychain.Get(service, account)
		if err == nil {
			if kept, ok := decodeKEK(itemPrefix, back); !ok || !secret.Equal(kept, kek) {
				err = errNotKept
			}
		} else if errors.Is(err, keyring.ErrNotFound) {
			err = errNotKept
		}
		if err == nil {
			err = ctx.Err() // abandoned, so nobody will know of the item
		}
		if err != nil {
			_ = h.keychain.Delete(service, account)
		}
		return kek, err
	})
	return kek, h.explain(err)
}

// errNotKept says that a keychain took an item and did not give it back.
var errNotKept = errors.New("what was read back differs from what was stored")

func (h *Holders) fromKeychain(ctx context.Context, id string) (secret.Value, error) {
	item, err := within(ctx, h.asking, func(context.Context) (string, error) {
		return h.keychain.Get(service, accountPrefix+id)
	})
	if err != nil {
		return secret.Value{}, h.explain(err)
	}
	kek, ok := decodeKEK(itemPrefix, item)
	if !ok {
		return kek, lost("the key-encryption key of this vault is damaged in the OS keychain")
	}
	return kek, nil
}

func (h *Holders) deleteFromKeychain(ctx context.Context, id string) error {
	_, err := within(ctx, h.asking, func(context.Context) (struct{}, error) {
		err := h.keychain.Delete(service, accountPrefix+id)
		if errors.Is(err, keyring.ErrNotFound) {
			err = nil
		}
		return struct{}{}, err
	})
	return h.explain(err)
}

// explain returns the error of a keychain as one that a person can act on.
// Each one means that the keychain can't be used now, and all but one that
// the key may well still be there.
func (h *Holders) explain(err error) error {
	unavailable := func(msg string) error {
		return workspace.Errorf(workspace.Unavailable, "%s", msg).WithHint("akos doctor").Because(err)
	}
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, keyring.ErrNotFound):
		return lost("the key-encryption key of this vault is not in the OS keychain")
	case errors.Is(err, errNoAnswer):
		return unavailable("the OS keychain did not answer within " + seconds(h.asking.deadline) +
			"; if it asks for its password, give it and try again")
	case errors.Is(err, errNotKept):
		return unavailable("the OS keychain did not keep the key-encryption key")
	case errors.Is(err, errNoBus):
		return unavailable("no OS keychain can be reached: there is no D-Bus session bus here")
	case isLocked(err):
		return unavailable("the OS keychain is locked; unlock it and try again")
	case isAbsent(err):
		return unavailable("no OS keychain can be reached: nothing on the D-Bus session bus keeps secrets")
	}
	return unavailable("the OS keychain can't be reached")
}

// errNoBus says that there is no D-Bus session bus to ask.
var errNoBus = errors.New("neither DBUS_SESSION_BUS_ADDRESS nor a socket in the runtime directory")

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'g', 3, 64) + " s"
}
