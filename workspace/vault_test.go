package workspace_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"github.com/ncruces/go-sqlite3"
)

// sql runs a statement on the state beside akos: what a disk, or somebody
// with the file, could do.
func (h *home) sql(t testing.TB, query string) (rows []string) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite3.Open(h.dir + "/state.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, _, err := db.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	for s.Step() {
		rows = append(rows, s.ColumnText(0))
	}
	if err := errors.Join(s.Err(), s.Close()); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// acts returns the audit, oldest first.
func (h *home) acts(t testing.TB) []string {
	t.Helper()
	return h.sql(t, `SELECT actor || ' ' || op || ' ' || subject || ' ' || detail FROM audit ORDER BY id`)
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// lines returns one line for each key of a list.
func lines(t testing.TB, h *home, scope workspace.Scope) (list []string) {
	t.Helper()
	for _, k := range must(h.List(t.Context(), scope)) {
		list = append(list, fmt.Sprintf("%s %s %s %v %s", k.Key, k.Scope, k.Source, k.Present, strings.Join(k.UsedBy, ",")))
	}
	return list
}

func TestPut(t *testing.T) {
	h := newHome(t)
	if s := h.put(t, "Api_Key", "one"); s.Version != 1 || s.Key != "Api_Key" || s.Source != "os-keychain" || s.Owner != "default" || s.Notice != "" {
		t.Errorf("%+v", s)
	}
	// Another spelling is the same key, under its first spelling.
	if s := h.put(t, "API_KEY", "two"); s.Version != 2 || s.Key != "Api_Key" {
		t.Errorf("%+v", s)
	}
	h.putIn(t, workspace.ScopeTenant, "api_key", "tenant's")
	same(t, "list", lines(t, h, ""), []string{"api_key tenant os-keychain true ", "Api_Key workspace os-keychain true "})
	same(t, "tenant", lines(t, h, workspace.ScopeTenant), []string{"api_key tenant os-keychain true "})
	if v := h.value(t, inWorkspace("aPI_kEY")); v != "two" {
		t.Errorf("%q", v)
	}
	for _, key := range []string{"", "1A", "a b", "a/b", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", strings.Repeat("a", 129)} {
		_, err := h.Put(t.Context(), workspace.PutRequest{Key: key, Value: workspace.NewSecret([]byte("v"))})
		want(t, workspace.Invalid, err)
		if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%q is echoed: %v", key, err)
		}
	}
	for _, v := range [][]byte{nil, make([]byte, workspace.MaxValue+1)} {
		_, err := h.Put(t.Context(), workspace.PutRequest{Key: "K", Value: workspace.NewSecret(v)})
		want(t, workspace.Invalid, err)
	}
	_, err := h.Put(t.Context(), workspace.PutRequest{Key: "API_key", Value: workspace.NewSecret([]byte("v")), NoOverwrite: true})
	want(t, workspace.Conflict, err)
	want(t, workspace.Conflict, h.CheckPut(t.Context(), workspace.PutRequest{Key: "API_key", NoOverwrite: true}))
	same(t, "audit", h.acts(t), []string{"test vault.put Api_Key version 1", "test vault.put Api_Key version 2", "test vault.put api_key version 1"})
}

func TestHistory(t *testing.T) {
	h := newHome(t)
	_, _, err := h.History(t.Context(), "K", "")
	want(t, workspace.NotFound, err)
	_, err = h.Rollback(t.Context(), "K", 0, "")
	want(t, workspace.NotFound, err)
	h.put(t, "K", "v1")
	_, err = h.Rollback(t.Context(), "K", 0, "")
	want(t, workspace.NotFound, err)
	for i := 2; i <= 12; i++ {
		h.put(t, "K", fmt.Sprint("v", i))
	}
	_, vs, err := h.History(t.Context(), "k", "")
	if err != nil || len(vs) != workspace.KeepVersions || vs[0].Version != 12 || !vs[0].Current || vs[9].Version != 3 || vs[9].Current || !vs[9].Present {
		t.Errorf("%+v", vs)
	}
	if s := must(h.Rollback(t.Context(), "K", 0, "")); s.Version != 13 || h.value(t, inWorkspace("K")) != "v11" {
		t.Errorf("%+v", s)
	}
	if s := must(h.Rollback(t.Context(), "K", 5, "")); s.Version != 14 || h.value(t, inWorkspace("K")) != "v5" {
		t.Errorf("%+v", s)
	}
	_, err = h.Rollback(t.Context(), "K", 1, "") // forgotten
	want(t, workspace.NotFound, err)
	_, err = h.Rollback(t.Context(), "K", 0, workspace.ScopeTenant)
	want(t, workspace.NotFound, err)
	if acts := h.acts(t); acts[len(acts)-1] != "test vault.rollback K version 5 as 14" {
		t.Errorf("%q", acts)
	}
}

