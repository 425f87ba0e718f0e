package cli

import "github.com/spf13/cobra"

// helpFunc returns what shows the help of a command: by show, in the words of
// those who use commands.
func (a *app) helpFunc(show func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, args []string) {
		asked := cmd.Flags().Lookup("help")
		if !cmd.Runnable() && (asked == nil || !asked.Changed) { // a topic, as if it were a command
			if a.noHelp = a.textOnly(cmd); a.noHelp != nil {
				return
			}
		}
		cmd.Long = inCommands(cmd.Long)
		show(cmd, args)
	}
}

// showHelp runs a command that only holds others.
func (a *app) showHelp(cmd *cobra.Command, _ []string) error {
	if err := a.textOnly(cmd); err != nil {
		return err
	}
	return cmd.Help()
}

// textOnly refuses --json where there is nothing but a help, which is text.
func (a *app) textOnly(cmd *cobra.Command) error {
	if a.asJSON {
		return usage("--json needs a command", cmd)
	}
	return nil
}

// help returns the help command: of a command or a topic, and nothing else.
func (a *app) help() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]...", Short: "Show the help of a command", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.textOnly(cmd); err != nil {
				return err
			}
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) == 0 {
				return about.Help()
			}
			if err != nil || about == nil {
				about, rest = cmd.Root(), args
			}
			return a.noSuchCommand(about, rest)
		},
	}
}
