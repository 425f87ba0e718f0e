package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"example.com/akos/evals/internal/drive"
)

// A position is a place in a request where an agent can put a text of its own.
type position struct {
	label, method string
	params        func(quoted string) string // the text comes as a JSON string
}

// good are arguments with which a call gets further than its own checks.
var good = map[string]string{"key": `"SPARE_KEY"`, "name": `"spare"`, "kind": `"slack"`, "path": `".env"`, "tenantId": `"local"`, "reason": `"to test"`}

// positions asks the server for all that it offers, and returns every place.
func (s *stage) positions() (all []position, err error) {
	var tools struct {
		Tools []struct {
			Name        string
			InputSchema struct {
				Properties map[string]struct {
					Type any
				}
				Required []string
			}
		}
	}
	if err := s.list("tools/list", &tools); err != nil {
		return nil, err
	}
	for _, tool := range tools.Tools {
		name, _ := json.Marshal(tool.Name) // a string always encodes
		add := func(label, argument, form string, fill []string) {
			given := ""
			for _, f := range fill {
				if v, ok := good[f]; ok && f != argument {
					given += fmt.Sprintf(`%q:%s,`, f, v)
				}
			}
			all = append(all, position{"tools/call " + tool.Name + " " + label, "tools/call", func(quoted string) string {
				return fmt.Sprintf(`{"name":%s,"arguments":{%s%s}}`, name, given, strings.ReplaceAll(form, "@", quoted))
			}})
		}
		add("unknown", "", `"unknown":@`, nil)
		add("name of an argument", "", `@:1`, nil)
		for _, arg := range slices.Sorted(maps.Keys(tool.InputSchema.Properties)) {
			required := tool.InputSchema.Required
			if tool.Name == "creds_set" || tool.Name == "vault_put" {
				required = []string{"key"} // provider or key
			}
			if arg == "provider" {
				required = nil
			}
			switch kind := fmt.Sprint(tool.InputSchema.Properties[arg].Type); {
			case strings.Contains(kind, "array"):
				add(arg, arg, fmt.Sprintf(`%q:[@]`, arg), required)
			case strings.Contains(kind, "object"):
				add(arg, arg, fmt.Sprintf(`%q:{"channel":@}`, arg), required)
				add(arg+" names", arg, fmt.Sprintf(`%q:{@:"x"}`, arg), required)
			case strings.Contains(kind, "boolean"), strings.Contains(kind, "integer"):
			default:
				add(arg, arg, fmt.Sprintf(`%q:@`, arg), required)
			}
		}
	}
	all = append(all, position{"name of a tool", "tools/call", func(q string) string { return `{"name":` + q + `,"arguments":{}}` }},
		position{"resources/read", "resources/read", func(q string) string { return `{"uri":` + q + `}` }})
	var prompts struct {
		Prompts []struct {
			Name      string
			Arguments []struct{ Name string }
		}
	}
	var templates struct {
		ResourceTemplates []struct{ URITemplate string }
	}
	if err := errors.Join(s.list("prompts/list", &prompts), s.list("resources/templates/list", &templates)); err != nil {
		return nil, err
	}
	for _, p := range prompts.Prompts {
		for _, a := range p.Arguments {
			all = append(all, position{"prompts/get " + p.Name + " " + a.Name, "prompts/get", func(q string) string {
				return fmt.Sprintf(`{"name":%q,"arguments":{%q:%s}}`, p.Name, a.Name, q)
			}})
			all = append(all, position{"completion/complete " + p.Name + " " + a.Name, "completion/complete", func(q string) string {
				return fmt.Sprintf(`{"ref":{"type":"ref/prompt","name":%q},"argument":{"name":%q,"value":%s}}`, p.Name, a.Name, q)
			}})
		}
	}
	for _, t := range templates.ResourceTemplates {
		open := strings.IndexByte(t.URITemplate, '{')
		all = append(all, position{"resources/read " + t.URITemplate, "resources/read", func(q string) string {
			return `{"uri":"` + t.URITemplate[:max(open, 0)] + q[1:] + `}`
		}})
	}
	return all, nil
}

// list asks for a list that a server need not have.
func (s *stage) list(method string, into any) error {
	a, err := s.client.Ask(method, "{}")
	if err != nil || a.Failed {
		return err
	}
	return json.Unmarshal(a.Result, into)
}

// into puts a text into every position and returns the answers.
func (s *stage) into(all []position, text string) (answers []drive.Answer, err error) {
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if err := s.took(s.client.Ask(p.method, p.params(string(quoted)))); err != nil {
			return nil, err
		}
		answers = append(answers, s.answer)
	}
	return answers, nil
}

// spray puts a text into every position: each has to be refused.
func (s *stage) spray(rest string) error {
	all, err := s.positions()
	if err != nil {
		return err
	}
	answers, err := s.into(all, rest)
	if err != nil {
		return err
	}
	var wrong []string
	for i, a := range answers {
		if !a.Failed {
			wrong = append(wrong, all[i].label)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("is not refused as %s", strings.Join(wrong, ", "))
	}
	return nil
}

// compare puts one text and then another into every position. The answers
// have to be the same but for the texts, which the agent knows: what is told
// of a guess would be told of the value.
func (s *stage) compare(rest string) error {
	one, other, ok := strings.Cut(rest, " with ")
	if !ok {
		return errors.New("compare A with B")
	}
	all, err := s.positions()
	if err != nil {
		return err
	}
	s.client.Own(one, other)
	defer s.client.Own()
	var wrong []string
	for _, p := range all {
		var got [2]string
		for i, text := range []string{one, other} {
			if _, err := s.into([]position{p}, text); err != nil {
				return err
			}
			got[i] = steady(s.shown, []string{text})
		}
		if got[0] != got[1] {
			wrong = append(wrong, fmt.Sprintf("%s (%.200s and %.200s)", p.label, got[0], got[1]))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the answers differ: %s", strings.Join(wrong, "; "))
	}
	return nil
}

var changing = regexp.MustCompile(`"id":\d+|"(?:Date|Content-Length|Mcp-Session-Id)":\["[^"]*"\]|http://127\.0\.0\.1:\d+/enter/[A-Za-z0-9_-]+|conn_[0-9a-f]+|\d{4}-\d\d-\d\dT[\d:.]+Z`)

// steady returns a text without what is new in each, and without what the
// agent put there.
func steady(text string, own []string) string {
	return changing.ReplaceAllString(string(without([]byte(text), own)), "#")
}
