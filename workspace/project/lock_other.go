//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package project

import (
	"errors"
	"os"
)

// tryLock fails: files can't be locked here.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
