package akostest

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// patience bounds every wait of the helpers; what they wait for takes
// milliseconds.
const patience = 30 * time.Second

// A Bus is a private D-Bus session bus.
type Bus struct {
	t      testing.TB
	dir    string // short: a socket path has 108 bytes
	args   []string
	daemon *exec.Cmd
	conn   *dbus.Conn // of the helper itself
}

// emptyBus is the configuration of a bus that activates nothing.
const emptyBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <auth>EXTERNAL</auth>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// StartBus starts a bus without any service on it and without activation: a
// session that has no keychain. It ends with the test.
func StartBus(t testing.TB) *Bus {
	t.Helper()
	b := newBus(t)
	conf := filepath.Join(b.dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(emptyBus), 0o600); err != nil {
		t.Fatal(err)
	}
	b.args = []string{"--config-file=" + conf}
	b.start()
	return b
}

func newBus(t testing.TB) *Bus {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "akostest-")
	if err != nil {
		t.Fatal(err)
	}
	b := &Bus{t: t, dir: dir}
	t.Cleanup(func() {
		b.end()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, d := range []string{"run", "data", "config", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// Address returns the address of the bus; it stays the same over a restart.
func (b *Bus) Address() string { return "unix:path=" + filepath.Join(b.dir, "run", "bus") }

// Env returns the variables that lead a process to this bus.
func (b *Bus) Env() []string {
	return []string{
		"DBUS_SESSION_BUS_ADDRESS=" + b.Address(),
		"XDG_RUNTIME_DIR=" + filepath.Join(b.dir, "run"),
		"XDG_DATA_HOME=" + filepath.Join(b.dir, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(b.dir, "config"),
	}
}

// Use makes this the session bus of the test process until the test ends.
// godbus shares one connection in a process, whatever the variable says by
// now, so the one to an earlier bus is closed.
func (b *Bus) Use(t testing.TB) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address())
	if conn, err := dbus.SessionBus(); err == nil {
		_ = conn.Close()
	}
}

// Stop halts the bus itself, so that it accepts connections and answers
// nothing; Continue lets it go on.
func (b *Bus) Stop() { b.signal(b.daemon.Process.Pid, syscall.SIGSTOP) }

// Continue undoes Stop.
func (b *Bus) Continue() { b.signal(b.daemon.Process.Pid, syscall.SIGCONT) }

func (b *Bus) signal(pid int, s syscall.Signal) {
	b.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		b.t.Fatalf("signal %v to %d: %v", s, pid, err)
	}
}

// start starts the bus daemon as the leader of a process group of its own:
// what it activates stays in the group, though it leaves its parent.
func (b *Bus) start() {
	b.t.Helper()
	_ = os.Remove(filepath.Join(b.dir, "run", "bus"))
	// What the bus activates leaves its parent. This makes it ours, so that it
	// can be waited for, whatever process 1 does with orphans here.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		b.t.Fatal(err)
	}
	cmd := b.command(0, "dbus-daemon", append(b.args, "--nofork", "--print-address", "--address="+b.Address())...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("%v: run scripts/setup.sh", err)
	}
	b.daemon = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, b.Address()) {
		b.t.Fatalf("dbus-daemon did not start: %q, %v\n%s", line, err, b.log())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if b.conn, err = dbus.Connect(b.Address()); err != nil {
		b.t.Fatalf("connect to the bus: %v\n%s", err, b.log())
	}
	if err := b.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetId", 0).Err; err != nil {
		b.t.Fatalf("the bus does not answer: %v", err)
	}
}

// command returns a command with the environment of the bus and nothing of
// the caller's session, in the process group pgid (0: a new one). It dies
// with the test process, also when that is killed.
func (b *Bus) command(pgid int, name string, args ...string) *exec.Cmd {
	b.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		b.t.Fatalf("%s is not installed: run scripts/setup.sh", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(b.Env(), "HOME="+filepath.Join(b.dir, "home"), "PATH="+os.Getenv("PATH"), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: pgid, Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(filepath.Join(b.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = log.Close() })
	cmd.Stderr = log
	return cmd
}

func (b *Bus) log() string {
	data, _ := os.ReadFile(filepath.Join(b.dir, "log"))
	return string(data)
}

// end kills the bus and all that it activated, and waits for them.
func (b *Bus) end() {
	if b.conn != nil {
		_ = b.conn.Close()
		b.conn = nil
	}
	if b.daemon == nil {
		return
	}
	pgid := b.daemon.Process.Pid
	_ = syscall.Kill(-pgid, syscall.SIGKILL)
	_ = b.daemon.Wait()
	b.daemon = nil
	for end := time.Now().Add(patience); reap(-pgid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Errorf("processes of the bus are left in group %d", pgid)
			return
		}
	}
}

// reap takes the exits of children that match pid as wait4 means it, and
// reports whether some still run.
func reap(pid int) bool {
	for {
		switch got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); {
		case err == syscall.EINTR || got > 0:
		default:
			return err == nil
		}
	}
}
