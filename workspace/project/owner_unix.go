//go:build unix

package project

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner of info, for root, who replaces the files of
// others.
func keepOwner(f *os.File, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return f.Chown(int(st.Uid), int(st.Gid))
	}
	return nil
}
