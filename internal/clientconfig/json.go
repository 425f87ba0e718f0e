package clientconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"example.com/akos/workspace"
	"github.com/tailscale/hujson"
)

// maxDepth bounds the nesting of a JSON file: the parser recurses, and a stack
// overflow can't be recovered from.
const maxDepth = 1000

// mergeJSON is the merger of JSON files, with comments and trailing commas or
// without. It parses to find offsets and then splices text, so what it does
// not touch keeps its bytes.
func mergeJSON(old []byte, c client, e Entry) (text []byte, was found, r *refusal) {
	bom, src := cutBOM(old)
	if len(bytes.TrimSpace(src)) == 0 {
		src = []byte("{}\n") // a file that was created and never filled
	}
	if tooDeep(src) {
		return nil, was, refuse(0, fmt.Sprintf("it is nested more than %d levels deep", maxDepth))
	}
	root, err := hujson.Parse(src)
	if err != nil {
		return nil, was, refuse(parseLine(err), "not valid JSON")
	}
	splices, was, r := jsonSplices(src, root, c, e)
	if r != nil {
		return nil, was, r
	}
	if len(splices) == 0 {
		return old, was, nil
	}
	out := apply(src, splices)
	if _, err := hujson.Parse(out); err != nil {
		return nil, was, refuse(0, "it can't be edited safely") // a bug of ours must not cost somebody's file
	}
	return append(bom, out...), was, nil
}

func jsonSplices(src []byte, root hujson.Value, c client, e Entry) (splices []splice, was found, r *refusal) {
	top, ok := root.Value.(*hujson.Object)
	if !ok {
		return nil, was, refuse(lineAt(src, root.StartOffset), "it does not hold an object")
	}
	style := styleOf(src, top)
	entry := func(s layout, indent string, multi bool) string {
		fields := []field{{"command", quote(e.Command)}, {"args", quoteAll(e.args())}}
		if c.typed {
			fields = append([]field{{"type", quote("stdio")}}, fields...)
		}
		if env := quoteEnv(e.set()); env != nil {
			fields = append(fields, field{"env", s.object(indent+s.unit, multi, env)})
		}
		return s.object(indent, multi, fields)
	}
	rootAt := place{value: root, obj: top, multi: multiline(top, true)}

	servers, r := rootAt.member(src, c.key)
	if r != nil {
		return nil, was, r
	}
	if servers == nil {
		return rootAt.insert(style, c.key, func(s layout, indent string, multi bool) string {
			return s.object(indent, multi, []field{{serverName, entry(s, indent+s.unit, multi)}})
		}), was, nil
	}
	list, ok := servers.Value.(*hujson.Object)
	if !ok {
		return nil, was, refuse(lineAt(src, servers.StartOffset), c.key+" is not an object")
	}
	listAt := place{value: *servers, obj: list, multi: multiline(list, rootAt.multi), indent: rootAt.memberIndent(style)}

	ours, r := listAt.member(src, serverName)
	if r != nil {
		return nil, was, r
	}
	if ours == nil {
		return listAt.insert(style, serverName, entry), was, nil
	}
	was.entry = true
	fields, ok := ours.Value.(*hujson.Object)
	if !ok {
		return []splice{{ours.StartOffset, ours.EndOffset, entry(style, listAt.memberIndent(style), listAt.multi)}}, was, nil
	}
	oursAt := place{value: *ours, obj: fields, multi: multiline(fields, listAt.multi), indent: listAt.memberIndent(style)}
	splices, was.args, r = oursAt.update(src, style, c, e)
	return splices, was, r
}

// update returns the splices that make an existing entry ours, and the
// arguments that it has. Fields that a person added stay.
func (p place) update(src []byte, style layout, c client, e Entry) ([]splice, []string, *refusal) {
	for _, remote := range []string{"url", "httpUrl", "serverUrl"} {
		if m, r := p.member(src, remote); m != nil || r != nil {
			return nil, nil, &refusal{workspace.Conflict, lineAt(src, p.value.StartOffset), "the entry " + serverName + " reaches akos-mcp by a URL already"}
		}
	}
	splices, missing, args, r := p.updateArgs(src, e)
	if r != nil {
		return nil, nil, r
	}
	for _, f := range []struct {
		field
		same     func(hujson.Value) bool
		required bool
	}{
		{field{"type", quote("stdio")}, isString("stdio"), c.typed},
		{field{"command", quote(e.Command)}, isString(e.Command), true},
	} {
		m, r := p.member(src, f.name)
		switch {
		case r != nil:
			return nil, nil, r
		case m == nil && f.required:
			missing = append(missing, f.field)
		case m != nil && !f.same(*m):
			splices = append(splices, splice{m.StartOffset, m.EndOffset, f.text})
		}
	}
	env, r := p.member(src, "env")
	if r != nil {
		return nil, nil, r
	}
	set := quoteEnv(e.set())
	text := func() string { return style.object(p.memberIndent(style), p.multi || p.hasTail(), set) }
	switch {
	case env == nil && set != nil:
		missing = append(missing, field{"env", text()})
	case env != nil:
		switch v := env.Value.(type) {
		case *hujson.Object:
			at := place{value: *env, obj: v, multi: multiline(v, p.multi), indent: p.memberIndent(style)}
			more, r := at.updateEnv(src, style, e.Env)
			if r != nil {
				return nil, nil, r
			}
			splices = append(splices, more...)
		case hujson.Literal:
			if v.Kind() != 'n' {
				return nil, nil, notAnEnv(src, env)
			}
			if set != nil {
				splices = append(splices, splice{env.StartOffset, env.EndOffset, text()})
			}
		default:
			return nil, nil, notAnEnv(src, env)
		}
	}
	if len(missing) > 0 {
		splices = append(splices, p.insertAll(style, missing)...)
	}
	return splices, args, nil
}

