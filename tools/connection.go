package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

func itoa(n int) string { return strconv.Itoa(n) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Kinds is the result of connections kinds.
type Kinds struct {
	Kinds []catalog.Kind `json:"kinds"`
}

// WriteText writes a table, or for one kind its fields.
func (r Kinds) WriteText(w io.Writer) error {
	if len(r.Kinds) != 1 {
		var rows []string
		for _, k := range r.Kinds {
			var creds, config []string
			for _, c := range k.Credentials {
				creds = append(creds, optional(c.Field, c.Required))
			}
			for _, f := range k.Config {
				config = append(config, optional(f.Name, f.Required))
			}
			rows = append(rows, row(k.Kind, k.Auth, strings.Join(creds, " "), strings.Join(config, " ")))
		}
		return table(w, "KIND\tAUTH\tCREDENTIALS\tCONFIG ([optional])", rows)
	}
	k := r.Kinds[0]
	rows := []string{}
	for _, c := range k.Credentials {
		rows = append(rows, row(optional(c.Field, c.Required), "vault key", c.Description))
	}
	for _, f := range k.Config {
		what := f.Type
		if len(f.Enum) > 0 {
			what = strings.Join(f.Enum, "|")
		}
		text := f.Description
		if f.Type == "array" {
			what, text = "list", text+`: a,b or ["a,b"] or given again`
		}
		if f.Example != "" {
			text += ", e.g. " + f.Example
		}
		rows = append(rows, row(optional(f.Name, f.Required), what, text))
	}
	if err := line(w, "%s: %s\n%s\n", k.Kind, k.Description, k.DocsURL); err != nil {
		return err
	}
	if err := table(w, "FIELD\tTYPE\t", rows); err != nil || len(k.Rules) == 0 {
		return err
	}
	if err := line(w, ""); err != nil {
		return err
	}
	for _, r := range k.Rules {
		if err := line(w, "%s", r.Say); err != nil {
			return err
		}
	}
	return nil
}

func optional(name string, required bool) string {
	if required {
		return name
	}
	return "[" + name + "]"
}

func connectionKinds() *Tool {
	type in struct {
		Kind string `json:"kind,omitempty" arg:"KIND" offers:"connectionKind" jsonschema:"only this kind"`
	}
	return define(spec[in, Kinds]{
		Name: "connection kinds", Command: "connections kinds", Short: "List connection kinds with their fields", Effect: Reads, Idempotent: true,
		Long:    "The config fields and credentials of each kind. Use it before connection_create.",
		Example: "akos connections kinds\nakos connections kinds slack",
		Run: func(_ context.Context, _ Session, in in) (Kinds, error) {
			if in.Kind == "" {
				return Kinds{catalog.Kinds()}, nil
			}
			k, err := workspace.LookupKind(in.Kind)
			return Kinds{[]catalog.Kind{k}}, err
		},
	})
}

// Connection is the result of connections create and inspect.
type Connection struct{ workspace.Connection }

// WriteText writes what there is to know.
func (r Connection) WriteText(w io.Writer) error {
	rows := []string{row("id", r.ID), row("kind", r.Kind), row("status", r.Status)}
	for _, k := range r.Auth.Keys {
		rows = append(rows, row(k.Field, "vault key "+k.Key+", "+source(k.Source, k.Present)))
	}
	for _, name := range sortedKeys(r.Config) {
		rows = append(rows, row(name, shown(r.Config[name])))
	}
	rows = append(rows, row("created", date(r.CreatedAt)), row("updated", date(r.UpdatedAt)))
	return table(w, "name\t"+r.Name, rows)
}

// shown returns a field of a config. Of a list each item can be told from the
// next, whatever is in it.
func shown(v any) string {
	if reflect.ValueOf(v).Kind() != reflect.Slice {
		return fmt.Sprint(v)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts always encode
	return strings.TrimSpace(b.String())
}

func connectionCreate() *Tool {
	type in struct {
		Kind      string            `json:"kind" arg:"KIND" enum:"connectionKind"`
		Name      string            `json:"name"`
		VaultKeys map[string]string `json:"vaultKeys,omitempty" jsonschema:"credential field to vault key name; never a value"`
		Config    map[string]any    `json:"config,omitempty" jsonschema:"fields of connection_kinds"`
		NoAuth    bool              `json:"noAuth,omitempty" face:"cli" jsonschema:"connect without credentials"`
	}
	return define(spec[in, Connection]{
		Name: "connection create", Command: "connections create", Short: "Create a connection that names vault keys", Effect: Writes, Right: "akos connections kinds",
		Long:    "Its keys must be in the vault: store them with vault_put first. It contacts no service.",
		Example: "akos connections create slack --name team-chat --vault-key SLACK_BOT_TOKEN\nakos connections create twilio --name sms --vault-key accountSid=TWILIO_ACCOUNT_SID --vault-key authToken=TWILIO_AUTH_TOKEN\nakos connections create cron --name nightly --config schedule='0 3 * * *'",
		Run: func(ctx context.Context, s Session, in in) (Connection, error) {
			c, err := s.Workspace.Create(ctx, workspace.CreateRequest{
				Kind: in.Kind, Name: in.Name, VaultKeys: in.VaultKeys, NoAuth: in.NoAuth, Config: in.Config,
			})
			return Connection{c}, err
		},
	})
}

// Connections is the result of connections list.
type Connections struct {
	Connections []workspace.Connection `json:"connections"`
	kind        string                 // the only one that was asked for
}

// WriteText writes a table.
func (r Connections) WriteText(w io.Writer) error {
	if len(r.Connections) == 0 {
		if r.kind != "" {
			return line(w, "There are no connections of the kind %s. Make one: akos connections create %s --name NAME", r.kind, r.kind)
		}
		return line(w, "There are no connections. Make one: akos connections create KIND --name NAME")
	}
	var rows []string
	for _, c := range r.Connections {
		var keys []string
		for _, k := range c.Auth.Keys {
			keys = append(keys, k.Key)
		}
		rows = append(rows, row(c.Name, c.Kind, c.Status, strings.Join(keys, " ")))
	}
	return table(w, "NAME\tKIND\tSTATUS\tVAULT KEYS", rows)
}

func connectionList() *Tool {
	type in struct {
		Kind string `json:"kind,omitempty" enum:"connectionKind" jsonschema:"only this kind"`
	}
	return define(spec[in, Connections]{
		Name: "connection list", Command: "connections list", Short: "List connections", Effect: Reads, Idempotent: true, Right: "akos connections kinds",
		Long:    "With the keys that they name and whether those are there; never a value.",
		Example: "akos connections list --kind slack --json",
		Run: func(ctx context.Context, s Session, in in) (Connections, error) {
			cs, err := s.Workspace.Connections(ctx, in.Kind)
			return Connections{cs, in.Kind}, err
		},
	})
}

func connectionInspect() *Tool {
	type in struct {
		Name string `json:"name" arg:"NAME"`
	}
	return define(spec[in, Connection]{
		Name: "connection inspect", Command: "connections inspect", Short: "Show a connection", Effect: Reads, Idempotent: true, Right: "akos connections list",
		Long:    "One object of connection_list. Its status is ready, or credentials_missing if a key that it names can't be read.",
		Example: "akos connections inspect team-chat",
		Run: func(ctx context.Context, s Session, in in) (Connection, error) {
			c, err := s.Workspace.Connection(ctx, in.Name)
			return Connection{c}, err
		},
	})
}

// RemovedConnection is the result of connections remove.
type RemovedConnection struct{ workspace.Disconnected }

// WriteText says that the secret stays.
func (r RemovedConnection) WriteText(w io.Writer) error {
	if len(r.KeptKeys) == 0 {
		return line(w, "Removed the connection %s", r.Name)
	}
	return line(w, "Removed the connection %s. Its vault secret stays: %s", r.Name, strings.Join(r.KeptKeys, ", "))
}

func connectionRemove() *Tool {
	type in struct {
		Name string `json:"name" arg:"NAME"`
	}
	return define(spec[in, RemovedConnection]{
		Name: "connection remove", Command: "connections remove", Short: "Remove a connection", Effect: Destroys, Right: "akos connections list",
		Long:    "The vault secret stays; the result names it.",
		Example: "akos connections remove team-chat",
		Run: func(ctx context.Context, s Session, in in) (RemovedConnection, error) {
			d, err := s.Workspace.Disconnect(ctx, in.Name)
			return RemovedConnection{d}, err
		},
	})
}