// TestUsedBy walks the graph of who uses which key: a workspace's own key
// hides the tenant's from its connections, and from no other workspace's.
func TestUsedBy(t *testing.T) {
	h := newHome(t)
	connect := func(h *home, name, key string) {
		t.Helper()
		must(h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: name, VaultKeys: map[string]string{"": key}}))
	}
	h.putIn(t, workspace.ScopeTenant, "TOKEN", "tenant's")
	connect(h, "Hub", "token")
	other := openHome(t, h.dir, t.TempDir(), h.keys, "other")
	_, err := other.List(t.Context(), "") // nobody ever used it: a typing mistake
	want(t, workspace.NotFound, err)
	must(h.Init(t.Context(), workspace.InitRequest{Dir: other.work, ID: "other"}))
	connect(other, "hub2", "TOKEN")
	same(t, "both use the tenant's", lines(t, h, ""), []string{"TOKEN tenant os-keychain true Hub,other/hub2"})
	same(t, "as the other sees it", lines(t, other, ""), []string{"TOKEN tenant os-keychain true default/Hub,hub2"})

	h.put(t, "Token", "own")
	same(t, "its own hides it", lines(t, h, ""), []string{"TOKEN tenant os-keychain true other/hub2", "Token workspace os-keychain true Hub"})
	if c := must(h.Connection(t.Context(), "hub")); c.Auth.Keys[0].Key != "Token" || c.Status != "ready" || c.Name != "Hub" {
		t.Errorf("%+v", c)
	}
	_, err = h.Remove(t.Context(), "TOKEN", workspace.ScopeWorkspace, false)
	want(t, workspace.Conflict, err)
	if !strings.Contains(err.Error(), "Hub") || strings.Contains(err.Error(), "hub2") {
		t.Error(err)
	}
	_, err = h.Remove(t.Context(), "token", workspace.ScopeTenant, false) // another workspace's connection counts
	want(t, workspace.Conflict, err)
	if !strings.Contains(err.Error(), "other/hub2") {
		t.Error(err)
	}
	r := must(h.Remove(t.Context(), "TOKEN", workspace.ScopeWorkspace, true))
	if r.Key != "Token" || !slices.Equal(r.UsedBy, []string{"Hub"}) {
		t.Errorf("%+v", r)
	}
	same(t, "the tenant's is back", lines(t, h, ""), []string{"TOKEN tenant os-keychain true Hub,other/hub2"})
	must(h.Remove(t.Context(), "TOKEN", workspace.ScopeTenant, true))
	if c := must(h.Connection(t.Context(), "Hub")); c.Status != "credentials_missing" || c.Auth.Keys[0].Present || c.Auth.Keys[0].Key != "token" && c.Auth.Keys[0].Key != "TOKEN" {
		t.Errorf("%+v", c)
	}
	if s := must(h.Status(t.Context())); len(s.Missing) != 1 || !strings.HasPrefix(s.Next, "akos vault put ") {
		t.Errorf("%+v", s)
	}
	_, err = h.Remove(t.Context(), "TOKEN", workspace.ScopeTenant, true)
	want(t, workspace.NotFound, err)
	if d := must(h.Disconnect(t.Context(), "HUB")); d.Name != "Hub" || len(d.KeptKeys) != 0 {
		t.Errorf("%+v", d)
	}
	_, err = h.Disconnect(t.Context(), "hub")
	want(t, workspace.NotFound, err)
	h.put(t, "BOTH", "fake-both")
	must(h.Create(t.Context(), workspace.CreateRequest{Kind: "slack", Name: "one-key", VaultKeys: map[string]string{"token": "BOTH", "signingSecret": "BOTH"}}))
	if d := must(h.Disconnect(t.Context(), "one-key")); !slices.Equal(d.KeptKeys, []string{"BOTH"}) {
		t.Errorf("%q stay", d.KeptKeys)
	}
	must(h.Remove(t.Context(), "BOTH", "", false))
}

