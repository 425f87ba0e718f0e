package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
	"github.com/google/jsonschema-go/jsonschema"
)

// A schema is a JSON schema that can check arguments.
type schema struct {
	*jsonschema.Schema
	// resolved is s ready to check, which costs more than all else: a list
	// of tools does without.
	resolved func() *jsonschema.Resolved
	tool     string
	agent    bool
}

// argument returns how the caller knows the argument called name.
func (s *schema) argument(name string) string {
	if s.agent {
		return "the argument " + name
	}
	for _, f := range reflect.VisibleFields(s.operation().Args) {
		if json, _, _ := strings.Cut(f.Tag.Get("json"), ","); json == name && f.Tag.Get("arg") != "" {
			return f.Tag.Get("arg")
		}
	}
	return "--" + Kebab(name)
}

// operation returns what the arguments are of.
func (s *schema) operation() *Tool {
	t, _ := Lookup(strings.ReplaceAll(s.tool, " ", "_"))
	return t
}

// fault returns an Invalid error about the arguments.
func (s *schema) fault(format string, args ...any) error {
	if s.agent {
		return workspace.Errorf(workspace.Invalid, strings.ReplaceAll(s.tool, " ", "_")+": "+format, args...)
	}
	return workspace.Errorf(workspace.Invalid, format, args...).WithHint("akos %s --help", s.operation().Command)
}

// infer returns the schema of t. These tags of a field count:
//
//	json        its name; omitempty or omitzero make it optional
//	jsonschema  its description
//	enum        a name of enums
//	face        "cli" or "mcp": it is there on that face alone
func infer(t reflect.Type, tool string, agent bool) *schema {
	mustNotCarrySecret(t, tool)
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{})
	if err != nil {
		panic(fmt.Sprintf("tools: %s: %v", tool, err))
	}
	plain(s)
	tagged(s, t, agent)
	resolve := func() *jsonschema.Resolved {
		r, err := s.Resolve(nil)
		if err != nil {
			panic(fmt.Sprintf("tools: %s: %v", tool, err))
		}
		return r
	}
	return &schema{s, sync.OnceValue(resolve), tool, agent}
}

// plain makes every list an array and every map an object, and not "either
// that or null", which some clients refuse. No Result holds a nil slice.
func plain(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 {
		if s.Types = slices.Delete(slices.Clone(s.Types), i, i+1); len(s.Types) == 1 {
			s.Type, s.Types = s.Types[0], nil
		}
	}
	for _, p := range s.Properties {
		plain(p)
	}
	plain(s.Items)
	plain(s.AdditionalProperties)
}

// tagged applies the tags that the library does not know.
func tagged(s *jsonschema.Schema, t reflect.Type, agent bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if inner, ok := f.Type.FieldByName(f.Name); ok {
				panic("tools: the name of an embedded type hides its field " + inner.Name + " from the schema")
			}
			tagged(s, f.Type, agent)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if face := f.Tag.Get("face"); face == "cli" && agent || face == "mcp" && !agent {
			delete(s.Properties, name)
			s.PropertyOrder = slices.DeleteFunc(s.PropertyOrder, func(p string) bool { return p == name })
			s.Required = slices.DeleteFunc(s.Required, func(p string) bool { return p == name })
			continue
		}
		if e := f.Tag.Get("enum"); e != "" {
			p := s.Properties[name]
			if p.Items != nil {
				p = p.Items
			}
			for _, v := range enums(e) {
				p.Enum = append(p.Enum, v)
			}
		}
	}
}

// enums returns the values that an argument of the named set may have.
func enums(name string) []string {
	if all := Enum(name); all != nil {
		return all
	}
	panic("tools: no such enum: " + name)
}

// Enum returns the values of the set that the tag enum of an argument names, or
// the tag offers of one that may have others too or says itself which it may
// have; nil for "".
func Enum(name string) []string {
	switch name {
	case "scope":
		return []string{"workspace", "tenant"}
	case "connectionKind":
		return catalog.KindNames()
	case "providerKind":
		return catalog.ProviderKinds()
	case "role":
		return []string{"owner", "member"}
	case "backend":
		return []string{"auto", "os-keychain", "file", "env"}
	case "provider":
		var ids []string
		for _, p := range catalog.Providers() {
			ids = append(ids, p.ID)
		}
		return ids
	case "tokenScope":
		var names []string
		for _, s := range workspace.TokenScopes {
			names = append(names, s.Name)
		}
		return names
	}
	return nil
}

