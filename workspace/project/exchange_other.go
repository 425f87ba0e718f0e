//go:build !linux && !darwin

package project

import (
	"errors"
	"os"
)

// exchange can't be done here.
func exchange(*os.Root, string, string) error { return errors.ErrUnsupported }
