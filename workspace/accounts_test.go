package workspace_test

import (
	"testing"

	"example.com/akos/workspace"
)

// TestSignInAsNobody: no name is not the name of the only account.
func TestSignInAsNobody(t *testing.T) {
	h := newHome(t)
	password := func() workspace.Secret { return workspace.NewSecret([]byte("fake-password-of-ada")) }
	must(h.AddUser(t.Context(), workspace.AddUserRequest{User: "ada"}, password()))
	for range 12 {
		want(t, workspace.Denied, h.SignIn(t.Context(), "", password()))
	}
	if err := h.SignIn(t.Context(), "Ada", password()); err != nil {
		t.Error(err)
	}
}
