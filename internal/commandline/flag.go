package commandline

import (
	"errors"
	"regexp"

	"example.com/akos/workspace"
	"github.com/spf13/pflag"
)

// Word reports whether s may be repeated of what somebody typed: a short word
// in lower case. Anything else could be a value that landed in the wrong place.
func Word(s string) bool {
	return regexp.MustCompile(`^[a-z][a-z-]{0,23}$`).MatchString(s) && workspace.Refuse(s, "") == nil
}

// WrongFlag says what is wrong with a flag, for an error of pflag, without
// repeating its value.
func WrongFlag(err error) string {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "": // letters could be a value that begins with -
		return "no such flag: none has a short form but -h"
	case errors.As(err, &unknown) && Word(unknown.GetSpecifiedName()):
		return "no such flag: --" + unknown.GetSpecifiedName()
	case errors.As(err, &unknown):
		return "no such flag"
	case errors.As(err, &value):
		return "--" + value.GetFlag().Name + " needs a " + value.GetFlag().Value.Type()
	case errors.As(err, &missing):
		return "--" + missing.GetFlag().Name + " needs a value"
	}
	return "a flag is not written right"
}
