package project

import (
	"strings"
	"unicode"

	"example.com/akos/workspace"
)

// At returns the workspace whose file is in dir.
func (f *Finder) At(dir string) (workspace.Site, error) { return load(dir) }

// checkDir refuses a directory whose name could forge a line of what is shown
// of it.
func checkDir(dir string) error {
	if strings.ContainsFunc(dir, unicode.IsControl) {
		return workspace.Errorf(workspace.Invalid, "a directory above the workspace file has a control character in its name: rename it")
	}
	return nil
}
