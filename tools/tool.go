// Package tools declares the operations of akos, once each.
//
// A Tool is the single source of a command, its flags, help and --json, of an
// MCP tool with both schemas and its hints, of a section of docs/reference.md
// and of a golden file. The package knows no part and no protocol. Its
// invariant: no argument and no result can carry a secret, which [define]
// checks by a walk through the types.
package tools

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace"
	"github.com/google/jsonschema-go/jsonschema"
)

// An Effect says what a Tool does to the world.
type Effect uint8

// There is no zero Effect, so that define finds a forgotten one.
const (
	Reads Effect = iota + 1
	Writes
	Destroys
)

// String returns "reads", "writes" or "destroys".
func (e Effect) String() string { return [...]string{"unset", "reads", "writes", "destroys"}[e] }

// A Session is what an operation may use.
type Session struct {
	Workspace *workspace.Workspace
	Human     Human
	// Agent is set where the caller is an agent: it gets the arguments of the
	// MCP tools alone, and of all files those of the workspace and of Roots.
	Agent bool
	// Next says what the caller does in the place of a command: an agent calls
	// a tool, if there is one. Nil stands for the command itself.
	Next func(command string) string
	// Offers says whether the caller has a tool; nil if it has them all.
	Offers func(tool string) bool
	// Client is what the agent's client calls itself, and Page the id of the
	// page that it was asked to open, once it has answered that.
	Client, Page string
	// Roots are the directories that the agent's client works in, once it was
	// asked for them.
	Roots []string
	// Handover takes a credential that akos made, for the person alone; nil
	// for an agent.
	Handover io.Writer
}

// file returns the file that the caller named.
func (s Session) file(path string) workspace.FileArg {
	return workspace.FileArg{Path: path, Confined: s.Agent, Roots: s.Roots}
}

// next returns what the caller does in the place of command.
func (s Session) next(command string) string {
	if s.Next == nil {
		return command
	}
	return s.Next(command)
}

// onPage reports whether a person enters values on a page: for an agent, and
// where a browser can reach this machine.
func (s Session) onPage() bool { return s.Agent && s.Workspace.Desk != nil }

// askFor returns the question for the value of key; command stores it.
func (s Session) askFor(ctx context.Context, key string, scope workspace.Scope, command string) Ask {
	ask := Ask{Key: key, Scope: scope, Command: command + " " + key}
	if p, known := s.Workspace.ProviderForKey(ctx, key); known {
		ask.Provider, ask.DocsURL = p.Name, p.DocsURL
	}
	switch scope {
	case "":
		ask.Scope = workspace.ScopeWorkspace
	case workspace.ScopeTenant:
		ask.Command += " --scope tenant"
	}
	return ask
}

// A Human can be asked for what must not pass through an agent.
type Human interface {
	// Secret returns the value that the person enters.
	Secret(ctx context.Context, ask Ask) (workspace.Secret, error)
	// Confirm returns nil if the person says yes.
	Confirm(ctx context.Context, question string) error
	// Visit shows the person where to go and what to enter there. It does not
	// wait until that is done.
	Visit(ctx context.Context, v Visit) error
}

// A Visit is a page on which a person enters a code.
type Visit struct {
	URI, Code string
	Expires   time.Time
}

// An Ask says what a value is for. All of it is shown to the person.
type Ask struct {
	Key      string
	Scope    workspace.Scope
	Provider string // its name; empty for a key that the catalog does not know
	DocsURL  string // where to get the value
	Prompt   string // in the place of the value of Key
	Command  string // takes the value without a terminal
}

// NoHuman is the Human of a face with nobody to ask.
type NoHuman struct{}

// Secret refuses, and says which command a person runs instead.
func (NoHuman) Secret(_ context.Context, a Ask) (workspace.Secret, error) {
	if a.Prompt != "" {
		return workspace.Secret{}, workspace.Errorf(workspace.HumanNeeded, "a person must enter it, and there is no terminal to ask on").WithHint("%s", a.Command)
	}
	return workspace.Secret{}, workspace.Errorf(workspace.HumanNeeded, "a person must enter the value of %s in a terminal; it does not pass through this conversation", a.Key).
		WithHint("%s", a.Command)
}

// Visit refuses.
func (NoHuman) Visit(context.Context, Visit) error {
	return workspace.Errorf(workspace.HumanNeeded, "a person must open a page in a browser, and nobody is to be asked")
}

// Confirm refuses.
func (NoHuman) Confirm(context.Context, string) error {
	return workspace.Errorf(workspace.HumanNeeded, "a person must agree to this, and there is no terminal to ask on")
}

