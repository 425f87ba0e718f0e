package akostest

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName     = "org.freedesktop.secrets"
	secretsPath     = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	loginPassword   = "correct horse battery staple"
)

// A SecretService is a real gnome-keyring on a private bus, its login
// collection unlocked. DISPLAY is unset, so nobody can answer its prompts.
type SecretService struct {
	bus    *Bus
	daemon *exec.Cmd // nil when it was killed
}

// StartSecretService starts a bus and a gnome-keyring on it. Both end with
// the test. As on a desktop, the bus starts a locked gnome-keyring by itself
// when a client asks for one that is gone.
func StartSecretService(t testing.TB) *SecretService {
	t.Helper()
	b := newBus(t)
	b.args = []string{"--session"}
	s := &SecretService{bus: b}
	// Later than the cleanup of the bus, so run before it.
	t.Cleanup(func() { s.reap() })
	b.start()
	s.start()
	return s
}

// Env returns the variables that lead a process to this service.
func (s *SecretService) Env() []string { return s.bus.Env() }

// Use makes this the Secret Service of the test process until the test ends.
func (s *SecretService) Use(t testing.TB) { t.Helper(); s.bus.Use(t) }

// Bus returns the bus of the service.
func (s *SecretService) Bus() *Bus { return s.bus }

// Lock locks the login collection.
func (s *SecretService) Lock() {
	s.bus.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	call := s.call(secretsName, secretsPath, "org.freedesktop.Secret.Service.Lock", []dbus.ObjectPath{loginCollection})
	if err := call.Store(&locked, &prompt); err != nil || len(locked) != 1 {
		s.bus.t.Fatalf("lock: %v, %v", locked, err)
	}
}

// Unlock unlocks the login collection, as a person does who types the
// password.
func (s *SecretService) Unlock() {
	s.bus.t.Helper()
	var output dbus.Variant
	var session dbus.ObjectPath
	call := s.call(secretsName, secretsPath, "org.freedesktop.Secret.Service.OpenSession", "plain", dbus.MakeVariant(""))
	if err := call.Store(&output, &session); err != nil {
		s.bus.t.Fatalf("open a session: %v", err)
	}
	master := struct {
		Session     dbus.ObjectPath
		Parameters  []byte
		Value       []byte
		ContentType string
	}{session, []byte{}, []byte(loginPassword), "text/plain"}
	call = s.call(secretsName, secretsPath,
		"org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", loginCollection, master)
	if call.Err != nil {
		s.bus.t.Fatalf("unlock: %v", call.Err)
	}
}

// Kill kills the daemon that serves the name now. The next client makes the
// bus start another, locked one.
func (s *SecretService) Kill() {
	s.bus.t.Helper()
	pid := s.pid()
	s.bus.signal(pid, syscall.SIGKILL)
	if s.daemon != nil && s.daemon.Process.Pid == pid {
		s.reap()
	}
	s.waitOwner(false)
}

// Stop halts the daemon, so that it takes calls and answers none.
func (s *SecretService) Stop() { s.bus.t.Helper(); s.bus.signal(s.pid(), syscall.SIGSTOP) }

// Continue undoes Stop.
func (s *SecretService) Continue() { s.bus.t.Helper(); s.bus.signal(s.pid(), syscall.SIGCONT) }

// Restart kills the daemon, if one runs, and starts one, unlocked, on the same
// bus.
func (s *SecretService) Restart() {
	s.bus.t.Helper()
	if s.hasOwner() {
		s.Kill()
	}
	s.start()
}

// RestartSession ends the bus and the daemon and starts both again, unlocked,
// at the same address: what a logout and login are to a process that stays.
func (s *SecretService) RestartSession() {
	s.bus.t.Helper()
	s.reap()
	s.bus.end()
	s.bus.start()
	s.start()
}

func (s *SecretService) start() {
	s.bus.t.Helper()
	cmd := s.bus.command(s.bus.daemon.Process.Pid, "gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets")
	cmd.Stdin = strings.NewReader(loginPassword)
	if err := cmd.Start(); err != nil {
		s.bus.t.Fatalf("%v: run scripts/setup.sh", err)
	}
	s.daemon = cmd
	// A client that comes before the name has an owner would make the bus
	// start a second, locked daemon.
	s.waitOwner(true)
}

// reap ends the daemon that start started, and waits for it.
func (s *SecretService) reap() {
	if s.daemon != nil {
		_ = s.daemon.Process.Kill()
		_ = s.daemon.Wait()
		s.daemon = nil
	}
}

func (s *SecretService) waitOwner(want bool) {
	s.bus.t.Helper()
	for end := time.Now().Add(patience); s.hasOwner() != want; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.bus.t.Fatalf("%s has an owner: %v\n%s", secretsName, !want, s.bus.log())
		}
	}
}

func (s *SecretService) hasOwner() (has bool) {
	s.bus.t.Helper()
	call := s.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", secretsName)
	if err := call.Store(&has); err != nil {
		s.bus.t.Fatalf("ask the bus for %s: %v\n%s", secretsName, err, s.bus.log())
	}
	return has
}

// pid returns the process that owns the name: the one we started, or one that
// the bus activated in its place.
func (s *SecretService) pid() int {
	s.bus.t.Helper()
	var pid uint32
	call := s.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.GetConnectionUnixProcessID", secretsName)
	if err := call.Store(&pid); err != nil || pid < 2 {
		s.bus.t.Fatalf("the process of %s: %d, %v", secretsName, pid, err)
	}
	return int(pid)
}

func (s *SecretService) call(name string, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.bus.conn.Object(name, path).CallWithContext(ctx, method, 0, args...)
}

// silentPrompter shows prompts that nobody sees.
type silentPrompter struct{}

// BeginPrompting takes the prompt of a client and never calls it back.
func (silentPrompter) BeginPrompting(dbus.ObjectPath) *dbus.Error { return nil }

// HoldPrompts makes every prompt stay open, as on a desktop whose person is
// away. It lasts until the bus ends.
func (s *SecretService) HoldPrompts() {
	s.bus.t.Helper()
	const iface, path = "org.gnome.keyring.internal.Prompter", "/org/gnome/keyring/Prompter"
	if err := s.bus.conn.Export(silentPrompter{}, path, iface); err != nil {
		s.bus.t.Fatal(err)
	}
	if got, err := s.bus.conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		s.bus.t.Fatalf("become the prompter: %v, %v", got, err)
	}
}
