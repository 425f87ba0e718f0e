package play

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"example.com/akos/evals/internal/drive"
)

// A process is a server that serves HTTP, and tells where.
type process struct {
	name string
	cmd  *exec.Cmd
	late *time.Timer // kills one that nobody ends
	errs bytes.Buffer
}

// life is how long a server may run.
const life = 2 * time.Minute

var serving = regexp.MustCompile(`serves (\S+)`)

// launch starts a server and returns its address.
func (s *stage) launch(name string, words ...string) (*process, string, error) {
	p := &process{name: name, cmd: exec.Command(words[0], words[1:]...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = s.project, s.env, &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	p.late = time.AfterFunc(life, func() { _ = p.cmd.Process.Kill() })
	early := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer early.Stop()
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		s.aside.Add(drive.Seen{Where: name, Data: []byte(line)})
		if m := serving.FindStringSubmatch(line); m != nil {
			return p, m[1], nil
		}
		if err != nil {
			_ = s.end(p) // why it does not start is what is wrong
			return nil, "", fmt.Errorf("%s does not start: %s", name, p.errs.Bytes())
		}
	}
}

// end ends a server, which must end well.
func (s *stage) end(p *process) error {
	defer p.late.Stop()
	p.late.Reset(patience)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	err := p.cmd.Wait()
	s.aside.Add(drive.Seen{Where: p.name + ": stderr", Data: p.errs.Bytes()})
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// serve starts the person's own server, with an account ada in the tenants:
// "sidecar local", "sidecar acme beta". Its address is ${sidecar}.
func (s *stage) serve(rest string) (err error) {
	for tenant := range strings.FieldsSeq(rest) {
		if err := s.run("user add ada --tenant " + tenant + " --password-stdin < password"); err != nil {
			return err
		}
	}
	if s.sidecar, s.vars["sidecar"], err = s.launch("akos serve", filepath.Join(s.opts.Bin, "akos"), "serve", "--listen", "127.0.0.1:0"); err != nil {
		return err
	}
	s.env = append(s.env, "AKOS_SERVER="+s.vars["sidecar"])
	return nil
}

// overHTTP starts the server, and returns a client that is ada's.
func (s *stage) overHTTP(words []string) (drive.Conn, error) {
	var err error
	if s.server, s.vars["mcp"], err = s.launch("akos-mcp", append(words, "--http", "127.0.0.1:0")...); err != nil {
		return nil, err
	}
	s.vars["host"] = strings.TrimSuffix(strings.TrimPrefix(s.vars["mcp"], "http://"), "/mcp")
	return s.dial("ada"), nil
}

// dial returns a client that has the token of that name, in the workspace in
// which the person runs their commands.
func (s *stage) dial(name string) *drive.HTTP {
	return drive.Dial(s.vars["mcp"]+"?workspace=app", s.vars[name])
}

// as has the agent go on as another one, with the token of that name: "as bob".
// The session of the one before stays, as ${adaSession}.
func (s *stage) as(name string) error {
	if s.server == nil || s.vars[name] == "" {
		return errors.New("there is no such token, or nobody to show it")
	}
	s.others = append(s.others, s.client)
	return s.connect(s.dial(name), name)
}

// token makes a token that the agents must not be told: "token look --user ada
// --scope read".
func (s *stage) token(rest string) error {
	name, flags, _ := strings.Cut(rest, " ")
	file := filepath.Join(s.root, name+".token")
	if err := s.run("token create --name " + name + " --out " + file + " " + flags); err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s.plant(name, strings.TrimSpace(string(text)))
	return nil
}
