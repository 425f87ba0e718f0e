package authserver

import (
	"slices"
	"testing"

	"example.com/akos/workspace"
)

// TestOneTenant: what a person approved for one tenant, a client that
// registered itself can't take to another, and learns of no other. The akos
// command line of the same person can.
func TestOneTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	apart := func(t *testing.T, r reply, client string) {
		t.Helper()
		alone := func(r reply) {
			t.Helper()
			r.is(t, 200, "")
			tok, err := b.s.Check(t.Context(), r.text("access_token"), b.url)
			if err != nil {
				t.Fatal(err)
			}
			id := tok.Identity([]string{"acme", "local"})
			if told, _ := r.json["tenants"].([]any); len(told) != 1 || told[0] != "acme" || r.text("tenant_id") != "acme" || id.TenantID != "acme" || !slices.Equal(id.Tenants, []string{"acme"}) {
				t.Errorf("it is told %v, and has %+v", r.json["tenants"], id)
			}
		}
		alone(r)
		mine := b.refresh(t, r, "client_id", client, "tenant_id", "local")
		none := b.refresh(t, r, "client_id", client, "tenant_id", "none")
		mine.is(t, 400, "invalid_grant")
		if none.body != mine.body || none.status != mine.status {
			t.Errorf("a tenant of the person is told from one that is none: %s %s", mine.body, none.body)
		}
		r = b.refresh(t, r, "client_id", client, "tenant_id", "acme") // where it is
		alone(r)
		alone(b.refresh(t, r, "client_id", client))
	}
	c := b.register(t, callback)
	alice := b.signedIn(t, "alice")
	t.Run("code", func(t *testing.T) {
		apart(t, b.exchange(t, c, alice.allow(t, asking(c), "approve", "acme").Get("code")), c)
	})
	t.Run("device", func(t *testing.T) {
		d := b.device(t, "client_id", c)
		alice.decide(t, d, "approve", "acme")
		apart(t, b.poll(t, d, "client_id", c), c)
	})
	t.Run("ours", func(t *testing.T) {
		r := b.login(t, "alice", "acme", "scope", "read")
		if told, _ := r.json["tenants"].([]any); len(told) != 2 {
			t.Errorf("it is told %v", told)
		}
		r = b.refresh(t, r, "tenant_id", "local")
		if r.text("tenant_id") != "local" {
			t.Error(r.body)
		}
		tok, err := b.s.Check(t.Context(), r.text("access_token"), b.url)
		if err != nil || tok.Client != workspace.DefaultClientID || len(tok.Identity([]string{"acme", "local"}).Tenants) != 2 {
			t.Error(tok, err)
		}
	})
}
