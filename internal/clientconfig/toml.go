package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"example.com/akos/workspace"
	"github.com/pelletier/go-toml/v2"
)

// mergeTOML is the merger of TOML files. It edits text at the offsets of a
// parser, and then proves the edit: the document must decode to what it was,
// but for our entry.
func mergeTOML(old []byte, c client, e Entry) (text []byte, was found, r *refusal) {
	bom, src := cutBOM(old)
	before, r := decode(src)
	if r != nil {
		return nil, was, r
	}
	doc, r := scanTOML(src, []string{c.key, serverName})
	if r != nil {
		return nil, was, r
	}
	was.entry = doc.found()
	splices, args, r := tomlSplices(src, doc, e)
	if r != nil {
		return nil, was, r
	}
	was.args = args
	if len(splices) == 0 {
		return old, was, nil
	}
	out := apply(src, splices)
	after, r := decode(out)
	if r != nil || !onlyOurs(before, after, c.key, e) {
		return nil, was, unsafeForm(0)
	}
	return append(bom, out...), was, nil
}

func unsafeForm(line int) *refusal {
	return refuse(line, "the servers are written in a form that can't be edited safely")
}

func decode(src []byte) (map[string]any, *refusal) {
	doc := map[string]any{}
	err := toml.Unmarshal(src, &doc)
	if err == nil {
		return doc, nil
	}
	line := 0
	if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
		line, _ = at.Position()
	}
	return nil, refuse(line, "not valid TOML")
}

// onlyOurs reports whether after is before with our entry in it, and takes
// both apart.
func onlyOurs(before, after map[string]any, key string, e Entry) bool {
	theirs, _ := takeEntry(before, key)
	ours, ok := takeEntry(after, key)
	if !ok || ours["command"] != e.Command {
		return false
	}
	had, _ := texts(theirs["args"])
	args := e.pinned(had)
	if got, ok := ours["args"]; ok && !same(got, toAny(args)) || !ok && len(args) > 0 {
		return false
	}
	env, _ := ours["env"].(map[string]any)
	for _, v := range e.Env {
		if got, ok := env[v.Name]; got != v.Value && (ok || v.Value != "") {
			return false
		}
	}
	for _, entry := range []map[string]any{theirs, ours} {
		delete(entry, "command")
		delete(entry, "args")
		if env, ok := entry["env"].(map[string]any); ok {
			for _, v := range e.Env {
				delete(env, v.Name)
			}
			if len(env) == 0 {
				delete(entry, "env")
			}
		}
	}
	return len(theirs) == len(ours) && (len(ours) == 0 || same(theirs, ours)) && same(before, after)
}

// takeEntry removes our entry from doc and returns it.
func takeEntry(doc map[string]any, key string) (map[string]any, bool) {
	servers, _ := doc[key].(map[string]any)
	entry, ok := servers[serverName].(map[string]any)
	delete(servers, serverName)
	if len(servers) == 0 {
		delete(doc, key) // an empty table and none are the same to a client
	}
	return entry, ok
}

// same is reflect.DeepEqual for which nan is nan.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	}
	return reflect.DeepEqual(a, b)
}

