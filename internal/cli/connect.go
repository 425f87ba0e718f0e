package cli

import (
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// pairs splits NAME=VALUE words. A word without = is given the name bare, or
// refused if there is none. A name given twice is refused.
func pairs[V any](flag string, words []string, bare *string, value func(string) V) (map[string]V, error) {
	m := map[string]V{}
	for _, w := range words {
		if err := workspace.Refuse(w, "an argument"); err != nil {
			return nil, err
		}
		name, v, ok := strings.Cut(w, "=")
		if !ok && bare == nil {
			return nil, workspace.Errorf(workspace.Invalid, "--%s needs FIELD=VALUE", flag)
		}
		if !ok {
			name, v = *bare, w
		}
		if _, twice := m[name]; twice {
			return nil, workspace.Errorf(workspace.Invalid, "--%s gives a field twice", flag)
		}
		m[name] = value(v)
	}
	return m, nil
}

func (a *app) connectionCreate(t *tools.Tool) *cobra.Command {
	var name string
	var keys, config []string
	var noAuth bool
	cmd := a.base(t)
	cmd.Use = "create KIND --name NAME"
	fs := cmd.Flags()
	fs.StringVar(&name, "name", "", "`NAME` of the connection")
	fs.StringArrayVar(&keys, "vault-key", nil, "`[FIELD=]KEY`: the vault key of a credential field; of the first without FIELD; repeatable")
	fs.StringArrayVar(&config, "config", nil, "`FIELD=VALUE` of the kind; repeatable (akos connections kinds KIND)")
	fs.BoolVar(&noAuth, "no-auth", false, "connect without credentials")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if name == "" {
			return usage("--name is missing", cmd)
		}
		in := map[string]any{"kind": args[0], "name": name}
		first := ""
		ks, err := pairs("vault-key", keys, &first, func(s string) string { return s })
		if err != nil {
			return err
		}
		cs, err := pairs("config", config, nil, func(s string) any { return s })
		if err != nil {
			return err
		}
		if len(ks) > 0 {
			in["vaultKeys"] = ks
		}
		if len(cs) > 0 {
			in["config"] = cs
		}
		if noAuth {
			in["noAuth"] = true
		}
		return a.call(cmd.Context(), t, a.person(), in)
	}
	return cmd
}

func (a *app) vaultExport(t *tools.Tool) *cobra.Command {
	cmd := a.command(t)
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("recipient") {
			return usage("--recipient is missing", cmd)
		}
		if a.asJSON && !cmd.Flags().Changed("out") {
			return usage("--json needs --out, since the file would go to the standard output too", cmd)
		}
		return run(cmd, args)
	}
	return cmd
}

func (a *app) trust(t *tools.Tool) *cobra.Command {
	cmd := a.base(t)
	cmd.Use, cmd.Args = "trust [DIR]", arguments(0, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			a.workspace = directory(args[0])
		}
		return a.call(cmd.Context(), t, a.person(), struct{}{})
	}
	return cmd
}

// directory makes sure that s is taken for a directory and not for an id.
func directory(s string) string {
	if strings.ContainsAny(s, `/\`) {
		return s
	}
	return "./" + s
}
