//go:build unix

package project

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner and the group of info. A group that has no rights
// in the file may be another.
func keepOwner(f *os.File, info fs.FileInfo) error {
	made, err := f.Stat()
	if err != nil {
		return err
	}
	want, ok := info.Sys().(*syscall.Stat_t)
	have, same := made.Sys().(*syscall.Stat_t)
	if !ok || !same || want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	err = f.Chown(int(want.Uid), int(want.Gid))
	if want.Uid == have.Uid && info.Mode()&0o070 == 0 {
		err = nil
	}
	return err
}

// isOwn reports whether what info is of belongs to this user.
func isOwn(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// links returns how many names the file has.
func links(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1, nil
	}
	return uint64(st.Nlink), nil
}

// syncDir makes a change of names in dir last.
func syncDir(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	_ = f.Sync() // not every file system can
	return f.Close()
}
