package project

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// acl returns an access list that lets one more user read.
func acl(uid uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{1, 6, ^uint32(0)}, {2, 4, uid}, {4, 0, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

// TestReplaceKeepsAttributes checks that no attribute is lost, and that no
// access list comes with the directory.
func TestReplaceKeepsAttributes(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, ".env"), "old", 0o640)
	if err := unix.Setxattr(path, "user.note", []byte("kept"), 0); err != nil {
		t.Fatalf("no attributes here: %v; set TMPDIR to a directory of a file system that has them, such as ext4", err)
	}
	f := &Finder{Dir: dir}
	list := func() string {
		b := make([]byte, 200)
		n, err := unix.Getxattr(path, accessList, b)
		if err != nil {
			return "none"
		}
		return string(b[:n])
	}
	replace := func(old, new string) {
		t.Helper()
		if err := f.Replace("", path, []byte(old), []byte(new)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		if n, err := unix.Getxattr(path, "user.note", b); err != nil || string(b[:n]) != "kept" {
			t.Errorf("%q %v", b, err)
		}
	}
	if err := unix.Setxattr(path, accessList, acl(12345), 0); err != nil {
		t.Fatalf("no access lists here: %v; set TMPDIR to a directory of a file system that has them, such as ext4", err)
	}
	replace("old", "new")
	if list() != string(acl(12345)) {
		t.Errorf("the access list became %q", list())
	}
	if err := unix.Removexattr(path, accessList); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(dir, "system.posix_acl_default", acl(12346), 0); err != nil {
		t.Fatal(err)
	}
	replace("new", "newer")
	if list() != "none" {
		t.Errorf("an access list came out of nowhere: %q", list())
	}
}

// TestReplaceTheFileOfAnother runs as a user that may write in the directory
// and not give files away.
func TestReplaceTheFileOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, ".env"), "old", 0o644)
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode()&0o001 == 0 {
			if err := os.Chmod(d, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	as := func(uid uintptr, f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, uid, uid, uid); e != 0 {
				t.Error(e)
				return
			}
			f()
		}()
		<-done
	}
	f := &Finder{Dir: dir}
	as(12345, func() {
		for _, new := range []string{"old", "new"} {
			if err := f.Replace("", path, []byte("old"), []byte(new)); kind(err) != "denied" {
				t.Errorf("%v", err)
			}
		}
	})
	if got := names(t, dir); len(got) != 1 || textOf(t, path) != "old" {
		t.Errorf("%q", got)
	}
}
