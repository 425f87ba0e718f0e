package cli

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A param is one argument of an operation, as its declaration tags it.
type param struct {
	name string // JSON name
	arg  string // placeholder of a positional argument; "" for a flag
	help string
	typ  reflect.Type
	must bool
	enum string // the set of values, as the declaration names it
	set  string // enum, or the set of which a shell offers the values
}

// values says what the value of a flag looks like.
func (p param) values() string {
	switch p.enum {
	case "", "connectionKind": // too many to show, and read from the catalog
		return strings.ToUpper(p.flag())
	}
	return strings.Join(tools.Enum(p.enum), "|")
}

// params returns the arguments of the command line in the order of their
// declaration.
func params(t reflect.Type) (ps []param) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			ps = append(ps, params(f.Type)...)
			continue
		}
		if f.Tag.Get("face") != "mcp" {
			name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
			enum := f.Tag.Get("enum")
			ps = append(ps, param{name, f.Tag.Get("arg"), f.Tag.Get("jsonschema"), f.Type, opts == "", enum, cmp.Or(enum, f.Tag.Get("offers"))})
		}
	}
	return ps
}

// flag returns the name of p on the command line: envPrefix is --env-prefix.
func (p param) flag() string { return tools.Kebab(p.name) }

// base returns the command of t with its help and its positional arguments
// and without flags of its own.
func (a *app) base(t *tools.Tool) *cobra.Command {
	words := strings.Fields(t.Command)
	use := words[len(words)-1]
	least, most := 0, 0
	for _, p := range params(t.Args) {
		if p.arg == "" {
			continue
		}
		most++
		if p.must {
			least++
			use += " " + p.arg
		} else {
			use += " [" + p.arg + "]"
		}
	}
	return &cobra.Command{
		Use: use, Short: t.Short, Long: t.Short + ".\n\n" + cmp.Or(t.Help, t.Long), Example: indent(t.Example),
		Args: arguments(least, most), Aliases: aliases[t.ID()],
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			places := params(t.Args)
			places = slices.DeleteFunc(places, func(p param) bool { return p.arg == "" })
			if len(args) < len(places) {
				return places[len(args)].choices()
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// choices are what a shell offers for p.
func (p param) choices() ([]string, cobra.ShellCompDirective) {
	if all := tools.Enum(p.set); all != nil || p.arg != "" && p.arg != "FILE" && p.arg != "DIR" {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// inCommands returns the text of an operation, which speaks of tools, for
// those who use commands.
func inCommands(text string) string {
	for _, t := range tools.Catalog() {
		text = strings.ReplaceAll(text, t.ID(), "akos "+t.Command)
	}
	return text
}

// aliases are the other names that the contract gives a command.
var aliases = map[string][]string{
	"connection_inspect": {"get"},
	"connection_remove":  {"rm"},
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// addFlags adds the flags of the named arguments of t; of all without names.
func addFlags(cmd *cobra.Command, t *tools.Tool, names ...string) {
	for _, p := range params(t.Args) {
		if p.arg != "" || len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		switch fs := cmd.Flags(); p.typ.Kind() {
		case reflect.Bool:
			fs.Bool(p.flag(), false, p.help)
		case reflect.Slice:
			fs.Var(&list{shows: p.values()}, p.flag(), strings.TrimPrefix(p.help+"; repeatable", "; "))
		default:
			fs.Var(&single{shows: p.values()}, p.flag(), p.help)
		}
		if p.set != "" {
			_ = cmd.RegisterFlagCompletionFunc(p.flag(), func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return p.choices()
			}) // the flag is there
		}
	}
}

// input returns the arguments of t that the flags and args say.
func input(cmd *cobra.Command, t *tools.Tool, args []string) (map[string]any, error) {
	in := map[string]any{}
	for _, p := range params(t.Args) {
		var err error
		switch f := cmd.Flags().Lookup(p.flag()); {
		case p.arg != "" && len(args) > 0:
			if in[p.name], err = p.value(args[0]); err != nil {
				return nil, err
			}
			args = args[1:]
		case p.arg == "" && f != nil && f.Changed:
			in[p.name], err = flagValue(cmd.Flags(), p)
		}
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (p param) value(s string) (any, error) {
	if p.typ.Kind() != reflect.Int {
		return s, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return nil, workspace.Errorf(workspace.Invalid, "%s must be a number from 1", p.arg)
	}
	return n, nil
}

func flagValue(fs *pflag.FlagSet, p param) (any, error) {
	switch p.typ.Kind() {
	case reflect.Bool:
		return fs.GetBool(p.flag())
	case reflect.Slice:
		all := fs.Lookup(p.flag()).Value.(*list).all
		if slices.Contains(all, "") {
			return nil, noValue(p)
		}
		return all, nil
	}
	s := fs.Lookup(p.flag()).Value.String()
	if s == "" {
		return nil, noValue(p)
	}
	return s, nil
}

// noValue is the error for a flag with nothing in it: mostly an unset variable
// of a script, and what was meant is not "all".
func noValue(p param) error {
	return workspace.Errorf(workspace.Invalid, "--%s needs a value", p.flag())
}

// command returns the command of an operation without a shape of its own.
func (a *app) command(t *tools.Tool) *cobra.Command {
	cmd := a.base(t)
	addFlags(cmd, t)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := input(cmd, t, args)
		if err != nil {
			return err
		}
		return a.call(cmd.Context(), t, a.person(), in)
	}
	return cmd
}
