package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"
)

// goldens are states as released versions of akos left them, as SQL. Who adds
// a migration adds the file of the schema that it starts from, and never
// changes an older one.
func goldens(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden states: %v", err)
	}
	return files
}

func restore(t *testing.T, golden, home string) {
	t.Helper()
	sql, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, "state.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(string(sql)); err != nil {
		t.Fatalf("%s: %v", golden, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// schema returns the text of every table and index.
func schema(t *testing.T, home string) (list []string) {
	t.Helper()
	raw(t, home, `SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name`, func(s *sqlite3.Stmt) {
		list = append(list, s.ColumnText(0))
	})
	return list
}

// TestGolden opens the state of every released version: all that was in it is
// there, and its schema is that of a new state.
func TestGolden(t *testing.T) {
	fresh := t.TempDir()
	db := state.New(fresh)
	if err := db.Write(t.Context(), func(workspace.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, golden := range goldens(t) {
		home := t.TempDir()
		restore(t, golden, home)
		db := state.New(home)
		at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
		err := db.Write(t.Context(), func(tx workspace.Tx) error {
			dks, err := tx.DataKeys()
			if err != nil {
				return err
			}
			equal(t, "data keys", dks, []workspace.DataKey{
				{ID: "d2", Backend: "file", Holder: "identity", Params: []byte{}, Wrapped: []byte{1, 2}, Created: at(1700000002000)},
				{ID: "d3", Backend: "os-keychain", Holder: "os-keychain", Params: []byte{9}, Wrapped: []byte{3}, Created: at(1700000003000), Lost: at(1700000004000)},
				{ID: "d1", Backend: "file", Holder: "identity", Params: []byte{}, Wrapped: []byte{1}, Created: at(1700000001000), Lost: at(1700000001500), Retired: true},
			})
			keys, err := tx.Keys("shop", "local", "")
			if err != nil {
				return err
			}
			equal(t, "keys", keys, []workspace.KeyInfo{
				{Key: "Api_Key", Scope: "tenant", Owner: "local", DataKey: "d3", UpdatedAt: at(1700000009000), UsedBy: []string{"other/hub"}},
				{Key: "API_KEY", Scope: "workspace", Owner: "shop", DataKey: "d2", UpdatedAt: at(1700000008000), UsedBy: []string{"hub"}},
			})
			vs, err := tx.Versions(workspace.Ref{Scope: "workspace", Owner: "shop", Key: "api_key"})
			if err != nil {
				return err
			}
			equal(t, "versions", vs, []workspace.Version{
				{Version: 2, DataKey: "d2", CreatedAt: at(1700000008000)}, {Version: 1, DataKey: "d1", CreatedAt: at(1700000007000)},
			})
			old, ok, err := tx.Secret(workspace.Ref{Scope: "workspace", Owner: "shop", Key: "api_KEY"}, 1)
			if err != nil || !ok {
				t.Errorf("version 1: %v %v", ok, err)
			}
			equal(t, "box", old.Box, []byte{0xAA, 0, 0xBB})
			cs, err := tx.Connections("shop", "local", "")
			if err != nil {
				return err
			}
			equal(t, "connections", cs, []workspace.Connection{{
				ID: "conn_1", Name: "hub", Kind: "github", Config: map[string]any{"org": "acme"}, CreatedAt: at(1700000010000), UpdatedAt: at(1700000011000),
				Auth: workspace.Auth{Keys: []workspace.KeyUse{{Field: "token", Key: "API_KEY", DataKey: "d2"}}},
			}})
			hash, err := tx.Trust("/p/akos.config.yaml")
			if err != nil || hash != "abc" {
				t.Errorf("trust: %q %v", hash, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		equal(t, golden+": schema", schema(t, home), schema(t, fresh))
		if n := count(t, home, "SELECT count(*) FROM audit"); n != 1 {
			t.Errorf("%d acts in the audit", n)
		}
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// raw runs SQL on the state beside akos.
func raw(t testing.TB, home, query string, row func(*sqlite3.Stmt)) {
	t.Helper()
	db, err := sqlite3.Open("file:" + filepath.Join(home, "state.db") + "?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, _, err := db.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	for s.Step() {
		if row != nil {
			row(s)
		}
	}
	if err := errors.Join(s.Err(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, home, query string) (n int) {
	t.Helper()
	raw(t, home, query, func(s *sqlite3.Stmt) { n = s.ColumnInt(0) })
	return n
}
