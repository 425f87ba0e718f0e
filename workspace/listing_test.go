package workspace_test

import (
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
