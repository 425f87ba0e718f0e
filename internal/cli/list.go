package cli

import "strings"

// A list is the value of a flag that may be given again, or with commas.
//
// The library's own builds a writer of CSV for each flag that it declares,
// which costs more than all the rest of a command.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = append(*l, strings.Split(s, ",")...)
	return nil
}

func (l *list) Type() string { return "list" }

// words is a list whose values may hold commas.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}

func (w *words) Type() string { return "text" }
