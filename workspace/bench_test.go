package workspace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// fill stores keys and connections past the sealing: 10,000 puts, each on
// disk, would be the time of the disk.
func fill(t testing.TB, home *home, keys, connections int) {
	t.Helper()
	home.put(t, "KEY_0", "x") // makes the data key
	at := time.Now()
	err := home.store.Write(t.Context(), func(tx workspace.Tx) error {
		dks, err := tx.DataKeys()
		if err != nil {
			return err
		}
		for i := 1; i < keys; i++ {
			ref := workspace.Ref{Scope: workspace.ScopeWorkspace, Owner: "default", Key: fmt.Sprintf("KEY_%d", i)}
			s := workspace.Sealed{Ref: ref, Version: 1, DataKey: dks[0].ID, Box: []byte("box"), Created: at}
			if err := tx.PutSecret(s); err != nil {
				return err
			}
		}
		for i := range connections {
			c := workspace.Connection{ID: fmt.Sprint("conn_", i), Name: fmt.Sprint("c", i), Kind: "github", Config: map[string]any{}, CreatedAt: at, UpdatedAt: at,
				Auth: workspace.Auth{Keys: []workspace.KeyUse{{Field: "token", Key: fmt.Sprintf("KEY_%d", i%keys)}}}}
			if err := tx.AddConnection("default", workspace.LocalTenant, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func benchmark(b *testing.B, keys, connections int, list func(context.Context, *workspace.Workspace) (any, int, error)) {
	h := newHome(b)
	fill(b, h, keys, connections)
	b.ReportAllocs()
	for b.Loop() {
		v, _, err := list(b.Context(), h.Workspace)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := json.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList is what vault list and vault_list do, with their JSON.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{100, 1000, 5000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmark(b, n, n/10, func(ctx context.Context, w *workspace.Workspace) (any, int, error) {
				l, err := w.List(ctx, "")
				return l, len(l), err
			})
		})
	}
}

// BenchmarkConnections is what connections list does, with its JSON.
func BenchmarkConnections(b *testing.B) {
	for _, n := range []int{10, 100, 500, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmark(b, 10*n, n, func(ctx context.Context, w *workspace.Workspace) (any, int, error) {
				l, err := w.Connections(ctx, "")
				return l, len(l), err
			})
		})
	}
}
