package akostest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Program builds akos as it is released, and returns its path, which ends with
// the test.
func Program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "akos")
	cmd := exec.Command("go", "build", "-o", path, "example.com/akos/cmd/akos")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// Root returns the directory of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	module := regexp.MustCompile(`(?m)^module example\.com/akos$`)
	for ; ; dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && module.Match(mod) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the module is not found")
		}
	}
}
