package vault

import "io/fs"

// isOurs reports true: there the rights of the directory say who gets in.
func isOurs(fs.FileInfo) bool { return true }
