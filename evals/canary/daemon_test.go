//go:build linux

package canary

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// A daemon is a server of a box.
type daemon struct {
	cmd       *exec.Cmd
	out, errs *buffer
	ended     chan struct{}
}

// daemon starts a server, with more in its environment than the box has.
func (b *box) daemon(cmd *exec.Cmd, env ...string) daemon {
	b.Helper()
	d := daemon{cmd: cmd, out: &buffer{}, errs: &buffer{}, ended: make(chan struct{})}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(append(slices.Clone(b.env), "GOTRACEBACK=all"), env...), b.project, d.out, d.errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(d.ended) }()
	return d
}

// end ends a server, which is called what, and searches what it wrote. Its
// standard output may have the kinds of may.
func (b *box) end(what string, d daemon, sig os.Signal, want int, mayNameInLog bool, may ...string) {
	b.Helper()
	_ = d.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-d.ended:
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		<-d.ended
		b.report.Errorf("%s: does not end", what)
	}
	if code := d.cmd.ProcessState.ExitCode(); want != anyCode && code != want {
		b.report.Errorf("%s: exit code %d, want %d\n%s", what, code, want, d.errs.Bytes())
	}
	b.search(what+": stdout", d.out.Bytes(), true, true, may...)
	b.search(what+": the log", d.errs.Bytes(), true, mayNameInLog)
	b.searchFiles(what)
}
