//go:build unix

package wire

import "syscall"

// private makes every file that this process creates its owner's alone,
// whatever umask it was started with: SQLite makes files beside the database
// with a mode that cannot be chosen.
func private() { syscall.Umask(0o077) }
