package clientconfig

import (
	"slices"
	"strings"

	"example.com/akos/workspace"
)

// pinFlag is the argument of akos-mcp that names the workspace it opens.
const pinFlag = "--workspace"

// args returns the arguments of a new entry.
func (e Entry) args() []string { return e.pinned([]string{}) }

// pinned returns args with the workspace of e in them. An entry without one
// leaves them as they are: they are a person's.
func (e Entry) pinned(args []string) []string {
	at, n, texts := e.pin(args)
	return slices.Replace(slices.Clone(args), at, at+n, texts...)
}

// pin returns what pins the workspace of e: texts in the place of the n
// arguments at at. There are none where nothing is to be done.
func (e Entry) pin(args []string) (at, n int, texts []string) {
	if e.Workspace == "" || opened(args) == e.Workspace {
		return 0, 0, nil
	}
	switch i := lastPin(args); {
	case i < 0: // first, as the last of them may be a flag that lacks its value
		return 0, 0, []string{pinFlag, e.Workspace}
	case args[i] != pinFlag:
		return i, 1, []string{pinFlag + "=" + e.Workspace}
	default:
		return i + 1, min(1, len(args)-i-1), []string{e.Workspace}
	}
}

// opened returns the workspace that args pin, or "".
func opened(args []string) string {
	i := lastPin(args)
	if i < 0 {
		return ""
	}
	if _, value, ok := strings.Cut(args[i], "="); ok {
		return value
	}
	return strings.Join(args[i+1:min(i+2, len(args))], "")
}

// lastPin returns where the argument that pins a workspace is, or -1. Of two
// akos-mcp takes the last.
func lastPin(args []string) int {
	last := -1
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		switch {
		case args[i] == pinFlag:
			last = i
			i++ // its value, whatever that looks like
		case strings.HasPrefix(args[i], pinFlag+"="):
			last = i
		}
	}
	return last
}

// pinSplices returns the splices that pin the workspace of e in a list, whose
// brackets open at open and whose elements, args, are at spans.
func (e Entry) pinSplices(src []byte, open int, spans []span, args []string, quote func(string) string) []splice {
	at, n, texts := e.pin(args)
	for i, s := range texts {
		texts[i] = quote(s)
	}
	switch text := strings.Join(texts, ", "); {
	case texts == nil:
		return nil
	case n > 0:
		return []splice{{spans[at].start, spans[at].end, text}}
	case len(spans) == 0:
		return []splice{{open + 1, open + 1, text}}
	case at > 0:
		return []splice{{spans[at-1].end, spans[at-1].end, ", " + text}}
	default:
		lead := ", "
		if gap := string(src[open+1 : spans[0].start]); strings.Contains(gap, "\n") && strings.TrimSpace(gap) == "" {
			lead = "," + gap // a line for each
		}
		return []splice{{spans[0].start, spans[0].start, strings.Join(texts, lead) + lead}}
	}
}

// A span is a place in a file.
type span struct{ start, end int }

// checkArgs refuses an entry whose arguments are those of another program, such
// as npx: akos-mcp can't be started with them.
func (e Entry) checkArgs(line int, command string, args []string) *refusal {
	name := command[strings.LastIndexAny(command, `/\`)+1:]
	if len(args) > 0 && command != "" && command != e.Command && !strings.HasPrefix(name, "akos-mcp") {
		return &refusal{workspace.Conflict, line, "the entry " + serverName + " starts another program, whose arguments are not those of akos-mcp"}
	}
	return nil
}

// notArgs refuses arguments that no client can start a program with.
func notArgs(line int) *refusal {
	return refuse(line, "the args of the entry "+serverName+" are not a list of texts")
}
