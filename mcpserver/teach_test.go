package mcpserver_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"example.com/akos/internal/cli"
	"example.com/akos/mcpserver"
	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// A reader is an agent that knows nothing but what it wants. It reads errors
// and hints: it makes the call that a hint names, or has the person run the
// command, and then tries again. Of what connection_kinds tells it, it takes
// the fields that are required, or else the first that the error names, with
// their examples.
type reader struct {
	*client
	h    *home
	said []string
}

var (
	hintCall    = regexp.MustCompile(`(?m)^hint: ([a-z]+_[a-z_]+) (\{.*\})$`)
	hintCommand = regexp.MustCompile(`(?m)^hint: (akos .+)$`)
)

// reach makes one call again and again, with what the hints tell in between,
// until it succeeds.
func (r *reader) reach(tool, args string) response {
	r.t.Helper()
	for range 6 {
		res := r.ask(request(1, tool, args))
		r.said = append(r.said, tool+" "+args, res.text())
		if res.Result == nil {
			r.t.Fatalf("a JSON-RPC error: %s", res.raw)
		}
		if !res.Result.IsError {
			return res
		}
		switch call, command := hintCall.FindStringSubmatch(res.text()), hintCommand.FindStringSubmatch(res.text()); {
		case call != nil && call[1] == tool:
			args = call[2]
		case call != nil:
			args = r.filled(args, r.follow(call[1], call[2]), res.text())
		case command != nil:
			r.person(command[1])
		default:
			r.t.Fatalf("an error without a way on:\n%s", strings.Join(r.said, "\n"))
		}
	}
	r.t.Fatalf("it goes in circles:\n%s", strings.Join(r.said, "\n"))
	return response{}
}

// follow makes the call of a hint, once; an error of it may be for the person.
func (r *reader) follow(tool, args string) response {
	r.t.Helper()
	res := r.ask(request(2, tool, args))
	r.said = append(r.said, "  "+tool+" "+args, res.text())
	if command := hintCommand.FindStringSubmatch(res.text()); command != nil && res.Result.IsError {
		r.person(command[1])
	}
	var p struct{ Status, Key string }
	if res.Result != nil && json.Unmarshal(res.Result.Structured, &p) == nil && p.Status == "pending" && p.Key != "" {
		r.h.store(r.t, p.Key, workspace.ScopeWorkspace, fakeToken()) // on the page that the result names
	}
	return res
}

// filled returns args with what a kind says that they lack, if told is one.
func (r *reader) filled(args string, told response, problem string) string {
	r.t.Helper()
	var kinds struct {
		Kinds []struct {
			Credentials []struct {
				Field    string
				Required bool
				Keys     []string
			}
			Config []struct {
				Name, Example string
				Required      bool
			}
			ExactlyOne [][]string
		}
	}
	if told.Result == nil || json.Unmarshal(told.Result.Structured, &kinds) != nil || len(kinds.Kinds) != 1 {
		return args
	}
	kind := kinds.Kinds[0]
	in := struct {
		Kind      string            `json:"kind"`
		Name      string            `json:"name"`
		Config    map[string]any    `json:"config"`
		VaultKeys map[string]string `json:"vaultKeys"`
	}{Config: map[string]any{}, VaultKeys: map[string]string{}}
	if err := json.Unmarshal([]byte(args), &in); err != nil {
		r.t.Fatal(err)
	}
	before := len(in.Config) + len(in.VaultKeys)
	for _, f := range kind.Config {
		if f.Required || slices.ContainsFunc(kind.ExactlyOne, func(names []string) bool { return names[0] == f.Name }) {
			in.Config[f.Name] = f.Example
		}
	}
	for _, c := range kind.Credentials {
		if c.Required {
			in.VaultKeys[c.Field] = c.Keys[0]
		}
	}
	for _, word := range strings.FieldsFunc(problem, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if len(in.Config)+len(in.VaultKeys) > before {
			break
		}
		for _, f := range kind.Config {
			if f.Name == word && f.Example != "" {
				in.Config[word] = f.Example
			}
		}
		for _, c := range kind.Credentials {
			if c.Field == word {
				in.VaultKeys[word] = c.Keys[0]
			}
		}
	}
	b, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// person runs a command as it stands. What asks for a value gets it on the
// standard input, in the place of a terminal.
func (r *reader) person(command string) {
	r.t.Helper()
	args := strings.Fields(command)[1:]
	stdin := ""
	if len(args) > 1 && (args[1] == "put" || args[1] == "set") {
		args, stdin = append(args, "--stdin"), fakeToken()
	}
	var out bytes.Buffer
	code := cli.Run(cli.System{
		In: strings.NewReader(stdin), Out: &out, Err: &out, Args: args,
		Open: r.h.open, LookupEnv: func(string) (string, bool) { return "", false }, Executable: os.Executable,
	})
	r.said = append(r.said, "  $ "+command, out.String())
	if code != 0 {
		r.t.Fatalf("%s: exit %d\n%s", command, code, strings.Join(r.said, "\n"))
	}
}

// TestErrorsTeach: an agent that reads only errors and hints, and a person who
// runs the commands in them, come from an empty workspace to a ready
// connection of every kind.
func TestErrorsTeach(t *testing.T) {
	for _, kind := range tools.Enum("connectionKind") {
		t.Run(kind, func(t *testing.T) {
			h := newEmptyHome(t)
			r := &reader{client: connect(t, h.server(t, mcpserver.Options{})), h: h}
			res := r.reach("connection_create", `{"kind":"`+kind+`","name":"mine"}`)
			var c struct{ Status string }
			if err := json.Unmarshal(res.Result.Structured, &c); err != nil || c.Status != "ready" {
				t.Errorf("the connection is %q: %v\n%s", c.Status, err, strings.Join(r.said, "\n"))
			}
			t.Log(strings.Join(r.said, "\n"))
		})
	}
}
