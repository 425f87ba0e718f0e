package workspace_test

import (
	"context"
	"testing"

	"example.com/akos/workspace"
)

// Without a session: who named a server has to log in there, since a sidecar
// of his own would not have what he looks for; who named none has to start one,
// and so has who named one where nothing answers.
func TestNoSessionAtTheDefaultServer(t *testing.T) {
	for _, c := range []struct {
		named  string
		answer error // of the server
		want   workspace.Error
	}{
		{"", nil, workspace.Error{Kind: workspace.Unavailable, Msg: "no sidecar runs here", Hint: "akos serve"}},
		{workspace.DefaultServer, nil, workspace.Error{Kind: workspace.LoginNeeded, Msg: "you are not logged in at http://127.0.0.1:7717", Hint: "akos auth login"}},
		{workspace.DefaultServer, workspace.Errorf(workspace.Unavailable, "nothing answers"), workspace.Error{Kind: workspace.Unavailable, Msg: "nothing answers"}},
	} {
		h := newHome(t)
		h.env["AKOS_SERVER"] = c.named
		h.Remote = answering{h.Remote, c.answer}
		if _, err := h.RemoteList(t.Context(), ""); workspace.Explain(err) != c.want {
			t.Errorf("AKOS_SERVER %q: %+v, want %+v", c.named, workspace.Explain(err), c.want)
		}
	}
}

// answering is a Remote whose servers say err when they are asked.
type answering struct {
	workspace.Remote
	err error
}

func (a answering) Ready(context.Context, string) error { return a.err }
