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
	err = unix.RenameatxNp(int(d.Fd()), a, int(d.Fd()), b, unix.RENAME_SWAP)
	if errors.Is(err, unix.EINVAL) {
		err = errors.ErrUnsupported // a file system that has no such thing
	}
	return err
}