// A Result is what an operation returns: JSON for programs, text for people.
// A Result may also have these methods:
//
//	Verdict() error   // not nil if the finding itself is a failure
//	Notes() []string  // for the person, beside the result
type Result interface{ WriteText(w io.Writer) error }

// A Page is a result that goes on in the browser of a person: its client opens
// the page if it can. url is "" where there is nothing to open; say tells the
// person what for, and id is one of this page alone.
type Page interface{ Page() (url, say, id string) }

// A Tool is one operation, ready for any face.
type Tool struct {
	Name       string // noun and verb, such as "vault list"
	Command    string // the words of the command, such as "connections list"
	Short      string // one line, imperative, no period
	Long       string // what it does, when to use it, what it never does; for people and models
	Help       string // for people in the place of Long, where that tells a model what to do
	Example    string // commands, for people
	Effect     Effect
	Idempotent bool
	OpenWorld  bool
	CLIOnly    string // why there is no MCP tool, or ""
	Right      string // the command that helps whoever calls it wrong; the plain command unless declared
	Args       reflect.Type
	Slow       bool // it may wait for a keychain or a person
	Files      bool // it may have to ask the client for its roots: see Session

	in, agentIn, out func() *schema
	run              func(context.Context, Session, json.RawMessage) (Result, error)
}

// ID returns the name of t as an identifier, such as "vault_list".
func (t *Tool) ID() string { return strings.ReplaceAll(t.Name, " ", "_") }

// In returns the schema of the arguments: all of them, or those of an agent.
func (t *Tool) In(agent bool) *jsonschema.Schema {
	if agent {
		return t.agentIn().Schema
	}
	return t.in().Schema
}

// Out returns the schema of the result.
func (t *Tool) Out() *jsonschema.Schema { return t.out().Schema }

// Call runs t on args, a JSON object.
func (t *Tool) Call(ctx context.Context, s Session, args json.RawMessage) (Result, error) {
	in := t.in
	if s.Agent {
		in = t.agentIn
	}
	if len(args) == 0 || string(args) == "null" {
		args = json.RawMessage("{}")
	}
	if err := in().check(ctx, s.Workspace, args); err != nil {
		return nil, err
	}
	return t.run(ctx, s, args)
}

// A spec is the declaration of a Tool.
type spec[In any, Out Result] struct {
	Name, Command, Short, Long, Help, Example, CLIOnly, Right string
	Effect                                                    Effect
	Idempotent, OpenWorld, Slow, Files                        bool
	Run                                                       func(context.Context, Session, In) (Out, error)
}

// define makes the Tool that s declares. It panics on a bad declaration, so
// that every test of the package finds it. The schemas are inferred when they
// are first asked for: a command that asks for none does not pay for them.
//
// As little as can be is generic: what is, is compiled once for each tool.
func define[In any, Out Result](s spec[In, Out]) *Tool {
	run := s.Run // kept alone: what the function below keeps costs types for each tool
	return newTool(Tool{
		Name: s.Name, Command: s.Command, Short: s.Short, Long: s.Long, Help: s.Help, Example: s.Example, CLIOnly: s.CLIOnly, Right: s.Right,
		Effect: s.Effect, Idempotent: s.Idempotent, OpenWorld: s.OpenWorld, Slow: s.Slow, Files: s.Files, Args: reflect.TypeFor[In](),
	}, reflect.TypeFor[Out](), run != nil, func(ctx context.Context, ses Session, in any) (Result, error) {
		return run(ctx, ses, *in.(*In))
	})
}

// newTool completes t. run takes a pointer to the arguments.
func newTool(t Tool, out reflect.Type, runs bool, run func(context.Context, Session, any) (Result, error)) *Tool {
	if t.Command == "" {
		t.Command = t.Name
	}
	if t.Right == "" {
		t.Right = "akos " + t.Command
	}
	if t.Name == "" || t.Short == "" || t.Effect == 0 || !runs {
		panic("tools: " + t.Name + " lacks a name, a short help, an effect or a function")
	}
	t.in = sync.OnceValue(func() *schema { return infer(t.Args, t.Name, false) })
	t.agentIn = sync.OnceValue(func() *schema { return infer(t.Args, t.Name, true) })
	t.out = sync.OnceValue(func() *schema { return infer(out, t.Name, true) })
	t.run = func(ctx context.Context, ses Session, args json.RawMessage) (Result, error) {
		in := reflect.New(t.Args).Interface()
		if err := json.Unmarshal(args, in); err != nil {
			return nil, workspace.Errorf(workspace.Invalid, "the arguments do not fit %s", t.ID())
		}
		out, err := run(ctx, ses, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	return &t
}
