package project

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// keepOwner does nothing: a new file inherits its directory's owner and rights.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// isOwn is always true: what is made in a home is the group's there, for an
// administrator.
func isOwn(fs.FileInfo) bool { return true }

// links returns how many names the file has.
func links(f *os.File) (uint64, error) {
	var info windows.ByHandleFileInformation
	err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info)
	return uint64(info.NumberOfLinks), err
}

// syncDir does nothing: a directory can't be synced there.
func syncDir(*os.Root) error { return nil }
