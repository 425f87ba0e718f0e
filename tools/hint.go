package tools

import (
	"encoding/json"
	"reflect"
	"strings"

	"example.com/akos/workspace"
)

// AgentHint returns the hint of e for an agent: the call of tool that does what
// the command of the hint does, where there is one. A command that needs a
// person stays a command, and tool is "".
func AgentHint(e workspace.Error) (hint, tool string) {
	words, ok := strings.CutPrefix(e.Hint, "akos ")
	if !ok || e.Kind == workspace.HumanNeeded || strings.Contains(words, "'") {
		return e.Hint, ""
	}
	for _, t := range Catalog() {
		rest, ok := strings.CutPrefix(words+" ", t.Command+" ")
		if !ok || t.CLIOnly != "" {
			continue
		}
		if args, ok := toolArgs(t, strings.Fields(rest)); ok {
			return t.ID() + " " + args, t.ID()
		}
	}
	return e.Hint, ""
}

// toolArgs returns the words of a command as the arguments of t; ok is false
// if a word has no place there.
func toolArgs(t *Tool, words []string) (args string, ok bool) {
	in := map[string]any{}
	var places []string
	for i := range t.Args.NumField() {
		f := t.Args.Field(i)
		if f.Tag.Get("arg") != "" && f.Type.Kind() == reflect.String {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			places = append(places, name)
		}
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch name, isFlag := strings.CutPrefix(word, "--"); {
		case isFlag && name == "scope" && len(words) > 0:
			in["scope"], words = words[0], words[1:]
		case isFlag && name == "server" && len(words) > 0:
			words = words[1:] // an agent logs in where its calls go
		case isFlag && (name == "force" || name == "rewrite"):
			in[name] = true
		case isFlag && name == "name" && len(words) > 0:
			in["name"], words = words[0], words[1:]
		case isFlag && name == "provider" && len(words) > 0 && lists(t, name):
			all, _ := in[name].([]string)
			in[name], words = append(all, words[0]), words[1:]
		case isFlag && name == "vault-key" && len(words) > 0:
			field, key, pair := strings.Cut(words[0], "=")
			if !pair {
				return "", false // which field that is, only the command knows
			}
			keys, _ := in["vaultKeys"].(map[string]string)
			if keys == nil {
				keys = map[string]string{}
			}
			keys[field], in["vaultKeys"], words = key, keys, words[1:]
		case isFlag || len(places) == 0:
			return "", false
		default:
			in[places[0]], places = word, places[1:]
		}
	}
	b, err := json.Marshal(in)
	return string(b), err == nil
}

// lists reports whether the argument of t called name is a list.
func lists(t *Tool, name string) bool {
	p := t.In(true).Properties[name]
	return p != nil && p.Items != nil
}
