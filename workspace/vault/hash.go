package vault

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
)

const (
	hashKeyName    = home.HashKey
	hashKeyPrefix  = "AKOS-HASH-1 "
	hashKeyComment = "# With this key akos knows a stored value when it is given as an argument. It opens none. Keep it private; if it is lost, another one is made.\n"
)

// Hasher returns what hashes values under the key of the file vault.hashkey.
//
// The key seals nothing and is in no keychain: arguments are compared with it
// in every call, and no keychain can be asked each time, nor stay open for
// that. It is read anew each time, so that a home that was replaced is not
// hashed for with the key of the old one.
func (h *Holders) Hasher(ctx context.Context, make bool) (workspace.Hasher, error) {
	path := filepath.Join(h.home, hashKeyName)
	hr, err := within(ctx, h.reading, func(context.Context) (workspace.Hasher, error) {
		if make {
			if err := makePrivate(path, func() []byte { return encodeHashKey(newKey()) }); err != nil {
				return nil, err
			}
		}
		data, err := readPrivate("hash key", path)
		defer clear(data)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		key, ok := decodeHashKey(data)
		if !ok {
			return nil, workspace.Errorf(workspace.Unavailable, "the hash key %s is damaged; without it a new one is made", path).
				WithHint("rm %s", workspace.ShellQuote(path))
		}
		return hasher{key}, nil
	})
	if err != nil {
		err = unreadable(workspace.Unavailable, err, "the hash key %s can't be read", path)
	}
	return hr, err
}
