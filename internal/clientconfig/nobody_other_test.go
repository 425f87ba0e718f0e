//go:build unix && !linux

package clientconfig

import (
	"os"
	"testing"
)

// asNobody runs f, for whom permissions must count.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root ignores permissions")
	}
	f()
}
