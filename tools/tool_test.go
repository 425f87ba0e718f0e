package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// golden compares a generated file with what is generated now.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date; run go generate ./... and look at the difference", path)
	}
}

// TestGenerated pins what models, people and programs see of each tool.
func TestGenerated(t *testing.T) {
	schemas, err := GenerateSchemas()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schemas.json", schemas)

	var reference bytes.Buffer
	if err := WriteReference(&reference); err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/reference.md", reference.Bytes())

	known := map[string]bool{}
	for _, tool := range Catalog() {
		path := filepath.Join("testdata", tool.ID()+".json")
		known[path] = true
		type hints struct {
			ReadOnly    bool `json:"readOnly"`
			Destructive bool `json:"destructive"`
			Idempotent  bool `json:"idempotent"`
			OpenWorld   bool `json:"openWorld"`
		}
		seen := struct {
			Command string             `json:"command"`
			Short   string             `json:"short"`
			Long    string             `json:"long"`
			CLIOnly string             `json:"cliOnly,omitempty"`
			Effect  string             `json:"effect"`
			Hints   hints              `json:"hints"`
			AgentIn *jsonschema.Schema `json:"in,omitempty"`
			CLIIn   *jsonschema.Schema `json:"cliIn"`
			Out     *jsonschema.Schema `json:"out"`
		}{
			Command: tool.Command, Short: tool.Short, Long: tool.Long, CLIOnly: tool.CLIOnly, Effect: tool.Effect.String(),
			Hints: hints{tool.Effect == Reads, tool.Effect == Destroys, tool.Idempotent, tool.OpenWorld},
			CLIIn: tool.In(false), Out: tool.Out(),
		}
		if tool.CLIOnly == "" {
			seen.AgentIn = tool.In(true)
		}
		got, err := json.MarshalIndent(seen, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, path, append(got, '\n'))
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no tool", f)
		}
	}
}

// forAgents returns the tools that a server offers.
func forAgents() []*Tool {
	return slices.DeleteFunc(slices.Clone(Catalog()), func(t *Tool) bool { return t.CLIOnly != "" })
}

