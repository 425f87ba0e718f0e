package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completes reports whether cobra can complete what a shell asks it to, if
// that is what was asked. Where it can't, it would write all words of the
// command line to the standard error of the process.
func (a *app) completes() bool {
	ask := []string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	if !slices.ContainsFunc(a.Args, func(s string) bool { return slices.Contains(ask, s) }) {
		return true
	}
	root := a.root()
	request := &cobra.Command{Use: ask[0], Aliases: ask[1:], Run: func(*cobra.Command, []string) {}}
	root.AddCommand(request)
	cmd, words, err := root.Find(a.Args)
	if cmd != request || err != nil || len(words) == 0 {
		return true // cobra asks for no completion then
	}
	last := words[len(words)-1] // the word that is being typed
	cmd, words, err = a.root().Find(words[:len(words)-1])
	if err != nil {
		return false
	}
	cmd.InitDefaultHelpFlag()
	if strings.HasPrefix(last, "-") && strings.Contains(last, "=") {
		words = append(slices.Clip(words), last)
	}
	var untyped *pflag.ValueRequiredError // its value is what is being typed
	err = cmd.ParseFlags(words)
	return err == nil || errors.As(err, &untyped)
}
