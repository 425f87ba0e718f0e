package project

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/akos/workspace"
)

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("it grew while it was read")
	}
	return data, err
}

// Replace puts new in the place of old, atomically and with the file's mode.
func (f *Finder) Replace(root, path string, old, new []byte) error {
	if root == "" {
		target, err := filepath.EvalSymlinks(f.absolute(path))
		if err != nil {
			return unreadable(path, err)
		}
		root, path = filepath.Dir(target), filepath.Base(target)
	}
	r, rel, err := within(root, path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := replace(r, rel, old, new); err != nil {
		if e := (*workspace.Error)(nil); errors.As(err, &e) {
			return err
		}
		return workspace.Errorf(workspace.Unavailable, "%s can't be replaced", path).Because(err)
	}
	return nil
}

func replace(r *os.Root, path string, old, new []byte) (err error) {
	info, err := r.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return workspace.Errorf(workspace.Invalid, "%s is a symlink: name the file itself", path)
	}
	draft := path + ".akos-new"
	if err := r.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) { // what a crash left
		return err
	}
	f, err := r.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = r.Remove(draft)
		}
	}()
	_, err = f.Write(new)
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), keepOwner(f, info), f.Sync(), f.Close()); err != nil {
		return err
	}
	// The last look before the rename: what somebody wrote in the meantime
	// must not be lost.
	now, err := r.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return workspace.Errorf(workspace.Conflict, "%s changed while it was read; it is left as it is", path)
	}
	return r.Rename(draft, path)
}
