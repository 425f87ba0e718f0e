package tools

import (
	"context"

	"example.com/akos/workspace"
)

const secretsReason = "an agent uses the vault tools; this is the same by way of the sidecar, for machines without a keychain"

func secretsSet() *Tool {
	type in struct {
		Key   string `json:"key" arg:"KEY" jsonschema:"name to store the value under"`
		Scope string `json:"scope,omitempty" enum:"scope" jsonschema:"tenant shares it with the tenant's workspaces"`
	}
	return define(spec[in, Stored]{
		Name: "secrets set", Short: "Store a value through the sidecar", Effect: Writes, OpenWorld: true, Slow: true, CLIOnly: secretsReason,
		Long: "As vault put, by way of the running sidecar and with your session or AGENTSKIT_TOKEN: this process touches no vault.",
		Example: "# in CI\nprintf %s \"$DEPLOY_KEY\" | akos secrets set DEPLOY_KEY --stdin\n\n" +
			"# asks on the terminal, unseen\nakos secrets set DEPLOY_KEY",
		Run: func(ctx context.Context, s Session, in in) (Stored, error) {
			if err := s.Workspace.CheckSend(ctx, in.Key, workspace.Scope(in.Scope)); err != nil {
				return Stored{}, err
			}
			e, err := s.Human.Secret(ctx, s.askFor(ctx, in.Key, workspace.Scope(in.Scope), "akos secrets set"))
			if err != nil {
				return Stored{}, err
			}
			r, err := s.Workspace.SendSecret(ctx, in.Key, workspace.Scope(in.Scope), e)
			return Stored{Stored: r}, err
		},
	})
}

func secretsList() *Tool {
	type in struct {
		Scope string `json:"scope,omitempty" enum:"scope" jsonschema:"only this scope"`
	}
	return define(spec[in, Keys]{
		Name: "secrets list", Short: "List the key names at the sidecar", Effect: Reads, Idempotent: true, OpenWorld: true, Slow: true, CLIOnly: secretsReason,
		Long:    "As vault list, by way of the running sidecar; never a value.",
		Example: "akos secrets list --json",
		Run: func(ctx context.Context, s Session, in in) (Keys, error) {
			keys, err := s.Workspace.RemoteList(ctx, workspace.Scope(in.Scope))
			return Keys{keys, "akos secrets set"}, err
		},
	})
}

func secretsRemove() *Tool {
	type in struct {
		Key   string `json:"key" arg:"KEY" jsonschema:"name of the key"`
		Scope string `json:"scope,omitempty" enum:"scope" jsonschema:"workspace or tenant"`
	}
	return define(spec[in, RemovedKey]{
		Name: "secrets remove", Short: "Remove a key through the sidecar", Effect: Destroys, OpenWorld: true, Slow: true, CLIOnly: secretsReason,
		Long:    "As vault remove, by way of the running sidecar. Refuses while a connection uses the key.",
		Example: "akos secrets remove DEPLOY_KEY",
		Run: func(ctx context.Context, s Session, in in) (RemovedKey, error) {
			r, err := s.Workspace.RemoteRemove(ctx, in.Key, workspace.Scope(in.Scope))
			return RemovedKey{r}, err
		},
	})
}
