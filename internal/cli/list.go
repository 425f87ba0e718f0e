package cli

import "strings"

// A list is the value of a flag that may be given again, or with commas.
//
// The library's own builds a writer of CSV for each flag that it declares,
// which costs more than all the rest of a command.
type list struct {
	all   []string
	shows string // what the help shows as the value
}

func (l *list) String() string { return strings.Join(l.all, ",") }

func (l *list) Set(s string) error {
	l.all = append(l.all, strings.Split(s, ",")...)
	return nil
}

func (l *list) Type() string { return l.shows }

// A single is the value of a flag that is given once.
//
// The library's own takes what the help shows as the value out of the meaning,
// where it then stands a second time.
type single struct{ text, shows string }

func (v *single) String() string { return v.text }

func (v *single) Set(s string) error {
	v.text = s
	return nil
}

func (v *single) Type() string { return v.shows }

// words is a list whose values may hold commas.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}

func (w *words) Type() string { return "text" }
