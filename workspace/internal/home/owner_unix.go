//go:build unix

package home

import (
	"io/fs"
	"os"
	"syscall"
)

// Foreign reports whether a file belongs to another user.
func Foreign(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) != os.Geteuid()
}
