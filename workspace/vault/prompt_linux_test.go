package vault_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

// TestRealPromptWithoutAnswer has a locked keyring ask a person who is away,
// and then everything that can happen to such a prompt.
func TestRealPromptWithoutAnswer(t *testing.T) {
	const deadline = 2 * time.Second
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, deadline)
	k, sealer := create(t, h, workspace.BackendKeychain)
	before := runtime.NumGoroutine()
	lock := func() { s.HoldPrompts(); s.Lock() }

	lock()
	timed(t, within(deadline), "did not answer within 2 s; if it asks for its password", opening(h, k))
	s.Unlock() // in another window
	opens(t, h, k, sealer)

	s.Lock()
	timed(t, within(deadline), "did not answer", opening(h, k))
	s.Restart() // the prompt dies with its keyring, and no signal tells
	opens(t, h, k, sealer)

	s.Lock()
	timed(t, within(deadline), "did not answer", opening(h, k))
	s.RestartSession() // here go-keyring dereferences nil
	opens(t, h, k, sealer)
	eventually(t, "the abandoned calls end", func() bool { return runtime.NumGoroutine() <= before+2 })

	// More dead prompts than may hang: the process must get over them.
	lock()
	for range vault.MaxAsking {
		timed(t, within(deadline), "did not answer", opening(h, k))
	}
	s.Restart()
	timed(t, within(deadline), "did not answer", opening(h, k)) // no place is free
	eventually(t, "it opens again", func() bool {
		_, err := h.Open(context.Background(), k)
		return err == nil
	})
	opens(t, h, k, sealer)
}