func TestConnections(t *testing.T) {
	h := newHome(t)
	create := func(r workspace.CreateRequest) error { _, err := h.Create(t.Context(), r); return err }
	key := func(k string) map[string]string { return map[string]string{"token": k} }
	want(t, workspace.CredentialsMissing, create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: key("NONE")}))
	h.put(t, "K", "v")
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a"}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "nope", Name: "a", VaultKeys: key("K")}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a b", VaultKeys: key("K")}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: map[string]string{"nope": "K"}}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: map[string]string{"": "K", "token": "K"}}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: key("K"), NoAuth: true}))
	want(t, workspace.Invalid, create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: key("K"), Config: map[string]any{"nope": 1}}))
	err := create(workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: key("ghp_16C7e42F292c6912E7710c838347Ae178B4a")})
	want(t, workspace.Invalid, err)
	if strings.Contains(err.Error(), "ghp_") || !strings.Contains(err.Error(), "rotate") {
		t.Error(err)
	}
	for _, name := range []string{"b", "a"} {
		if err := create(workspace.CreateRequest{Kind: "github", Name: name, VaultKeys: key("k")}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, workspace.Conflict, create(workspace.CreateRequest{Kind: "slack", Name: "A", VaultKeys: key("K")}))
	cs := must(h.Connections(t.Context(), ""))
	if len(cs) != 2 || cs[0].Name != "a" || cs[1].Auth.Keys[0].Key != "K" || cs[0].Auth.Type != "vault" || !cs[0].CreatedAt.Equal(cs[0].UpdatedAt) {
		t.Errorf("%+v", cs)
	}
	if cs := must(h.Connections(t.Context(), "slack")); len(cs) != 0 {
		t.Errorf("%+v", cs)
	}
	_, err = h.Connections(t.Context(), "nope")
	want(t, workspace.Invalid, err)
	_, err = h.Connection(t.Context(), "c")
	want(t, workspace.NotFound, err)
	same(t, "audit", h.acts(t), []string{"test vault.put K version 1", "test connection.create b github", "test connection.create a github"})
}