// check returns an Invalid error unless args is an object that fits s. The
// error names the argument and the rule, and echoes nothing.
func (s *schema) check(ctx context.Context, w *workspace.Workspace, args json.RawMessage) error {
	if string(args) == "{}" && len(s.Required) == 0 {
		return nil // the most frequent call, and nothing in it to look at
	}
	if err := unique(args); err != nil {
		return err
	}
	var v map[string]any
	if err := json.Unmarshal(args, &v); err != nil {
		return workspace.Errorf(workspace.Invalid, "%s: the arguments are not a JSON object", s.tool)
	}
	// First of all: a credential goes nowhere, not even into the log of what
	// was wrong with the rest.
	if err := w.RefuseAny(ctx, "an argument", stringsIn(v, nil)...); err != nil {
		return err
	}
	if s.resolved().Validate(v) == nil {
		return nil
	}
	names := s.names()
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return s.fault("%s is missing", s.argument(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		p := s.Properties[name]
		if p == nil && len(names) == 0 {
			return s.fault("it takes no arguments")
		}
		if p == nil {
			return s.fault("an unknown argument; the arguments are %s", strings.Join(names, ", "))
		}
		if r, err := p.Resolve(nil); err == nil && r.Validate(v[name]) != nil {
			if p.Items != nil && !s.agent {
				p = p.Items // a flag is given once for each
			}
			return s.fault("%s must be %s", s.argument(name), rule(p))
		}
	}
	return workspace.Errorf(workspace.Invalid, "the arguments do not fit %s", s.tool)
}

// names returns the arguments, sorted.
func (s *schema) names() []string { return slices.Sorted(maps.Keys(s.Properties)) }

// rule says in words what p asks for.
func rule(p *jsonschema.Schema) string {
	switch {
	case p.Items != nil:
		return "a list, each " + rule(p.Items)
	case len(p.Enum) > 0:
		var vs []string
		for _, v := range p.Enum {
			vs = append(vs, fmt.Sprint(v))
		}
		return "one of " + strings.Join(vs, ", ")
	case p.Type == "object", p.Type == "integer":
		return "an " + p.Type
	case p.Type != "":
		return "a " + p.Type
	}
	return "of another type"
}

// unique refuses an object with the same member twice, at any depth: the
// decoder would let the last one win, unseen.
func unique(args json.RawMessage) error {
	type level struct {
		seen  map[string]bool // nil in an array
		isKey bool
	}
	dec := json.NewDecoder(bytes.NewReader(args))
	dec.UseNumber()
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return nil // its end, or a syntax error that Unmarshal reports
		}
		top := len(stack) - 1
		if d, ok := tok.(json.Delim); ok {
			switch d {
			case '{':
				stack = append(stack, level{map[string]bool{}, true})
			case '[':
				stack = append(stack, level{})
			default:
				stack = stack[:top]
			}
			if d == '}' || d == ']' {
				if top--; top >= 0 {
					stack[top].isKey = stack[top].seen != nil
				}
			}
			continue
		}
		if top < 0 || stack[top].seen == nil {
			continue
		}
		l := &stack[top]
		if l.isKey {
			key := tok.(string)
			if l.seen[key] {
				return workspace.Errorf(workspace.Invalid, "the arguments have a member twice")
			}
			l.seen[key] = true
		}
		l.isKey = !l.isKey
	}
}

// stringsIn appends every string in v, names of members too, to all.
func stringsIn(v any, all []string) []string {
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, e := range v {
			all = stringsIn(e, all)
		}
	case map[string]any:
		for name, e := range v {
			all = stringsIn(e, append(all, name))
		}
	}
	return all
}

// mustNotCarrySecret panics if a value of type t could carry a
// workspace.Secret, or anything whose content the walk can't see.
func mustNotCarrySecret(t reflect.Type, tool string) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(t.Elem())
		case reflect.Map:
			walk(t.Key())
			walk(t.Elem())
		case reflect.Func, reflect.Chan:
			panic(fmt.Sprintf("tools: %s: neither an argument nor a result may hold a %s", tool, t.Kind()))
		case reflect.Struct:
			if t == reflect.TypeFor[workspace.Secret]() {
				panic(fmt.Sprintf("tools: %s: a secret may be neither argument nor result", tool))
			}
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(t)
}
