package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
	"example.com/akos/workspace/internal/secret"
)

// keyFileLimit is the size of the largest file with a key, in bytes.
const keyFileLimit = 4 << 10

// createInFile chooses the holder of a new data key of the file backend and
// returns its KEK: a passphrase if one is named, a systemd credential if this
// service has one, else the identity file, which is made if there is none.
func (h *Holders) createInFile(ctx context.Context, k *workspace.DataKey) (secret.Value, error) {
	if _, ok := h.env(envPassphrase); ok {
		k.Holder = holderPassphrase
		return h.createFromPassphrase(ctx, k)
	}
	if path, ok := h.credentialPath(); ok {
		_, err := within(ctx, h.reading, func(context.Context) (fs.FileInfo, error) { return os.Stat(path) })
		if err == nil {
			k.Holder = holderSystemd
			return h.fromSystemd(ctx)
		}
		// One that is there and can't be reached must not become a second key.
		if !errors.Is(err, fs.ErrNotExist) {
			return secret.Value{}, unreadable(workspace.Unavailable, err, "the systemd credential %s can't be read", path)
		}
	}
	k.Holder = holderIdentity
	path := h.identityPath()
	kek, err := within(ctx, h.reading, func(context.Context) (secret.Value, error) { return ensureIdentity(path) })
	if err != nil {
		err = unreadable(workspace.Unavailable, err, "the identity file %s can't be made", path)
	}
	return kek, err
}

// readAtMost returns the content of f if it has no more than limit bytes.
func readAtMost(f io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return data, err
}

// makePrivate makes a file at path that its owner alone can read, unless there
// is one. It is written beside its place and linked into it: a crash leaves none or a whole one,
// and of two processes both use the file of the one that linked first.
func makePrivate(path string, content func() []byte) error {
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
		_, err = f.Write(content())
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

// readPrivate returns the content of the file at path, what it is called. It
// refuses a file that somebody else may have read or put there: what it seals
// would look safe and not be.
func readPrivate(what, path string) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, workspace.Errorf(workspace.Denied, "the %s %s is not a regular file", what, path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case home.Foreign(info):
		return nil, workspace.Errorf(workspace.Denied, "the %s %s belongs to another user", what, path).
			WithHint("ls -l %s", workspace.ShellQuote(path))
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, workspace.Errorf(workspace.Denied, "the %s %s is open to other users", what, path).
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
	return readAtMost(f, keyFileLimit)
}
