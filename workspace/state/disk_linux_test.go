package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
)

// mounts returns after this process may mount. Without that right the test
// runs again, in a user and a mount namespace of its own; false: it did, and
// the caller has nothing left to do.
func mounts(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k")
	if err == nil {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Getenv("AKOS_TEST_NAMESPACE") != "" {
		t.Fatalf("this test mounts a file system, and neither this user nor a user namespace may (run it as root): %v", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "AKOS_TEST_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	return false
}

func mount(t *testing.T, source, dir, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, dir, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}

// ballast takes what space is left under dir but for spare bytes.
func ballast(t *testing.T, dir string, spare int64) (free func()) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ballast")
	if n := int64(fs.Bavail)*fs.Bsize - spare; n > 0 {
		if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// TestFullDisk fills a small file system: what was stored stays, what does not
// fit leaves nothing, and with space again all works.
func TestFullDisk(t *testing.T) {
	if !mounts(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=2m,mode=0700")
	home := filepath.Join(dir, "home")

	// The home itself does not fit.
	for _, spare := range []int64{0, 4 << 10, 16 << 10, 40 << 10} {
		free := ballast(t, dir, spare)
		refused(t, home, nil, "vault", "put", "K", "--stdin")
		sick(t, home, "[FAIL] state: no space is left for "+home)
		free()
	}
	ok(t, home, "old", "vault", "put", "K", "--stdin")
	ok(t, home, "other", "vault", "put", "OTHER", "--stdin")
	before, err := look(t, home)
	if err != nil || before.values["K"] != "old" || before.audit != 2 {
		t.Fatalf("%+v %v", before.values, err)
	}
	intact := func(what string) {
		t.Helper()
		after, err := look(t, home)
		if err != nil || !maps.Equal(after.values, before.values) || !maps.Equal(after.versions, before.versions) || after.audit != before.audit {
			t.Fatalf("%s: %v, %d acts, %v", what, after.versions, after.audit, err)
		}
	}
	big := bytes.Repeat([]byte{0, 1}, 200<<10)
	var file strings.Builder
	for i := range 60 {
		fmt.Fprintf(&file, "FILE_%d=%s\n", i, strings.Repeat("x", 8000))
	}
	env := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(env, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, spare := range []int64{40 << 10, 80 << 10, 200 << 10, 400 << 10} {
		free := ballast(t, dir, spare)
		if r := do(command(t, home, "vault", "put", "K", "--stdin"), big); r.code != 8 || !strings.Contains(r.err, "no space is left") {
			t.Errorf("%d bytes left: exit %d: %s", spare, r.code, r.err)
		}
		// In the middle of an import.
		if spare >= 200<<10 {
			refused(t, home, []string{"no space is left", "nothing was changed"}, "vault", "import", env)
		}
		free()
		intact(fmt.Sprintf("%d bytes left", spare))
	}
	free := ballast(t, dir, 0)
	if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != 2 {
		t.Errorf("a full disk lists %s", out)
	}
	refused(t, home, []string{"no space is left"}, "vault", "put", "K", "--stdin")
	sick(t, home, "[FAIL] state: no space is left for "+home)
	refused(t, home, []string{"no space is left", "nothing was changed", "to remove something too"}, "vault", "remove", "K")
	free()
	intact("full")
	ok(t, home, "", "vault", "import", env)
	if r := do(command(t, home, "vault", "put", "K", "--stdin"), big); r.code != 0 {
		t.Errorf("with space again: exit %d: %s", r.code, r.err)
	}
	if s, err := look(t, home); err != nil || s.values["K"] != string(big) || len(s.values) != 62 {
		t.Errorf("with space again: %d values, %v", len(s.values), err)
	}
}

// sick checks that doctor fails with a finding.
func sick(t *testing.T, home, finding string) {
	t.Helper()
	around, _ := os.ReadDir(filepath.Dir(home))
	within, _ := os.ReadDir(home)
	if r := run(t, home, "", "doctor"); r.code != 1 || !strings.Contains(r.out, finding) {
		t.Errorf("exit %d: %q does not say %q", r.code, r.out, finding)
	}
	if home == "/proc/nope" {
		return // beside it are the processes, which come and go
	}
	nowAround, _ := os.ReadDir(filepath.Dir(home))
	nowWithin, _ := os.ReadDir(home)
	if len(nowAround) != len(around) || len(nowWithin) != len(within) {
		t.Errorf("doctor leaves %v and %v, not %v and %v", nowAround, nowWithin, around, within)
	}
}

// TestReadOnlyHome reads and writes where nothing can be written.
func TestReadOnlyHome(t *testing.T) {
	if !mounts(t) {
		return
	}
	home, db := stored(t)
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "home")
	logged := filepath.Join(t.TempDir(), "home") // a killed process left a log
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	ok(t, logged, "0", "vault", "put", "K", "--stdin")
	open := state.New(logged)
	if err := open.Write(t.Context(), func(tx workspace.Tx) error { return tx.Audit(workspace.Event{}) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close() })
	for _, dir := range []string{home, empty, logged} {
		mount(t, dir, dir, "", syscall.MS_BIND, "")
		if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != 50 {
			t.Errorf("list: %s", out)
		}
		if out := ok(t, home, "", "connections", "list"); !strings.Contains(out, "hub") {
			t.Errorf("connections: %s", out)
		}
		if out := ok(t, home, "", "doctor"); !strings.Contains(out, "[ok] state: "+db+" (it can only be read: ") {
			t.Errorf("doctor: %s", out)
		}
		ok(t, home, "", "vault", "history", "K_1")
	}
	readOnly := []string{"can't be written", "nothing was changed"}
	refused(t, home, readOnly, "vault", "put", "K_0", "--stdin")
	refused(t, home, readOnly, "vault", "put", "NEW", "--stdin")
	refused(t, home, readOnly, "vault", "remove", "K_1")
	refused(t, home, readOnly, "vault", "import", home+".env")
	refused(t, home, readOnly, "connections", "remove", "hub")
	if now, err := os.ReadFile(db); err != nil || !bytes.Equal(now, before) {
		t.Errorf("the file was changed (%v)", err)
	}

	ok(t, empty, "", "vault", "list")
	refused(t, empty, nil, "vault", "put", "K", "--stdin")
	for _, dir := range []string{empty, filepath.Join(empty, "none"), "/proc/nope"} {
		sick(t, dir, "[FAIL] state: "+dir+" can't be written, so nothing can be stored\n       hint: export AKOS_HOME=")
	}

	// What the log holds is either read or missed aloud.
	if r := run(t, logged, "", "vault", "list"); r.code != 8 && (r.code != 0 || !strings.Contains(r.out, "K ")) {
		t.Errorf("with a log: exit %d: %s%s", r.code, r.out, r.err)
	}
	refused(t, logged, nil, "vault", "put", "K", "--stdin")
}

// TestReadOnlyFile has the database itself on a mount that can't be written,
// in a directory that can.
func TestReadOnlyFile(t *testing.T) {
	if !mounts(t) {
		return
	}
	home, db := stored(t)
	before := files(t, home)["state.db"]
	mount(t, db, db, "", syscall.MS_BIND, "")
	if err := syscall.Mount("", db, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out := ok(t, home, "", "vault", "list", "--json"); strings.Count(out, `"key"`) != 50 {
			t.Errorf("list: %s", out)
		}
		refused(t, home, []string{"can't be written", "nothing was changed"}, "vault", "put", "NEW", "--stdin")
	}
	ok(t, home, "", "doctor")
	if now := files(t, home); !bytes.Equal(now["state.db"], before) || len(now["state.db-wal"]) > 0 {
		t.Error("the files were changed")
	}
}
