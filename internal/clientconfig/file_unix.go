//go:build unix

package clientconfig

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives w to the owner of the file it replaces. Only root can, and
// only root has to: under sudo the file would no longer be its owner's.
func keepOwner(w *os.File, old fs.FileInfo) error {
	stat, ok := old.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return w.Chown(int(stat.Uid), int(stat.Gid))
}

// syncDir makes a rename last. The file is in place already, so a file system
// that can't do it is no failure.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
