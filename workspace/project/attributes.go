//go:build linux || darwin

package project

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// accessList is the attribute that says who may read a file beside its mode.
const accessList = "system.posix_acl_access"

// keepAttributes gives to the extended attributes of from, and no other. Those
// that can't be given are left out, but for the access list: without it others
// could read the file than before.
func keepAttributes(to, from *os.File) error {
	wanted := attributes(from)
	var failed error
	for name := range attributes(to) {
		if _, ok := wanted[name]; !ok {
			if err := unix.Fremovexattr(int(to.Fd()), name); err != nil && name == accessList {
				failed = err
			}
		}
	}
	for name, value := range wanted {
		if err := unix.Fsetxattr(int(to.Fd()), name, value, 0); err != nil && name == accessList {
			failed = err
		}
	}
	return failed
}

// attributes returns the attributes of f that can be read.
func attributes(f *os.File) map[string][]byte {
	found := map[string][]byte{}
	names, err := sized(func(b []byte) (int, error) { return unix.Flistxattr(int(f.Fd()), b) })
	if err != nil {
		return found
	}
	for name := range strings.SplitSeq(string(names), "\x00") {
		if name == "" {
			continue
		}
		if v, err := sized(func(b []byte) (int, error) { return unix.Fgetxattr(int(f.Fd()), name, b) }); err == nil {
			found[name] = v
		}
	}
	return found
}

// sized calls read for the size, and then for as much.
func sized(read func([]byte) (int, error)) ([]byte, error) {
	n, err := read(nil)
	if n <= 0 || err != nil {
		return nil, err
	}
	b := make([]byte, n)
	n, err = read(b)
	return b[:max(n, 0)], err
}
