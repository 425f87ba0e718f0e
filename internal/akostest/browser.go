//go:build browser

package akostest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Browse has a script of scripts/browser do a job in a real Chromium, and fails
// the test with each line that it says. Pictures are kept in t.ArtifactDir.
func Browse(t testing.TB, script string, job map[string]any) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run scripts/setup-browser.sh", err)
	}
	job["chromium"], job["shots"] = chromium, t.ArtifactDir()
	t.Logf("screenshots: %s", job["shots"])
	in, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	root := Root(t)
	cmd := exec.Command("node", filepath.Join(root, "scripts", "browser", script), filepath.Join(root, ".cache", "browser", "node_modules"))
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v: %s", err, &errs)
	}
	for line := range strings.Lines(string(out)) {
		t.Error(strings.TrimSpace(line))
	}
	t.Log(strings.TrimSpace(errs.String()))
}
