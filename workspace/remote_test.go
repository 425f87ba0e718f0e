package workspace_test

import (
	"testing"

	"example.com/akos/workspace"
)

// Without a session: who named a server has to log in there, since a sidecar
// of his own would not have what he looks for; who named none has to start one.
func TestNoSessionAtTheDefaultServer(t *testing.T) {
	for _, c := range []struct {
		named string
		want  workspace.Error
	}{
		{"", workspace.Error{Kind: workspace.Unavailable, Msg: "no sidecar runs here", Hint: "akos serve"}},
		{workspace.DefaultServer, workspace.Error{Kind: workspace.LoginNeeded, Msg: "you are not logged in at http://127.0.0.1:7717", Hint: "akos auth login"}},
	} {
		h := newHome(t)
		h.env["AKOS_SERVER"] = c.named
		if _, err := h.RemoteList(t.Context(), ""); workspace.Explain(err) != c.want {
			t.Errorf("AKOS_SERVER %q: %+v, want %+v", c.named, workspace.Explain(err), c.want)
		}
	}
}
