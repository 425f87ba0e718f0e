//go:build idp && linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/akos/internal/akostest"
)

// TestOwnServer logs in at our own server: the real binary, the real pages, a
// real browser that a person's keys and clicks drive.
func TestOwnServer(t *testing.T) {
	dir := t.TempDir()
	akos, root := akostest.Program(t), akostest.Root(t)
	env := []string{"HOME=" + dir, "AKOS_HOME=" + filepath.Join(dir, "home"), "AKOS_VAULT=file", "PATH=" + os.Getenv("PATH"), "DBUS_SESSION_BUS_ADDRESS=none:",
		"NODE_PATH=" + filepath.Join(root, ".cache/browser/node_modules"), "PASSWORD=fake-password-of-ada"}
	command := func(name string, args ...string) (*exec.Cmd, *akostest.Buffer) {
		cmd, out := exec.Command(name, args...), &akostest.Buffer{}
		cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
		return cmd, out
	}
	run := func(stdin, name string, args ...string) string {
		t.Helper()
		cmd, out := command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return out.String()
	}

	run("fake-password-of-ada", akos, "user", "add", "ada", "--password-stdin")
	serve, served := command(akos, "serve", "--listen", "127.0.0.1:0")
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = serve.Process.Signal(syscall.SIGTERM)
		if err := serve.Wait(); err != nil {
			t.Errorf("akos serve: %v\n%s", err, served)
		}
	}()
	served.Await(t, `akos serves (\S+)`)
	login, shown := command(akos, "auth", "login", "--no-browser")
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	address, code := shown.Await(t, `Open this page:\s+(\S+)`)[1], shown.Await(t, `Enter this code:\s+(\S+)`)[1]
	run("", "node", filepath.Join(root, "scripts/browser/person.cjs"), address, code, "ada")
	if err := login.Wait(); err != nil || !strings.Contains(shown.String(), "Logged in as ada") {
		t.Fatalf("%v\n%s", err, shown)
	}
	if out := run("", akos, "auth", "whoami"); !strings.Contains(out, "Logged in as ada on tenant local") {
		t.Error(out)
	}
}
