package play

import (
	"bufio"
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"example.com/akos/evals/internal/drive"
)

var serving = regexp.MustCompile(`akos serves (\S+)`)

// serve starts the person's own server, with an account ada in the tenants:
// "sidecar local", "sidecar acme beta".
func (s *stage) serve(rest string) error {
	for tenant := range strings.FieldsSeq(rest) {
		if err := s.run("user add ada --tenant " + tenant + " --password-stdin < password"); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(s.opts.Bin, "akos"), "serve", "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Env, cmd.Stderr = s.project, s.env, &bytes.Buffer{}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.sidecar = cmd
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		s.aside.Add(drive.Seen{Where: "akos serve", Data: []byte(line)})
		if m := serving.FindStringSubmatch(line); m != nil {
			late.Stop()
			s.env = append(s.env, "AKOS_SERVER="+m[1])
			return nil
		}
		if err != nil {
			return errors.New("akos serve does not start")
		}
	}
}
