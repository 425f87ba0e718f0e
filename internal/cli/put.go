package cli

import (
	"strings"

	"example.com/akos/internal/terminal"
	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// A source is where a value comes from, as flags say it.
type source struct {
	stdin bool
	file  string
	env   string
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.stdin, "stdin", false, "read the value from the standard input; the line end of a single line is not part of it")
	cmd.Flags().StringVar(&s.file, "from-file", "", "read the exact bytes of this `FILE`")
	cmd.Flags().StringVar(&s.env, "from-env", "", "read the value of this variable")
}

// human returns the human that brings the value: positional holds a VALUE
// that was given as an argument, if one was.
func (s *source) human(a *app, cmd *cobra.Command, positional []string) (tools.Human, error) {
	n := len(positional)
	for _, name := range []string{"stdin", "from-file", "from-env"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			n++
		}
	}
	for _, name := range []string{s.file, s.env} {
		if err := workspace.Refuse(name, "the name of a file or variable"); err != nil {
			return nil, err
		}
	}
	switch {
	case n > 1:
		return nil, usage("a value comes from one place: an argument, --stdin, --from-file or --from-env", cmd)
	case len(positional) == 1 && positional[0] == "-":
		// To many a program this says where the value comes from: kept, it would take the place of the one that was meant.
		return nil, usage("- is not taken for a value: --stdin reads the standard input", cmd)
	case len(positional) == 1:
		a.warn("the value is now in your shell's history, and other processes could see it; without it akos asks unseen")
		return given{Human: a.person(), read: func() (workspace.Secret, error) {
			return workspace.ReadSecret(strings.NewReader(positional[0]))
		}}, nil
	case s.stdin && terminal.Is(a.In):
		// The terminal would show what is typed.
		return a.person(), nil
	case s.stdin:
		return given{Human: a.person(), piped: true, read: func() (workspace.Secret, error) {
			v, err := workspace.ReadSecret(a.In)
			return workspace.TrimLineEnd(v), err
		}}, nil
	case cmd.Flags().Changed("from-file"):
		return given{Human: a.person(), read: func() (workspace.Secret, error) { return fromFile(s.file) }}, nil
	case cmd.Flags().Changed("from-env"):
		return given{Human: a.person(), read: func() (workspace.Secret, error) {
			v, ok := a.LookupEnv(s.env)
			if !ok || v == "" {
				return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "the variable of --from-env is not set or empty")
			}
			return workspace.ReadSecret(strings.NewReader(v))
		}}, nil
	}
	return a.person(), nil
}

// storing returns the command of an operation that stores one value, which
// may come from any source: vault put, secrets set.
func (a *app) storing(t *tools.Tool) *cobra.Command {
	var src source
	cmd := a.base(t)
	cmd.Use, cmd.Args = cmd.Use+" [VALUE]", arguments(1, 2)
	cmd.Long += "\n\nA VALUE on the command line works, and warns: it stays in the shell's history."
	src.flags(cmd)
	addFlags(cmd, t)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := input(cmd, t, args[:1])
		if err != nil {
			return err
		}
		human, err := src.human(a, cmd, args[1:])
		if err != nil {
			return err
		}
		return a.call(cmd.Context(), t, human, in)
	}
	return cmd
}

func (a *app) credsSet(t *tools.Tool) *cobra.Command {
	var src source
	cmd := a.base(t)
	cmd.Use, cmd.Args = "set [PROVIDER|KEY]", arguments(0, 1)
	cmd.Flags().BoolVar(&src.stdin, "stdin", false, "read the value from the standard input")
	addFlags(cmd, t, "scope")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		w, closeAll, err := a.Open("cli", a.workspace, a.log)
		if err != nil {
			return err
		}
		defer closeAll()
		in, err := input(cmd, t, nil)
		if err != nil {
			return err
		}
		providers, err := w.Providers(cmd.Context(), workspace.Filter{})
		if err != nil {
			return err
		}
		var ids []string
		for _, p := range providers {
			if len(p.RequiredKeys) > 0 {
				ids = append(ids, p.ID)
			}
		}
		what := "key"
		switch {
		case len(args) == 0:
			if args, err = a.choose(cmd, ids); err != nil {
				return err
			}
			what = "provider"
		case !strings.ContainsAny(args[0], "_ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
			what = "provider" // every key has a capital or a _, and no id has
		}
		in[what] = args[0]
		human, err := src.human(a, cmd, nil)
		if err != nil {
			return err
		}
		if src.stdin {
			if err := oneKey(cmd, w, in); err != nil {
				return err
			}
		}
		return a.callOn(cmd.Context(), w, t, human, in)
	}
	return cmd
}

// choose asks which provider is meant.
func (a *app) choose(cmd *cobra.Command, ids []string) ([]string, error) {
	if a.noInput {
		return nil, workspace.Errorf(workspace.HumanNeeded, "name a provider, or choose one on a terminal").WithHint("akos creds list")
	}
	t, err := a.keyboard().open("akos creds list")
	if err != nil {
		return nil, err
	}
	defer t.Close()
	i, err := t.Choose(cmd.Context(), "Which provider? ", ids)
	if err != nil {
		return nil, err
	}
	return ids[i : i+1], nil
}

// oneKey refuses one value for several keys.
func oneKey(cmd *cobra.Command, w *workspace.Workspace, in map[string]any) error {
	provider, _ := in["provider"].(string)
	key, _ := in["key"].(string)
	keys, _, err := w.KeysToSet(cmd.Context(), provider, key)
	if err == nil && len(keys) > 1 {
		err = workspace.Errorf(workspace.Invalid, "--stdin gives one value, and %s has several keys: %s", provider, strings.Join(keys, ", ")).
			WithHint("akos creds set %s --stdin", keys[0])
	}
	return err
}
