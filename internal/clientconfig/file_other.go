//go:build !unix

package clientconfig

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: a new file belongs to the owner of its directory's
// access list.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncDir does nothing: a directory can't be synced here.
func syncDir(string) {}
