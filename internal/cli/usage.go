package cli

import (
	"errors"
	"strings"

	"example.com/akos/internal/commandline"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage returns an Invalid error that points to the help of cmd.
func usage(msg string, cmd *cobra.Command) error {
	return workspace.Errorf(workspace.Invalid, "%s", msg).WithHint("%s --help", cmd.CommandPath())
}

// noSuchCommand refuses arguments of a command that only holds others.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := "no such command"
	if commandline.Word(args[0]) {
		msg = "no such command: " + cmd.CommandPath() + " " + args[0]
		if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
			return workspace.Errorf(workspace.Invalid, "%s", msg).WithHint("%s %s --help", cmd.CommandPath(), s[0])
		}
	}
	if names := subcommands(cmd); cmd.HasParent() && len(names) > 0 {
		msg += "; there are " + strings.Join(names, ", ")
	}
	return usage(msg, cmd)
}

func subcommands(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// arguments returns a check for at least min and at most max arguments.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("the usage is: "+strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd)
		}
		return nil
	}
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return usage(commandline.WrongFlag(err), cmd)
}
