package workspace_test

import (
	"fmt"
	"slices"
	"testing"

	"example.com/akos/workspace"
)

// TestListAgain lists keys while this process and another one store and remove
// some, in both scopes: what was listed before is never told again.
func TestListAgain(t *testing.T) {
	dir, work, keys := t.TempDir(), t.TempDir(), &holders{}
	one, other := openHome(t, dir, work, keys, ""), openHome(t, dir, work, keys, "")
	is := func(h *home, scope workspace.Scope, want ...string) {
		t.Helper()
		for range 2 { // the second time nothing was written since
			var got []string
			for _, k := range must(h.List(t.Context(), scope)) {
				got = append(got, k.Key)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q, not %q", got, want)
			}
		}
	}
	is(one, "")
	one.put(t, "A", "fake-a")
	is(one, "", "A")
	is(other, "", "A")
	other.put(t, "B", "fake-b")
	is(one, "", "A", "B")
	other.putIn(t, workspace.ScopeTenant, "C", "fake-c")
	is(one, workspace.ScopeWorkspace, "A", "B")
	is(one, workspace.ScopeTenant, "C")
	is(one, "", "A", "B", "C")
	if _, err := other.Remove(t.Context(), "A", workspace.ScopeWorkspace, false); err != nil {
		t.Fatal(err)
	}
	is(one, "", "B", "C")
}

// TestListEnvironment: where the environment is the vault, a key that it holds
// is listed if the catalog or a connection names it, with the connections.
func TestListEnvironment(t *testing.T) {
	h := newHome(t)
	h.putIn(t, workspace.ScopeTenant, "SHARED", "fake-s")
	h.env = map[string]string{"AKOS_VAULT": "env", "GITHUB_TOKEN": "fake-g", "MYK": "fake-m", "SHARED": "fake-e", "UNUSED": "fake-u"}
	is := func(scope workspace.Scope, want ...string) {
		t.Helper()
		for range 2 {
			var got []string
			for _, k := range must(h.List(t.Context(), scope)) {
				got = append(got, fmt.Sprint(k.Key, " ", k.Source, k.UsedBy))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q, not %q", got, want)
			}
		}
	}
	create := func(kind, name, key string, config map[string]any) {
		t.Helper()
		if _, err := h.Create(t.Context(), workspace.CreateRequest{Kind: kind, Name: name, VaultKeys: map[string]string{"": key}, Config: config}); err != nil {
			t.Fatal(err)
		}
	}
	shared := "SHARED " + string(must(h.List(t.Context(), workspace.ScopeTenant))[0].Source)
	is("", shared+"[]", "GITHUB_TOKEN env[]")
	create("github", "gh", "GITHUB_TOKEN", nil)
	create("webhook", "hook", "MYK", map[string]any{"url": "https://example.com/hook"})
	is("", shared+"[]", "GITHUB_TOKEN env[gh]", "MYK env[hook]")
	create("github", "again", "GITHUB_TOKEN", nil)
	create("github", "team", "SHARED", nil)
	is("", shared+"[team]", "GITHUB_TOKEN env[again gh]", "MYK env[hook]")
	is(workspace.ScopeWorkspace, "GITHUB_TOKEN env[again gh]", "MYK env[hook]")
	is(workspace.ScopeTenant, shared+"[team]")
	h.env["MYK"] = "" // its connection waits for it now
	is(workspace.ScopeWorkspace, "GITHUB_TOKEN env[again gh]")
	h.env["AKOS_VAULT"] = "file"
	is("", shared+"[team]")
}