// TestBinding moves boxes in the database: one that is not where it was
// sealed does not open, and says so.
func TestBinding(t *testing.T) {
	for name, move := range map[string]string{
		"to another key":      `UPDATE value SET box = (SELECT box FROM value WHERE secret = 2) WHERE secret = 1`,
		"under another name":  `UPDATE secret SET fold = 'moved', key = 'MOVED' WHERE id = 1`,
		"to another scope":    `UPDATE secret SET scope = 'tenant', owner = 'local' WHERE id = 1`,
		"to another owner":    `UPDATE secret SET owner = 'other' WHERE id = 1`,
		"to another version":  `UPDATE value SET box = (SELECT box FROM value WHERE secret = 1 AND version = 1) WHERE secret = 1 AND version = 2`,
		"to another data key": `UPDATE value SET data_key = (SELECT id FROM data_key WHERE backend = 'file') WHERE secret = 1`,
		"bit by bit":          `UPDATE value SET box = CAST(x'00' || substr(box, 2) AS BLOB) WHERE secret = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.put(t, "A", "old")
			h.put(t, "B", "other")
			h.put(t, "A", "new")
			h.env["AKOS_VAULT"] = "file"
			h.put(t, "C", "in a file")
			if v := h.value(t, inWorkspace("A")); v != "new" {
				t.Fatalf("%q", v)
			}
			h.sql(t, move)
			ref := inWorkspace("A")
			switch name {
			case "under another name":
				ref.Key = "MOVED"
			case "to another scope":
				ref = workspace.Ref{Scope: workspace.ScopeTenant, Owner: "local", Key: "A"}
			case "to another owner":
				ref.Owner = "other"
			}
			v, err := h.unseal(t.Context(), ref)
			want(t, workspace.Unavailable, err)
			if v != "" {
				t.Errorf("%q came out", v)
			}
			if name != "to another owner" { // the domain itself, by an export
				_, _, err = h.Export(t.Context(), workspace.ExportRequest{Recipients: []string{recipient(t)}, Scope: ref.Scope})
				want(t, workspace.Unavailable, err)
				if strings.Contains(err.Error(), "old") || !strings.Contains(err.Error(), "does not open") {
					t.Error(err)
				}
			}
		})
	}
}

// TestAuditFirst stops the audit: without the note there is no act.
func TestAuditFirst(t *testing.T) {
	h := newHome(t)
	h.put(t, "K", "v1")
	h.put(t, "K", "v2")
	must(h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "hub", VaultKeys: map[string]string{"": "K"}}))
	env := h.file(t, ".env", "A=1\nB=2\n")
	h.sql(t, `CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no audit'); END`)
	dump := `SELECT group_concat(key || version) FROM secret UNION ALL SELECT group_concat(version) FROM value UNION ALL SELECT group_concat(name) FROM connection UNION ALL SELECT count(*) FROM trust`
	before := h.sql(t, dump)
	for name, act := range map[string]func() error{
		"put": func() error {
			_, err := h.Put(t.Context(), workspace.PutRequest{Key: "K", Value: workspace.NewSecret([]byte("v3"))})
			return err
		},
		"remove":   func() error { _, err := h.Remove(t.Context(), "K", "", true); return err },
		"rollback": func() error { _, err := h.Rollback(t.Context(), "K", 0, ""); return err },
		"import": func() error {
			_, err := h.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: env}})
			return err
		},
		"disconnect": func() error { _, err := h.Disconnect(t.Context(), "hub"); return err },
		"create": func() error {
			_, err := h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "hub2", VaultKeys: map[string]string{"": "K"}})
			return err
		},
		"init": func() error {
			_, err := h.Init(t.Context(), workspace.InitRequest{Dir: t.TempDir(), ID: "x"})
			return err
		},
		"export": func() error {
			data, _, err := h.Export(t.Context(), workspace.ExportRequest{Recipients: []string{recipient(t)}})
			if data != nil {
				t.Error("something was exported")
			}
			return err
		},
	} {
		if err := act(); err == nil {
			t.Errorf("%s goes on without an audit", name)
		}
	}
	same(t, "state", h.sql(t, dump), before)
}

// TestForgets removes a key and a connection: no row of theirs stays, and no
// byte of a box stays in a free page.
func TestForgets(t *testing.T) {
	h := newHome(t)
	const planted = "a value that is removed must not stay in the file"
	h.put(t, "K", planted)
	h.put(t, "K", planted)
	h.put(t, "OTHER", "x")
	must(h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "hub", VaultKeys: map[string]string{"": "K"}}))
	file := filepath.Join(h.dir, "state.db")
	if h.sql(t, `PRAGMA wal_checkpoint(TRUNCATE)`); !strings.Contains(string(must(os.ReadFile(file))), planted) {
		t.Fatal("the fake sealer hides the value: this test would see nothing")
	}
	must(h.Disconnect(t.Context(), "hub"))
	must(h.Remove(t.Context(), "K", "", false))
	same(t, "rows", h.sql(t, `SELECT count(*) FROM value UNION ALL SELECT count(*) FROM connection_key UNION ALL SELECT count(*) FROM secret`), []string{"1", "0", "1"})
	for _, name := range must(filepath.Glob(file + "*")) {
		if strings.Contains(string(must(os.ReadFile(name))), planted) {
			t.Errorf("%s still holds the value", name)
		}
	}
	if s := h.put(t, "K", "again"); s.Version != 1 {
		t.Errorf("%+v", s)
	}
}
