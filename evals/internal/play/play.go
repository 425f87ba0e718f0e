// Package play puts data files on: each has an agent by script, a person, and
// a server in a hermetic home with values that must not be seen. It judges by
// what the agent saw, and by what state the home is in at the end.
//
// It knows akos by its commands and its protocol alone. Its invariant: a play
// that can't be put on to its end has failed.
package play

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/akos/evals/internal/drive"
	"github.com/rogpeppe/go-internal/txtar"
)

// A Play is one data file.
type Play struct {
	Name   string // "attacks/ask-outright"
	Title  string
	Why    string
	Over   []string // its transports: both, unless it says otherwise
	Client drive.Profile
	Server []string // arguments of the server
	Env    []string // of the server and the person
	Setup  []Step   // the person, before the server starts
	Steps  []Step   // the agent, with what the person does meanwhile
	Goal   []Step   // how it must be in the end
	Files  []txtar.File

	wait time.Duration // of its pauses
}

// A Step is one line: a verb and the rest.
type Step struct {
	Where string // "steps:3"
	Verb  string
	Rest  string
}

var setting = regexp.MustCompile(`^(over|client|name|server|env|root): (.*)$`)

// Parse reads a file's text.
func Parse(name string, data []byte) (*Play, error) {
	a := txtar.Parse(data)
	p := &Play{Name: name, Over: []string{"stdio", "http"}, Client: drive.Profile{Revision: "2025-11-25", Name: "scripted agent"}}
	var why []string
	for line := range strings.Lines(string(a.Comment)) {
		line = strings.TrimSpace(line)
		if m := setting.FindStringSubmatch(line); m != nil {
			if err := p.set(m[1], m[2]); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		} else if p.Title == "" {
			p.Title = line
		} else if line != "" {
			why = append(why, line)
		}
	}
	p.Why = strings.Join(why, " ")
	for _, f := range a.Files {
		var err error
		switch f.Name {
		case "setup":
			p.Setup, err = steps(f)
		case "steps":
			p.Steps, err = steps(f)
		case "goal":
			p.Goal, err = steps(f)
		default:
			p.Files = append(p.Files, f)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, step := range p.Steps {
		if step.Verb == "pause" {
			d, err := time.ParseDuration(step.Rest)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, step.Where, err)
			}
			p.wait += d
		}
	}
	if p.Title == "" || p.Why == "" || len(p.Steps) == 0 {
		return nil, fmt.Errorf("%s: a file has a title, says why, and has steps", name)
	}
	return p, nil
}

// set sets what the head of a file says.
func (p *Play) set(name, value string) error {
	switch name {
	case "over":
		if value != "stdio" && value != "http" {
			return fmt.Errorf("over: %q is no transport", value)
		}
		p.Over = []string{value}
	case "server":
		p.Server = strings.Fields(value)
	case "env":
		p.Env = append(p.Env, value)
	case "name":
		p.Client.Name = value
	case "root":
		p.Client.Roots = append(p.Client.Roots, value)
	case "client":
		for word := range strings.FieldsSeq(value) {
			switch word {
			case "modern":
				p.Client.Revision = drive.Modern
			case "urls":
				p.Client.URLs = true
			case "forms":
				p.Client.Forms = true
			case "sampling":
				p.Client.Sampling = true
			default:
				if !regexp.MustCompile(`^\d{4}-\d\d-\d\d$`).MatchString(word) {
					return fmt.Errorf("client: %q is no word of it", word)
				}
				p.Client.Revision = word
			}
		}
	}
	return nil
}

// steps reads lines; one that starts with a space goes on with the line
// before, and # starts a comment.
func steps(f txtar.File) (list []Step, err error) {
	n := 0
	for line := range strings.Lines(string(f.Data)) {
		n++
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if more, ok := strings.CutPrefix(line, " "); ok && len(list) > 0 {
			last := &list[len(list)-1]
			last.Rest += " " + strings.TrimSpace(more)
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		if _, ok := verbs[verb]; !ok {
			return nil, fmt.Errorf("%s:%d: there is no verb %q", f.Name, n, verb)
		}
		list = append(list, Step{fmt.Sprintf("%s:%d", f.Name, n), verb, rest})
	}
	return list, nil
}

// Load reads all files of directories, in the order of their names.
func Load(root string, dirs ...string) (plays []*Play, err error) {
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.txtar"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no files in %s: %w", filepath.Join(root, dir), os.ErrNotExist)
		}
		slices.Sort(files)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			p, err := Parse(dir+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), data)
			if err != nil {
				return nil, err
			}
			plays = append(plays, p)
		}
	}
	return plays, nil
}
