//go:build !unix

package home

import "io/fs"

// Foreign reports false: here the rights of the directory say who gets in.
func Foreign(fs.FileInfo) bool { return false }
