package mcpserver

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// TestStateAge: what a client was asked is good for as long as the page.
func TestStateAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool, _ := tools.Lookup("vault_put")
		s, args := &Server{}, json.RawMessage(`{"key":"A"}`)
		state := s.asked(t.Context(), tool, args, "page")
		time.Sleep(stateLife - time.Second)
		if a, ok := s.verify(t.Context(), tool, args, state); !ok || a.Page != "page" {
			t.Errorf("%+v %v", a, ok)
		}
		other := context.WithValue(t.Context(), callerKey{}, &caller{Identity: workspace.Identity{UserID: "bob", TenantID: "acme"}})
		if _, ok := s.verify(other, tool, args, state); ok {
			t.Error("somebody else answers it")
		}
		time.Sleep(time.Second)
		if _, ok := s.verify(t.Context(), tool, args, state); ok {
			t.Error("it is good for ever")
		}
	})
}
