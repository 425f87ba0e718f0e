package workspace

import (
	"context"

	"example.com/akos/workspace/catalog"
)

// Connectable returns the commands that connect what is stored: one for each
// kind that has no connection yet, and whose credentials are in the vault under
// the names that they usually have. For a kind that needs to know more it is
// the command that tells what.
func (w *Workspace) Connectable(ctx context.Context) ([]string, error) {
	keys, err := w.List(ctx, "")
	if err != nil {
		return nil, err
	}
	cs, err := w.Connections(ctx, "")
	if err != nil {
		return nil, err
	}
	stored := map[string]string{}
	for _, k := range keys {
		if k.Present {
			stored[Fold(k.Key)] = k.Key
		}
	}
	taken, connected := map[string]bool{}, map[string]bool{}
	for _, c := range cs {
		taken[Fold(c.Name)], connected[c.Kind] = true, true
	}
	var commands []string
	for _, kind := range catalog.Kinds() {
		given, ok := usualKeys(kind, stored)
		if !ok || connected[kind.Kind] {
			continue
		}
		if _, err := kind.CheckConfig(nil, given); err != nil {
			commands = append(commands, "akos connections kinds "+kind.Kind)
			continue
		}
		name := kind.Kind
		for taken[Fold(name)] {
			name += "-2"
		}
		commands = append(commands, createHint(kind, CreateRequest{Name: name}, given))
	}
	return commands, nil
}

// usualKeys fills the credentials of a kind from what is stored under their
// usual names; ok says that one is there, and all that are required.
func usualKeys(kind catalog.Kind, stored map[string]string) (given map[string]string, ok bool) {
	given = map[string]string{}
	for _, c := range kind.Credentials {
		for _, name := range c.Keys {
			if key := stored[Fold(name)]; key != "" {
				given[c.Field] = key
				break
			}
		}
		if c.Required && given[c.Field] == "" {
			return nil, false
		}
	}
	return given, len(given) > 0
}
