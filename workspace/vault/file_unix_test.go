//go:build unix

package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// TestIdentityModeUnderAnyUmask is not parallel: the umask is the process's.
func TestIdentityModeUnderAnyUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		t.Run(fmt.Sprintf("%04o", umask), func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			old := syscall.Umask(umask)
			k, s, err := files(t, home, nil).Create(context.Background(), workspace.BackendFile)
			syscall.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]os.FileMode{home: 0o700, filepath.Join(home, "vault.identity"): 0o600} {
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v, %v", path, info.Mode(), err)
				}
			}
			opens(t, files(t, home, nil), k, s)
		})
	}
}

func TestIdentityThatOthersReachIsRefused(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "vault.identity")
	h := files(t, home, nil)
	k, s := create(t, h, workspace.BackendFile)
	refused := func(text, hint string) {
		t.Helper()
		_, err := h.Open(context.Background(), k)
		check(t, err, workspace.Denied, false, text)
		if got := workspace.Explain(err).Hint; got != hint {
			t.Errorf("hint %q", got)
		}
		_, _, err = h.Create(context.Background(), workspace.BackendFile)
		check(t, err, workspace.Denied, false, text)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o606, 0o644, 0o666, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused("open to other users", "chmod go= "+path)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	opens(t, h, k, s)

	if os.Geteuid() == 0 { // only root can give a file away
		if err := os.Chown(path, 12345, -1); err != nil {
			t.Fatal(err)
		}
		refused("belongs to another user", "ls -l "+path)
		if err := os.Chown(path, 0, -1); err != nil {
			t.Fatal(err)
		}
		opens(t, h, k, s)
	}

	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]func() error{
		"symlink":   func() error { return os.Symlink(aside, path) },
		"dangling":  func() error { return os.Symlink(aside+"-not", path) },
		"directory": func() error { return os.Mkdir(path, 0o700) },
		"fifo":      func() error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := place(); err != nil {
				t.Fatal(err)
			}
			refused("is not a regular file", "ls -l "+path)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestAFileThatHangs reads a passphrase from a pipe that nobody writes to.
func TestAFileThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHolders(t.TempDir(), env{"AKOS_VAULT_PASSPHRASE_FILE": path}, noKeychain{t}, short)
	start := time.Now()
	_, _, err := h.Create(context.Background(), workspace.BackendFile)
	check(t, err, workspace.Unavailable, false, "can't be read")
	if took := time.Since(start); took > short+10*time.Second {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := h.Create(ctx, workspace.BackendFile); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // lets the abandoned read end
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
