package authserver

import (
	"context"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
)

// TestOnDisk tells the whole story on the real store.
func TestOnDisk(t *testing.T) {
	t.Parallel()
	db := state.New(t.TempDir())
	t.Cleanup(func() { _ = db.Close() })
	b := newBench(t, func(o *Options) {
		o.Store = db
		o.SetUp = func(_ context.Context, _ string, _ workspace.Secret) error { return nil }
	})
	path, needed, err := b.s.SetupPath()
	if err != nil || !needed || path == "" {
		t.Fatal(path, needed, err)
	}
	err = db.Write(t.Context(), func(tx workspace.Tx) error {
		if err := tx.PutUser(workspace.User{ID: "alice", Password: "x", Created: b.clock()}); err != nil {
			return err
		}
		if err := tx.PutMember(workspace.Member{User: "alice", Tenant: "acme", Role: workspace.RoleOwner}); err != nil {
			return err
		}
		return tx.PutMember(workspace.Member{User: "alice", Tenant: "local", Role: workspace.RoleMember})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, needed, err := b.s.SetupPath(); needed || err != nil {
		t.Error(needed, err)
	}
	r := b.login(t, "alice", "acme")
	r = b.refresh(t, r, "tenant_id", "local")
	if r.text("tenant_id") != "local" || !b.live(r, b.url) {
		t.Error(r.body)
	}
	c := b.register(t, callback)
	v := b.signedIn(t, "alice").allow(t, asking(c, "resource", mcp), "approve", "acme")
	m := b.exchange(t, c, v.Get("code"))
	if !b.live(m, mcp) || b.live(m, b.url) {
		t.Error(m.body)
	}
	again := b.refresh(t, r)
	again.is(t, 200, "")
	b.refresh(t, r).is(t, 400, "invalid_grant")
	b.refresh(t, again).is(t, 400, "invalid_grant")
	if !b.live(m, mcp) {
		t.Error("another login ended")
	}
	b.revoke(t, m.text("access_token"), "client_id", c).is(t, 200, "")
	if b.live(m, mcp) {
		t.Error("it was not revoked")
	}
	r = b.login(t, "alice", "acme")
	b.pass(31 * 24 * time.Hour)
	b.refresh(t, r).is(t, 400, "invalid_grant")
	r = b.login(t, "alice", "acme")
	if err := db.Write(t.Context(), func(tx workspace.Tx) error { _, err := tx.DeleteUser("alice"); return err }); err != nil {
		t.Fatal(err)
	}
	if b.live(r, b.url) {
		t.Error("the token of a removed user lives on")
	}
}
