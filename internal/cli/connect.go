package cli

import (
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// pairs splits NAME=VALUE words and gives each to add. A word without = is
// given the name bare, or refused if there is none.
func pairs(flag string, words []string, bare *string, add func(name, v string) error) error {
	for _, w := range words {
		if err := workspace.Refuse(w, "an argument"); err != nil {
			return err
		}
		name, v, ok := strings.Cut(w, "=")
		if !ok && bare == nil {
			return workspace.Errorf(workspace.Invalid, "--%s needs FIELD=VALUE", flag)
		}
		if !ok {
			name, v = *bare, w
		}
		if err := add(name, v); err != nil {
			return err
		}
	}
	return nil
}

func twice(flag string) error {
	return workspace.Errorf(workspace.Invalid, "--%s gives a field twice", flag)
}

// vaultKeys returns the credential fields that words fill; "" is the first.
func vaultKeys(words []string) (map[string]string, error) {
	keys, first := map[string]string{}, ""
	err := pairs("vault-key", words, &first, func(field, key string) error {
		if _, given := keys[field]; given {
			return twice("vault-key")
		}
		keys[field] = key
		return nil
	})
	return keys, err
}

// config returns the fields that words give to a connection of a kind. Only a
// list may be given more than once: each time adds to it.
func config(kind string, words []string) (map[string]any, error) {
	lists := map[string]func(string) ([]string, error){}
	// Of a kind that is not there the operation tells.
	if k, err := workspace.LookupKind(kind); err == nil {
		for _, f := range k.Config {
			if f.Type == "array" {
				lists[f.Name] = f.Items
			}
		}
	}
	fields := map[string]any{}
	err := pairs("config", words, nil, func(field, v string) error {
		before, given := fields[field]
		split, isList := lists[field]
		switch {
		case !isList && given:
			return twice("config")
		case !isList:
			fields[field] = v
			return nil
		}
		items, err := split(v)
		if err != nil {
			return workspace.Errorf(workspace.Invalid, "config: %s %v", field, err).WithHint("akos connections kinds %s", kind)
		}
		list, _ := before.([]string)
		fields[field] = append(list, items...)
		return nil
	})
	return fields, err
}

func (a *app) connectionCreate(t *tools.Tool) *cobra.Command {
	var name string
	var keys, fields words
	var noAuth bool
	cmd := a.base(t)
	cmd.Use = "create KIND --name NAME"
	fs := cmd.Flags()
	fs.StringVar(&name, "name", "", "`NAME` of the connection")
	fs.Var(&keys, "vault-key", "`[FIELD=]KEY`: the vault key of a credential field; of the first without FIELD; repeatable")
	fs.Var(&fields, "config", "`FIELD=VALUE` of the kind (akos connections kinds KIND); repeatable. A list is a,b or [\"a,b\",\"c\"], and giving it again adds to it")
	fs.BoolVar(&noAuth, "no-auth", false, "connect without credentials")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if name == "" {
			return usage("--name is missing", cmd)
		}
		in := map[string]any{"kind": args[0], "name": name}
		ks, err := vaultKeys(keys)
		if err != nil {
			return err
		}
		cs, err := config(args[0], fields)
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
	addFlags(cmd, t)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			a.workspace = directory(args[0])
		}
		in, err := input(cmd, t, nil)
		if err != nil {
			return err
		}
		return a.call(cmd.Context(), t, a.person(), in)
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
