package vault

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

const (
	identityName    = "vault.identity"
	identityPrefix  = "AKOS-KEK-1 "
	identityComment = "# The key of the akos vault in this directory. Whoever has it can open every value: keep it private, and keep a backup.\n"
	identityLimit   = 4 << 10
)

func (h *Holders) identityPath() string { return filepath.Join(h.home, identityName) }

func (h *Holders) hasIdentity() bool {
	_, err := os.Lstat(h.identityPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// makeIdentity makes an identity file, unless there is one. It is written
// beside its place and linked into it: a crash leaves none or a whole one,
// and of two processes both use the file of the one that linked first.
func makeIdentity(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeHome(path); err != nil {
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
	return syncDir(filepath.Dir(path))
}

// fromIdentity returns the KEK of the identity file.
func (h *Holders) fromIdentity(ctx context.Context) (secret.Value, error) {
	path := h.identityPath()
	kek, err := within(ctx, h.reading, func(context.Context) (secret.Value, error) { return readIdentity(path) })
	if err != nil {
		err = unreadable(workspace.Unavailable, err, "the identity file %s can't be read", path)
	}
	return kek, err
}

// readIdentity refuses a file that somebody else may have read or put there:
// what it seals would look safe and not be.
func readIdentity(path string) (secret.Value, error) {
	var none secret.Value
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none, lost("the identity file %s is missing", path)
	case err != nil:
		return none, err
	case !info.Mode().IsRegular():
		return none, workspace.Errorf(workspace.Denied, "the identity file %s is not a regular file", path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return none, workspace.Errorf(workspace.Denied, "the identity file %s is open to other users", path).
			WithHint("chmod go= %s", workspace.ShellQuote(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return none, err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return none, errors.Join(errors.New("it was replaced while it was opened"), err)
	}
	data, err := readAtMost(f, identityLimit)
	defer clear(data)
	if err != nil {
		return none, err
	}
	kek, ok := decodeIdentity(data)
	if !ok {
		return none, lost("the identity file %s is damaged", path)
	}
	return kek, nil
}

// syncDir makes a link in dir last.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory can't be synced there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
