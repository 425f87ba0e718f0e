package project

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps the files of two names in dir, in one step. Where that can't
// be done it is errors.ErrUnsupported.
func exchange(dir *os.Root, a, b string) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	err = unix.Renameat2(int(d.Fd()), a, int(d.Fd()), b, unix.RENAME_EXCHANGE)
	// EINVAL is a file system that has no such thing, EPERM a sandbox that
	// does not know the call.
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		err = errors.ErrUnsupported
	}
	return err
}
