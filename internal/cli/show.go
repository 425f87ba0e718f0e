package cli

import (
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.com/akos/tools"
)

// show writes a result: as JSON the same bytes as the structuredContent of
// the MCP tool, and a line end.
func (a *app) show(res tools.Result) error {
	var text string
	if a.asJSON {
		b, err := json.Marshal(res)
		if err != nil {
			return err
		}
		text = string(b) + "\n"
	} else {
		var b strings.Builder
		if err := res.WriteText(&b); err != nil {
			return err
		}
		text = visible(b.String())
	}
	_, err := io.WriteString(a.Out, text)
	return err
}

// visible returns a text as it may go to a terminal: names of files, and what
// an agent or a server chose, may be in it, and must neither move the cursor
// nor turn the text around.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}

// oneLine does so for a text that is to be one line.
func oneLine(text string) string { return visible(strings.ReplaceAll(text, "\n", " ")) }
