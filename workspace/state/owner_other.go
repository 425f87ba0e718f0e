//go:build !unix

package state

import "io/fs"

// owner returns nothing: who may read a file is not in its mode here.
func owner(fs.FileInfo) (uid int, ok bool) { return 0, false }

// names returns 1, since os.FileInfo does not tell it here.
func names(fs.FileInfo) int { return 1 }
