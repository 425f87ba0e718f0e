//go:build unix

package vault

import (
	"io/fs"
	"os"
	"syscall"
)

// isOurs reports whether the file is of the user of this process.
func isOurs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Geteuid()
}
