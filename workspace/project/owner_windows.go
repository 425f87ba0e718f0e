package project

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: a new file inherits its directory's owner and rights.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