// TestNames: a name is a noun and a verb of the house, and there once.
func TestNames(t *testing.T) {
	verbs := strings.Fields("list check set put import remove history rollback export kinds create inspect status init trust doctor version guide login logout whoami use add passwd create revoke")
	seen := map[string]bool{}
	for _, tool := range Catalog() {
		noun, verb, ok := strings.Cut(tool.Name, " ")
		if !ok || noun == "" || !slices.Contains(verbs, verb) {
			t.Errorf("%q is no noun and verb", tool.Name)
		}
		for _, name := range []string{tool.ID(), "akos " + tool.Command} {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
		if got, ok := Lookup(tool.ID()); !ok || got != tool {
			t.Errorf("Lookup(%q) finds another tool", tool.ID())
		}
		if strings.HasSuffix(tool.Short, ".") || strings.ToUpper(tool.Short[:1]) != tool.Short[:1] {
			t.Errorf("%s: short help %q: a capital and no period", tool.ID(), tool.Short)
		}
		if tool.Long == "" || tool.Example == "" || !strings.HasSuffix(tool.Long, ".") {
			t.Errorf("%s lacks a long help with a period, or an example", tool.ID())
		}
	}
	if _, ok := Lookup("nonsense"); ok {
		t.Error("Lookup finds nonsense")
	}
}

// TestSeedTools: what the contract lists is offered, as far as it is built.
func TestContract(t *testing.T) {
	want := map[string]Effect{
		"workspace_status": Reads, "auth_status": Reads, "creds_list": Reads, "creds_check": Reads, "creds_set": Writes,
		"auth_login": Writes, "auth_logout": Destroys, "tenant_list": Reads, "tenant_use": Writes,
		"vault_list": Reads, "vault_put": Writes, "vault_import": Writes, "vault_remove": Destroys,
		"connection_kinds": Reads, "connection_create": Writes, "connection_list": Reads, "connection_inspect": Reads, "connection_remove": Destroys,
	}
	for _, tool := range forAgents() {
		if e, ok := want[tool.ID()]; !ok || e != tool.Effect {
			t.Errorf("%s %s: the contract says %s", tool.ID(), tool.Effect, e)
		}
		delete(want, tool.ID())
	}
	for id := range want {
		t.Errorf("%s is not offered", id)
	}
}

// TestSchemas: every schema is one that all clients take.
func TestSchemas(t *testing.T) {
	for _, tool := range Catalog() {
		for name, s := range map[string]*jsonschema.Schema{"in": tool.In(true), "cli in": tool.In(false), "out": tool.Out()} {
			at := tool.ID() + " " + name
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var top map[string]any
			if err := json.Unmarshal(b, &top); err != nil {
				t.Fatal(err)
			}
			if top["type"] != "object" || top["additionalProperties"] != false {
				t.Errorf("%s: not a closed object", at)
			}
			for _, never := range []string{"anyOf", "oneOf", "allOf", "$ref", "$defs", "not"} {
				if _, ok := top[never]; ok {
					t.Errorf("%s has %s at its top", at, never)
				}
			}
			walkSchema(at, top, func(at string, s map[string]any) {
				switch typ := s["type"].(type) {
				case string:
					if typ == "null" {
						t.Errorf("%s is null", at)
					}
				case []any: // which some clients refuse, or drop
					t.Errorf("%s: type %v", at, typ)
				default:
					t.Errorf("%s has no type", at)
				}
			})
		}
		if len(tool.Out().Properties) == 0 {
			t.Errorf("%s: the result has no properties", tool.ID())
		}
		if tool.CLIOnly == "" && len(tool.In(true).Properties) > len(tool.In(false).Properties)+1 {
			t.Errorf("%s: an agent has more arguments than a person", tool.ID())
		}
	}
}

// walkSchema visits s and all that its properties and items are.
func walkSchema(at string, s map[string]any, visit func(string, map[string]any)) {
	visit(at, s)
	props, _ := s["properties"].(map[string]any)
	for name, p := range props {
		sub, ok := p.(map[string]any)
		if !ok {
			sub = map[string]any{} // a bare true: without a type
		}
		walkSchema(at+"."+name, sub, visit)
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if sub, ok := s[key].(map[string]any); ok {
			walkSchema(at+"."+key, sub, visit)
		}
	}
}

// TestFaces: what is for one face alone is not on the other.
func TestFaces(t *testing.T) {
	for id, names := range map[string]struct{ cli, agent []string }{
		"vault_put":         {cli: []string{"noOverwrite", "newKey"}, agent: []string{"reason"}},
		"vault_import":      {cli: []string{"identity", "newKey"}},
		"creds_check":       {cli: []string{"envPrefix"}},
		"connection_create": {cli: []string{"noAuth"}},
		"auth_login":        {cli: []string{"clientId", "server"}},
		"auth_logout":       {cli: []string{"server"}},
	} {
		tool, ok := Lookup(id)
		if !ok {
			t.Fatal(id)
		}
		for _, name := range names.cli {
			if tool.In(true).Properties[name] != nil || tool.In(false).Properties[name] == nil {
				t.Errorf("%s: %s is for the command line alone", id, name)
			}
			_, err := tool.Call(t.Context(), Session{Agent: true, Human: NoHuman{}}, json.RawMessage(`{"`+name+`":true}`))
			if err == nil || workspace.Explain(err).Kind != workspace.Invalid {
				t.Errorf("%s: an agent's %s: %v", id, name, err)
			}
		}
		for _, name := range names.agent {
			if tool.In(true).Properties[name] == nil || tool.In(false).Properties[name] != nil {
				t.Errorf("%s: %s is for agents alone", id, name)
			}
		}
	}
	for _, tool := range Catalog() {
		for name := range tool.In(true).Properties {
			if l := strings.ToLower(name); strings.Contains(l, "value") || strings.Contains(l, "secret") && name != "secretsFile" || strings.Contains(l, "token") || strings.Contains(l, "password") {
				t.Errorf("%s: the argument %s sounds like a value", tool.ID(), name)
			}
		}
	}
}

type result struct{ Text string }

func (result) WriteText(io.Writer) error { return nil }

type secretResult struct {
	Deep []map[string]*workspace.Secret `json:"deep"`
}

func (secretResult) WriteText(io.Writer) error { return nil }

type embedding struct{ secretResult }

type unexported struct {
	hidden struct{ v [2]workspace.Secret }
}

type inner struct {
	Hides string `json:"hides"`
}

type Hides = inner

type shadow struct{ Hides }

// define1 declares a tool and asks for its schemas, as the tests above do for
// every tool.
func define1[In any, Out Result](effect Effect) {
	t := define(spec[In, Out]{Name: "x list", Short: "X", Effect: effect,
		Run: func(context.Context, Session, In) (out Out, err error) { return out, nil }})
	t.In(true)
	t.In(false)
	t.Out()
}

func TestDefinePanics(t *testing.T) {
	_ = unexported{}.hidden
	for name, f := range map[string]func(){
		"no effect":         func() { define1[struct{}, result](0) },
		"no function":       func() { define(spec[struct{}, result]{Name: "x list", Short: "X", Effect: Reads}) },
		"no name":           func() { define(spec[struct{}, result]{Short: "X", Effect: Reads}) },
		"secret argument":   func() { define1[struct{ S workspace.Secret }, result](Reads) },
		"pointer":           func() { define1[struct{ S *workspace.Secret }, result](Reads) },
		"map":               func() { define1[struct{ S map[string]workspace.Secret }, result](Reads) },
		"map key":           func() { define1[struct{ S map[*workspace.Secret]int }, result](Reads) },
		"unexported, array": func() { define1[unexported, result](Reads) },
		"result":            func() { define1[struct{}, secretResult](Reads) },
		"embedded":          func() { define1[struct{}, embedding](Reads) },
		"func":              func() { define1[struct{ F func() }, result](Reads) },
		"chan":              func() { define1[struct{ C []chan int }, result](Reads) },
		"unknown enum": func() {
			define1[struct {
				S string `json:"s" enum:"nonsense"`
			}, result](Reads)
		},
		"hidden field": func() { define1[shadow, result](Reads) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				switch r := recover().(type) {
				case nil:
					t.Error("no panic")
				case string:
					if !strings.HasPrefix(r, "tools: ") {
						t.Errorf("panic: %s", r)
					}
				default:
					t.Errorf("panic: %v", r)
				}
			}()
			f()
		})
	}
	define1[struct{}, result](Reads) // and this one is right
}

func TestEffectString(t *testing.T) {
	for e, want := range []string{"unset", "reads", "writes", "destroys"} {
		if got := Effect(e).String(); got != want {
			t.Errorf("%d: %s, want %s", e, got, want)
		}
	}
}