// updateArgs returns the splices that pin the workspace of e in the arguments
// of an entry, the field for it where it has none, and the arguments that it
// has.
func (p place) updateArgs(src []byte, e Entry) (splices []splice, missing []field, args []string, r *refusal) {
	m, r := p.member(src, "args")
	if r != nil {
		return nil, nil, nil, r
	}
	if m == nil {
		if e.Workspace != "" {
			missing = []field{{"args", quoteAll(e.args())}}
		}
		return nil, missing, nil, nil
	}
	line := lineAt(src, m.StartOffset)
	if lit, ok := m.Value.(hujson.Literal); ok && lit.Kind() == 'n' {
		return []splice{{m.StartOffset, m.EndOffset, quoteAll(e.args())}}, nil, nil, nil
	}
	list, ok := m.Value.(*hujson.Array)
	if !ok {
		return nil, nil, nil, notArgs(line)
	}
	var spans []span
	for _, elem := range list.Elements {
		lit, ok := elem.Value.(hujson.Literal)
		if !ok || lit.Kind() != '"' {
			return nil, nil, nil, notArgs(line)
		}
		args, spans = append(args, lit.String()), append(spans, span{elem.StartOffset, elem.EndOffset})
	}
	command := ""
	if v, _ := p.member(src, "command"); v != nil {
		if lit, ok := v.Value.(hujson.Literal); ok && lit.Kind() == '"' {
			command = lit.String()
		}
	}
	if r := e.checkArgs(line, command, args); r != nil {
		return nil, nil, nil, r
	}
	return e.pinSplices(src, m.StartOffset, spans, args, quote), nil, args, nil
}

func notAnEnv(src []byte, v *hujson.Value) *refusal {
	return refuse(lineAt(src, v.StartOffset), "the env of the entry "+serverName+" is not an object")
}

// updateEnv returns the splices that make our variables what they are in env,
// in an environment that may hold others.
func (p place) updateEnv(src []byte, style layout, env []Variable) ([]splice, *refusal) {
	var splices []splice
	var missing []Variable
	for _, v := range env {
		m, r := p.member(src, v.Name)
		switch {
		case r != nil:
			return nil, r
		case m == nil && v.Value != "":
			missing = append(missing, v)
		case m != nil && !isString(v.Value)(*m):
			splices = append(splices, splice{m.StartOffset, m.EndOffset, quote(v.Value)})
		}
	}
	if len(missing) > 0 {
		splices = append(splices, p.insertAll(style, quoteEnv(missing))...)
	}
	return splices, nil
}

func quoteEnv(env []Variable) []field {
	var fields []field
	for _, v := range env {
		fields = append(fields, field{v.Name, quote(v.Value)})
	}
	return fields
}

func isString(want string) func(hujson.Value) bool {
	return func(v hujson.Value) bool {
		lit, ok := v.Value.(hujson.Literal)
		return ok && lit.Kind() == '"' && lit.String() == want
	}
}

// quote returns s as a JSON string. Paths stay readable: & and < are not
// escaped.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// parseLine takes the line out of an error of hujson, whose text may quote the
// file and goes no further.
func parseLine(err error) (line int) {
	_, _ = fmt.Sscanf(err.Error(), "hujson: line %d,", &line)
	return line
}

// tooDeep reports whether src nests deeper than maxDepth, outside strings and
// comments.
func tooDeep(src []byte) bool {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
		case '/':
			i += commentEnd(src[i:])
		}
	}
	return false
}

// commentEnd returns the offset of the last byte of the comment at the start
// of b, or 0 if there is none.
func commentEnd(b []byte) int {
	end := ""
	switch {
	case bytes.HasPrefix(b, []byte("//")):
		end = "\n"
	case bytes.HasPrefix(b, []byte("/*")):
		end = "*/"
	default:
		return 0
	}
	if n := bytes.Index(b[2:], []byte(end)); n >= 0 {
		return 2 + n + len(end) - 1
	}
	return len(b)
}
