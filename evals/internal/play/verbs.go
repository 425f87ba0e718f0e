package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"example.com/akos/evals/internal/drive"
)

// verbs are what a line of a file may begin with. A line is a sentence whose
// subject is the agent, but where it begins with person, akos, or what is done
// to the home.
var verbs = map[string]func(*stage, string) error{
	"call": (*stage).call, "again": (*stage).again, "follow": (*stage).follow,
	"ask": (*stage).ask, "tell": (*stage).tell, "raw": (*stage).raw, "bytes": (*stage).bytes, "whisper": (*stage).whisper, "pause": (*stage).pause,
	"spray": (*stage).spray, "compare": (*stage).compare, "fetch": (*stage).fetch, "post": (*stage).post, "gone": (*stage).gone,
	"ok": (*stage).ok, "kind": (*stage).kind, "code": (*stage).code, "refused": (*stage).refused, "has": (*stage).has, "lacks": (*stage).lacks,
	"status": (*stage).httpStatus, "save": (*stage).save, "keep": (*stage).keep, "same": (*stage).same, "alive": (*stage).alive,
	"person": (*stage).person, "akos": (*stage).run, "akos!": (*stage).failing, "sidecar": (*stage).serve,
	"token": (*stage).token, "as": (*stage).as, "send": (*stage).send, "flood": (*stage).flood, "wire": (*stage).wire,
	"file": (*stage).file, "link": (*stage).link, "append": (*stage).appendTo, "damage": (*stage).damage, "restart": (*stage).restart,
}

func (s *stage) took(a drive.Answer, err error) error {
	s.calls++
	s.answer = a
	s.shown = string(a.Head) + "\n" + string(a.Line) + "\n" + a.Text
	return err
}

// call calls a tool: "call vault_list {}".
func (s *stage) call(rest string) error {
	name, args, _ := strings.Cut(rest, " ")
	if args == "" {
		args = "{}"
	}
	n, err := json.Marshal(name)
	if err != nil {
		return err
	}
	meta := ""
	if more, ok := strings.CutPrefix(args, "progress "); ok {
		meta, args = `,"_meta":{"progressToken":"token-1"}`, more
	}
	return s.took(s.client.Ask("tools/call", fmt.Sprintf(`{"name":%s,"arguments":%s%s}`, n, args, meta)))
}

// ask sends any request: "ask resources/read {...}".
func (s *stage) ask(rest string) error {
	method, params, _ := strings.Cut(rest, " ")
	if params == "" {
		params = "{}"
	}
	return s.took(s.client.Ask(method, params))
}

// tell sends a notification.
func (s *stage) tell(rest string) error {
	method, params, _ := strings.Cut(rest, " ")
	if params == "" {
		params = "{}"
	}
	return s.client.Tell(method, params)
}

// flood sends a notification many times: "flood 1000 METHOD {...}".
func (s *stage) flood(rest string) error {
	count, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	for i := 0; i < n && err == nil; i++ {
		err = s.tell(rest)
	}
	return err
}

// raw sends a line as it is, and takes the next answer, whatever its id.
func (s *stage) raw(rest string) error {
	if err := s.client.Send(rest); err != nil {
		return err
	}
	return s.took(s.client.Await("raw", ""))
}

// whisper sends a line as it is, and waits for nothing.
func (s *stage) whisper(rest string) error { return s.client.Send(rest) }

// bytes sends a line whose text has Go's escapes, so that it need be no UTF-8.
func (s *stage) bytes(rest string) error {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(rest, `"`, `\"`) + `"`)
	if err != nil {
		return err
	}
	return s.raw(text)
}

var hint = regexp.MustCompile(`(?m)^hint: ([a-z]+_[a-z_]+) (\{.*\})$`)

// follow makes the call that the hint of the last error names.
func (s *stage) follow(string) error {
	m := hint.FindStringSubmatch(s.answer.Text)
	if m == nil {
		return fmt.Errorf("there is no hint of a call in %q", s.answer.Text)
	}
	return s.call(m[1] + " " + m[2])
}

