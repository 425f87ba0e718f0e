package cli

import (
	"errors"
	"regexp"
	"strings"

	"example.com/akos/workspace"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage returns an Invalid error that points to the help of cmd.
func usage(msg string, cmd *cobra.Command) error {
	return workspace.Errorf(workspace.Invalid, "%s", msg).WithHint("%s --help", cmd.CommandPath())
}

// word is what may be repeated of what somebody typed: a short word in lower
// case. Anything else could be a value that landed in the wrong place.
var word = func() func(string) bool {
	var re *regexp.Regexp
	return func(s string) bool {
		if re == nil {
			re = regexp.MustCompile(`^[a-z][a-z-]{0,23}$`)
		}
		return re.MatchString(s) && workspace.Refuse(s, "") == nil
	}
}()

// noSuchCommand refuses arguments of a command that only holds others.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := "no such command"
	if word(args[0]) {
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

// flagError says what is wrong with a flag without repeating its value.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "": // letters could be a value that begins with -
		return usage("no such flag: none has a short form but -h", cmd)
	case errors.As(err, &unknown) && word(unknown.GetSpecifiedName()):
		return usage("no such flag: --"+unknown.GetSpecifiedName(), cmd)
	case errors.As(err, &unknown):
		return usage("no such flag", cmd)
	case errors.As(err, &value):
		return usage("--"+value.GetFlag().Name+" needs a "+value.GetFlag().Value.Type(), cmd)
	case errors.As(err, &missing):
		return usage("--"+missing.GetFlag().Name+" needs a value", cmd)
	}
	return usage("a flag is not written right", cmd)
}
