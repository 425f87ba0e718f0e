package vault

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"example.com/akos/workspace/internal/secret"
)

const (
	identityName    = home.Identity
	identityPrefix  = "AKOS-KEK-1 "
	identityComment = "# The key of the akos vault in this directory. Whoever has it can open every value: keep it private, and keep a backup.\n"
	identityLimit   = 4 << 10
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
	if err := makeIdentity(path); err != nil {
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
	if err == nil && info.Size()+int64(len(line)) > identityLimit {
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

// makeIdentity makes an identity file, unless there is one. It is written
// beside its place and linked into it: a crash leaves none or a whole one,
// and of two processes both use the file of the one that linked first.
func makeIdentity(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := home.Make(filepath.Dir(path)); err != nil {
		return err
	}
	draft := path + "." + newID()
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	// The mode again, because a strict umask takes rights from the owner too.
	err = f.Chmod(0o600)
	if runtime.GOOS == "windows" {
		err = nil // it has no such modes
	}
	if err == nil {
		_, err = f.Write(encodeIdentity(newKey()))
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return home.Sync(filepath.Dir(path))
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

// readIdentity returns the KEKs of an identity file, at least one. It refuses a
// file that somebody else may have read or put there: what it seals would look
// safe and not be.
func readIdentity(path string) ([]secret.Value, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, lost("the identity file %s is missing", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, workspace.Errorf(workspace.Denied, "the identity file %s is not a regular file", path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case home.Foreign(info):
		return nil, workspace.Errorf(workspace.Denied, "the identity file %s belongs to another user", path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, workspace.Errorf(workspace.Denied, "the identity file %s is open to other users", path).
			WithHint("chmod go= %s", workspace.ShellQuote(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return nil, errors.Join(errors.New("it was replaced while it was opened"), err)
	}
	data, err := readAtMost(f, identityLimit)
	defer clear(data)
	if err != nil {
		return nil, err
	}
	keks := decodeIdentity(data)
	if len(keks) == 0 {
		return nil, lost("the identity file %s is damaged", path)
	}
	return keks, nil
}
