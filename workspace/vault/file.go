package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

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
