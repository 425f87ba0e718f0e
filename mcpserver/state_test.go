package mcpserver

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/tools"
)

// TestStateAge: what a client was asked is good for as long as the page.
func TestStateAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool, _ := tools.Lookup("vault_put")
		s, args := &Server{}, json.RawMessage(`{"key":"A"}`)
		state := s.asked(tool, args, "page")
		time.Sleep(stateLife - time.Second)
		if a, ok := s.verify(tool, args, state); !ok || a.Page != "page" {
			t.Errorf("%+v %v", a, ok)
		}
		time.Sleep(time.Second)
		if _, ok := s.verify(tool, args, state); ok {
			t.Error("it is good for ever")
		}
	})
}