// tomlSplices returns the splices that put the entry into src, which is valid,
// and the arguments that it has there.
func tomlSplices(src []byte, doc *tomlDoc, e Entry) ([]splice, []string, *refusal) {
	nl := newline(src)
	splices, env := doc.envSplices(src, nl, e)
	command, args := "command = "+tomlString(e.Command), "args = "+tomlStrings(e.args())

	if !doc.found() {
		if doc.closed > 0 {
			return nil, nil, unsafeForm(doc.closed) // mcp_servers = { … } can't get a table elsewhere
		}
		lead := ""
		if len(src) > 0 {
			lead = nl
			if !bytes.HasSuffix(src, []byte("\n")) {
				lead += nl
			}
		}
		header := strings.Join(doc.path, ".")
		table := lead + "[" + header + "]" + nl + command + nl + args + nl
		if env != nil {
			table += nl + "[" + header + ".env]" + nl + strings.Join(env, nl) + nl
		}
		return append(splices, splice{len(src), len(src), table}), nil, nil
	}
	if doc.remote > 0 {
		return nil, nil, &refusal{workspace.Conflict, doc.remote, "the entry " + serverName + " reaches akos-mcp by a URL already"}
	}

	inline := "env = { " + strings.Join(env, ", ") + " }"
	addArgs := doc.args == nil && e.Workspace != ""
	var had []string
	if doc.args != nil {
		line, ok := lineAt(src, doc.args.start), false
		if had, ok = texts(doc.args.decoded(src)); !ok || len(had) != len(doc.spans) {
			return nil, nil, notArgs(line)
		}
		command := ""
		if doc.command != nil {
			command, _ = doc.command.decoded(src).(string)
		}
		if r := e.checkArgs(line, command, had); r != nil {
			return nil, nil, r
		}
		splices = append(splices, e.pinSplices(src, doc.args.value, doc.spans, had, tomlString)...)
	}
	switch {
	case doc.command != nil:
		if doc.command.decoded(src) != e.Command {
			splices = append(splices, splice{doc.command.value, doc.command.end, tomlString(e.Command)})
		}
		if addArgs {
			splices = append(splices, doc.command.sibling(src, nl, args))
		}
		if env != nil {
			splices = append(splices, doc.command.sibling(src, nl, inline))
		}
	case doc.header > 0:
		at, lines := lineEnd(src, doc.header), nl+command
		if addArgs {
			lines += nl + args
		}
		if env != nil {
			lines += nl + inline
		}
		splices = append(splices, splice{at, at, lines})
	default:
		return nil, nil, unsafeForm(doc.first)
	}
	return splices, had, nil
}

// envSplices returns the splices that make our variables what they are in e,
// and as key = value those for which src has no environment yet.
func (d *tomlDoc) envSplices(src []byte, nl string, e Entry) (splices []splice, left []string) {
	for _, v := range e.Env {
		pair := d.env[v.Name]
		switch {
		case pair == nil && v.Value != "":
			left = append(left, v.Name+" = "+tomlString(v.Value))
		case pair != nil && pair.decoded(src) != v.Value:
			splices = append(splices, splice{pair.value, pair.end, tomlString(v.Value)})
		}
	}
	switch {
	case left == nil:
	case d.lastEnv != nil:
		for _, text := range left {
			splices = append(splices, d.lastEnv.sibling(src, nl, text))
		}
		left = nil
	case d.emptyEnv != nil:
		splices = append(splices, splice{d.emptyEnv.value, d.emptyEnv.end, "{ " + strings.Join(left, ", ") + " }"})
		left = nil
	case d.envHeader > 0:
		at := lineEnd(src, d.envHeader)
		splices = append(splices, splice{at, at, nl + strings.Join(left, nl)})
		left = nil
	}
	return splices, left
}

// texts returns the elements of a decoded list of strings; ok is false if v is
// none.
func texts(v any) (list []string, ok bool) {
	all, ok := v.([]any)
	for _, elem := range all {
		s, is := elem.(string)
		list, ok = append(list, s), ok && is
	}
	return list, ok
}

func toAny(list []string) []any {
	out := []any{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// tomlString returns s as a TOML string: a Windows path as a literal one, so
// that it stays readable.
func tomlString(s string) string {
	control := func(r rune) bool { return r < ' ' || r == 0x7F }
	if strings.Contains(s, `\`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, control) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case control(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func tomlStrings(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = tomlString(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// lineEnd returns the offset of the end of the line that holds offset, before
// its line end.
func lineEnd(src []byte, offset int) int {
	n := bytes.IndexByte(src[offset:], '\n')
	if n < 0 {
		return len(src)
	}
	if end := offset + n; end > offset && src[end-1] == '\r' {
		return end - 1
	}
	return offset + n
}
