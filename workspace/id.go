package workspace

import (
	"regexp"
	"sync"
)

var slug = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
})

// CheckID returns nil if id can be the id of a workspace.
func CheckID(id string) error {
	if err := Refuse(id, "a workspace id"); err != nil {
		return err
	}
	if !slug().MatchString(id) {
		return Errorf(Invalid, "a workspace id is up to 63 lower-case letters, digits and inner hyphens")
	}
	return nil
}
