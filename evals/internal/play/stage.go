package play

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/evals/internal/drive"
	"example.com/akos/evals/internal/search"
)

// Options say with what plays are put on.
type Options struct {
	Bin    string    // where akos and akos-mcp are
	Server []string  // the command of another server than akos-mcp
	Log    io.Writer // what the agents saw is written to it, if there is one

	logging *sync.Mutex
	values  search.Values
	judge   judge
}

// A stage is where one play is put on.
type stage struct {
	opts    *Options
	play    *Play
	over    string // "stdio" or "http"
	root    string // all that akos can write is below it
	project string // the directory of the workspace
	home    string // AKOS_HOME
	env     []string
	seen    *drive.Trace // by the agent
	aside   *drive.Trace // what came out elsewhere: the person's screen, standard error
	conn    drive.Conn
	client  *drive.Client
	others  []*drive.Client // that the agent was before
	server  *process        // over HTTP
	tokens  []search.Canary
	vars    map[string]string
	kept    map[string]string
	answer  drive.Answer
	shown   string // the last answer in all its texts, or the last output
	will    string // what the person will do when a page opens
	status  int    // of the last page
	sidecar *process
	calls   int
}

// patience bounds a command of the person.
const patience = 30 * time.Second

// newStage makes a hermetic home with a workspace in it.
func newStage(opts *Options, p *Play, over string) (*stage, error) {
	root, err := os.MkdirTemp("", "akos-evals")
	if err != nil {
		return nil, err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	s := &stage{opts: opts, play: p, over: over, root: root, project: filepath.Join(root, "app"), home: filepath.Join(root, "akos"),
		seen: &drive.Trace{}, aside: &drive.Trace{}, vars: map[string]string{}, kept: map[string]string{}}
	for _, dir := range []string{"app", "home", "tmp", "run"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			return nil, err
		}
	}
	// No keychain, no desktop, no network: the default server answers nobody.
	s.env = []string{"HOME=" + filepath.Join(root, "home"), "AKOS_HOME=" + s.home, "TMPDIR=" + filepath.Join(root, "tmp"),
		"XDG_RUNTIME_DIR=" + filepath.Join(root, "run"), "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/evals",
		"AKOS_VAULT=file", "AKOS_SERVER=http://127.0.0.1:1", "TERM=dumb", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "GOTRACEBACK=all"}
	if len(opts.Server) == 0 {
		if _, err := s.akos("", "init", "--id", "app"); err != nil {
			return s, err
		}
	}
	if over == "http" {
		if err := s.account(); err != nil {
			return s, err
		}
	}
	for _, e := range p.Env {
		if e, err = s.expand(e, false); err != nil {
			return s, err
		}
		s.env = append(s.env, e)
	}
	for _, f := range p.Files {
		path := filepath.Join(s.project, f.Name)
		text, err := s.expand(string(f.Data), true)
		if err != nil {
			return s, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return s, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return s, err
		}
	}
	return s, nil
}

// account makes the account ada, and the token with which the agent comes.
func (s *stage) account() error {
	if len(s.opts.Server) > 0 {
		s.plant("ada", string(s.opts.values.Third.Value)) // it knows no tokens
		return nil
	}
	if err := s.run("user add ada --password-stdin < password"); err != nil {
		return err
	}
	return s.token("ada --user ada --tenant local --scope cli")
}

// plant has the agents' traces searched for a token, too, whose start says
// what it is.
func (s *stage) plant(name, token string) {
	s.vars[name] = token
	s.tokens = append(s.tokens, search.Canary{Name: "token of " + name, Value: []byte(token), Public: strings.LastIndexByte(token[:min(8, len(token))], '_') + 1})
}

// command returns a program in the home, and what ends it.
func (s *stage) command(name string, args ...string) (*exec.Cmd, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.project, slices.Clone(s.env), time.Second
	return cmd, cancel
}

// akos runs a command of the person, with what is given on the standard input.
func (s *stage) akos(stdin string, args ...string) (string, error) {
	cmd, cancel := s.command(filepath.Join(s.opts.Bin, "akos"), append([]string{"--no-input"}, args...)...)
	defer cancel()
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	s.aside.Add(drive.Seen{Where: "akos " + strings.Join(args[:min(2, len(args))], " "), Data: append(out.Bytes(), errs.Bytes()...)})
	if err != nil {
		return out.String() + errs.String(), fmt.Errorf("akos %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// start starts the server with more arguments than the play's.
func (s *stage) start(more ...string) error {
	words := s.opts.Server
	if len(words) == 0 {
		words = []string{filepath.Join(s.opts.Bin, "akos-mcp")}
	}
	words = slices.Concat(words, s.play.Server, more)
	if s.over == "http" {
		conn, err := s.overHTTP(words)
		if err != nil {
			return err
		}
		return s.connect(conn, "ada")
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = s.project, slices.Clone(s.env)
	conn, err := drive.Start(cmd)
	if err != nil {
		return err
	}
	return s.connect(conn, "")
}

// connect has the agent speak over conn, as whom the name says.
func (s *stage) connect(conn drive.Conn, name string) (err error) {
	s.conn = conn
	profile := s.play.Client
	profile.Roots = slices.Clone(profile.Roots)
	for i := range profile.Roots {
		if profile.Roots[i], err = s.expand(profile.Roots[i], false); err != nil {
			return err
		}
	}
	if s.client, err = drive.New(conn, profile, s.seen); err != nil {
		return err
	}
	s.client.Open = s.open
	if h, ok := conn.(*drive.HTTP); ok {
		s.vars[name+"Session"] = h.Session()
	}
	return nil
}

// stop ends the server.
func (s *stage) stop() error {
	var errs []error
	for _, c := range append(s.others, s.client) {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if conn, ok := s.conn.(*drive.Stdio); ok && s.client != nil {
		s.aside.Add(drive.Seen{Where: "stderr", Data: conn.Stderr()})
	}
	if s.server != nil {
		errs = append(errs, s.end(s.server))
	}
	s.client, s.others, s.server = nil, nil, nil
	return errors.Join(errs...)
}

// close ends what runs and removes the home.
func (s *stage) close() error {
	err := s.stop()
	if s.sidecar != nil {
		err = errors.Join(err, s.end(s.sidecar))
	}
	return errors.Join(err, os.RemoveAll(s.root))
}

// do runs steps until one fails.
func (s *stage) do(list []Step) error {
	for _, step := range list {
		rest, err := s.expand(step.Rest, false)
		if err == nil {
			err = verbs[step.Verb](s, rest)
		}
		if err != nil {
			return fmt.Errorf("%s: %s %.200s: %w", step.Where, step.Verb, step.Rest, err)
		}
	}
	return nil
}

// put puts a play on, and returns what was wrong.
func (s *stage) put() error {
	if err := s.do(s.play.Setup); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	if err := s.do(s.play.Steps); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	return s.do(s.play.Goal)
}