// again makes a call until its answer does not say pending: "again call …".
func (s *stage) again(rest string) error {
	call, ok := strings.CutPrefix(rest, "call ")
	if !ok {
		return errors.New("again is for calls")
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(250 * time.Millisecond) {
		if err := s.call(call); err != nil || !strings.Contains(s.shown, `"pending"`) {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("it stays pending")
		}
	}
}

// What is right about the last answer.

func (s *stage) ok(string) error {
	if s.answer.Failed {
		return fmt.Errorf("it failed: %.400s", s.shown)
	}
	return nil
}

func (s *stage) kind(rest string) error {
	if !s.answer.Failed || s.answer.Kind != rest {
		return fmt.Errorf("it is of the kind %q: %.400s", s.answer.Kind, s.shown)
	}
	return nil
}

func (s *stage) code(rest string) error {
	if strconv.Itoa(s.answer.Code) != rest {
		return fmt.Errorf("its code is %d: %.400s", s.answer.Code, s.shown)
	}
	return nil
}

func (s *stage) refused(string) error {
	if !s.answer.Failed {
		return fmt.Errorf("it is not refused: %.400s", s.shown)
	}
	return nil
}

func (s *stage) has(rest string) error {
	if !strings.Contains(s.shown, rest) {
		return fmt.Errorf("it is not in %.600s", s.shown)
	}
	return nil
}

func (s *stage) lacks(rest string) error {
	if strings.Contains(s.shown, rest) {
		return fmt.Errorf("it is in %.600s", s.shown)
	}
	return nil
}

func (s *stage) httpStatus(rest string) error {
	if strconv.Itoa(s.status) != rest {
		return fmt.Errorf("it is %d: %.400s", s.status, s.shown)
	}
	return nil
}

// save takes what a regular expression finds in the last answer: "save id …".
func (s *stage) save(rest string) error {
	name, expr, _ := strings.Cut(rest, " ")
	re, err := regexp.Compile(expr)
	if err != nil {
		return err
	}
	m := re.FindStringSubmatch(s.shown)
	if len(m) != 2 {
		return fmt.Errorf("it is not found in %.600s", s.shown)
	}
	s.vars[name] = m[1]
	return nil
}

// keep keeps the last answer, but for a text that the agent knows:
// "keep there NAME_OF_A_KEY".
func (s *stage) keep(rest string) error {
	name, own, _ := strings.Cut(rest, " ")
	s.kept[name] = steady(s.shown, owned(own))
	return nil
}

// same compares the last answer with one that was kept.
func (s *stage) same(rest string) error {
	name, own, _ := strings.Cut(rest, " ")
	if got := steady(s.shown, owned(own)); got != s.kept[name] {
		return fmt.Errorf("they differ: %.400s and %.400s", s.kept[name], got)
	}
	return nil
}

func owned(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// alive asks for something that every server has.
func (s *stage) alive(string) error {
	if err := s.ask("tools/list"); err != nil {
		return err
	}
	return s.ok("")
}

// What is done to the home.

func (s *stage) link(rest string) error {
	name, target, _ := strings.Cut(rest, " ")
	return os.Symlink(target, filepath.Join(s.project, name))
}

// file shows a file of the project to the checks that follow.
func (s *stage) file(rest string) error {
	data, err := os.ReadFile(filepath.Join(s.project, rest))
	s.shown = string(data)
	return err
}

// appendTo adds a line to a file of the project.
func (s *stage) appendTo(rest string) error {
	name, text, _ := strings.Cut(rest, " ")
	f, err := os.OpenFile(filepath.Join(s.project, name), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Close())
}

// damage overwrites the start of a file below the home.
func (s *stage) damage(rest string) error {
	f, err := os.OpenFile(filepath.Join(s.root, rest), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(strings.Repeat("damaged ", 20)), 0)
	return errors.Join(err, f.Close())
}

// restart starts the server anew, with more arguments.
func (s *stage) restart(rest string) error {
	if err := s.stop(); err != nil {
		return err
	}
	return s.start(strings.Fields(rest)...)
}

func (s *stage) pause(rest string) error {
	d, err := time.ParseDuration(rest)
	if err == nil {
		s.client.Drain(d)
	}
	return err
}

// failing is one that has to fail.
func (s *stage) failing(rest string) error {
	if err := s.run(rest); err == nil {
		return fmt.Errorf("it succeeds: %.400s", s.shown)
	}
	return nil
}
