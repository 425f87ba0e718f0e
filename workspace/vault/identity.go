package vault

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"example.com/akos/workspace/internal/secret"
)

const (
	identityName    = home.Identity
	identityPrefix  = "AKOS-KEK-1 "
	identityComment = "# The key of the akos vault in this directory. Whoever has it can open every value: keep it private, and keep a backup.\n"
)

func (h *Holders) identityPath() string { return filepath.Join(h.home, identityName) }

func (h *Holders) hasIdentity() bool {
	_, err := os.Lstat(h.identityPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// ensureIdentity returns a KEK of the identity file. It makes the file if there
// is none, and adds a key to one that has none that can be read: what is in it
// stays.
func ensureIdentity(path string) (secret.Value, error) {
	if err := makePrivate(path, func() []byte { return encodeIdentity(newKey()) }); err != nil {
		return secret.Value{}, err
	}
	keks, err := readIdentity(path)
	if err == nil {
		return keks[len(keks)-1], nil // the newest, unless somebody else put them in order
	}
	if !errors.Is(err, workspace.ErrKeyLost) {
		return secret.Value{}, err
	}
	kek := newKey()
	if err := addToIdentity(path, kek); err != nil {
		return secret.Value{}, err
	}
	keks, err = readIdentity(path)
	if err == nil && !slices.ContainsFunc(keks, func(k secret.Value) bool { return secret.Equal(k, kek) }) {
		err = errors.New("what was added to it is not there")
	}
	return kek, err
}

// addToIdentity adds a line to the identity file, which was read before. It is
// one write at the end of the file: of two processes neither overwrites the
// other's line, and what a crash leaves of one is a line that can't be read.
func addToIdentity(path string, kek secret.Value) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	line := encodeLine(kek)
	info, err := f.Stat()
	if err == nil && info.Size()+int64(len(line)) > keyFileLimit {
		err = workspace.Errorf(workspace.Unavailable, "the identity file %s is damaged, and too large to take another key; move it away to have a new one made", path).
			WithHint("mv %s %s", workspace.ShellQuote(path), workspace.ShellQuote(path+".damaged"))
	}
	if err == nil {
		_, err = f.Write(line)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// fromIdentity returns the KEKs of the identity file.
func (h *Holders) fromIdentity(ctx context.Context) ([]secret.Value, error) {
	path := h.identityPath()
	keks, err := within(ctx, h.reading, func(context.Context) ([]secret.Value, error) { return readIdentity(path) })
	if err != nil {
		err = unreadable(workspace.Unavailable, err, "the identity file %s can't be read", path)
	}
	return keks, err
}

// readIdentity returns the KEKs of an identity file, at least one.
func readIdentity(path string) ([]secret.Value, error) {
	data, err := readPrivate("identity file", path)
	defer clear(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lost("the identity file %s is missing", path)
	}
	if err != nil {
		return nil, err
	}
	keks := decodeIdentity(data)
	if len(keks) == 0 {
		return nil, lost("the identity file %s is damaged", path)
	}
	return keks, nil
}
