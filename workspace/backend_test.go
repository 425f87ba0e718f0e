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
)

// TestAuto settles the backend of "auto" by the first data key: a keychain
// that comes and goes does not split a vault in two.
func TestAuto(t *testing.T) {
	h := newHome(t)
	h.keys.detects = workspace.BackendFile
	if s := h.put(t, "A", "1"); s.Source != "file" || !strings.Contains(s.Notice, "no OS keychain works here") {
		t.Errorf("%+v", s)
	}
	h.keys.detects = workspace.BackendKeychain
	if s := h.put(t, "B", "2"); s.Source != "file" || s.Notice != "" {
		t.Errorf("%+v", s)
	}
	h.env["AKOS_VAULT"] = "os-keychain" // somebody says so
	if s := h.put(t, "C", "3"); s.Source != "os-keychain" || h.keys.created != 2 {
		t.Errorf("%+v", s)
	}
	if v := h.value(t, inWorkspace("A")); v != "1" {
		t.Errorf("%q", v)
	}
	h.env["AKOS_VAULT"] = "env"
	_, err := h.Put(t.Context(), workspace.PutRequest{Key: "D", Value: workspace.NewSecret([]byte("4"))})
	want(t, workspace.Denied, err)
	h.env["AKOS_VAULT"] = "nope"
	_, err = h.List(t.Context(), "")
	want(t, workspace.Invalid, err)
}

// TestRace lets another process make the data key while this one makes its
// own: the first wins, and ours is discarded.
func TestRace(t *testing.T) {
	h := newHome(t)
	other := openHome(t, h.dir, t.TempDir(), h.keys, "")
	h.keys.before = func() { other.put(t, "B", "theirs") }
	h.put(t, "A", "ours")
	if h.value(t, inWorkspace("A")) != "ours" || h.value(t, inWorkspace("B")) != "theirs" {
		t.Error("a value is lost")
	}
	if h.keys.created != 2 || len(h.keys.discarded) != 1 || len(h.keys.keks) != 1 {
		t.Errorf("%d made, %q discarded", h.keys.created, h.keys.discarded)
	}
	if n := h.sql(t, `SELECT count(*) FROM data_key`); n[0] != "1" {
		t.Errorf("%s data keys", n)
	}
}

// TestLost loses the KEK: nothing replaces it unasked, a list tells without
// asking the holder, and one that comes back is seen.
func TestLost(t *testing.T) {
	h := newHome(t)
	h.put(t, "A", "1")
	must(h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "hub", VaultKeys: map[string]string{"": "A"}}))
	put := func(newKey bool) error {
		_, err := h.Put(t.Context(), workspace.PutRequest{Key: "B", Value: workspace.NewSecret([]byte("2")), NewKey: newKey})
		return err
	}
	h.keys.lose(true)
	if err := put(false); !errors.Is(err, workspace.ErrKeyLost) {
		t.Errorf("%v", err)
	}
	same(t, "lost", lines(t, h, ""), []string{"A workspace os-keychain false hub"})
	if c := must(h.Connection(t.Context(), "hub")); c.Status != "credentials_missing" || c.Auth.Keys[0].Present {
		t.Errorf("%+v", c)
	}
	if s := must(h.Status(t.Context())); s.Vault.Present || s.Next != "akos doctor" {
		t.Errorf("%+v", s.Vault)
	}
	if f := finding(h, t, "vault key"); f.Status != "fail" || !strings.Contains(f.Hint, "--new-key") {
		t.Errorf("%+v", f)
	}
	h.keys.lose(false)
	if f := finding(h, t, "vault key"); f.Status != "ok" {
		t.Errorf("%+v", f)
	}
	same(t, "found again", lines(t, h, ""), []string{"A workspace os-keychain true hub"})

	h.keys.lose(true)
	h.keys.fail = errors.New("no room for another")
	if err := put(true); err == nil {
		t.Error("a key was made")
	}
	if n := h.sql(t, `SELECT count(*) FROM data_key WHERE retired = 0`); n[0] != "1" {
		t.Error("the old key was left behind before there was a new one")
	}
	h.keys.fail = nil
	if err := put(true); err != nil {
		t.Fatal(err)
	}
	if err := put(true); err != nil || h.keys.created != 2 { // the new one opens: it stays
		t.Errorf("%v, %d made", err, h.keys.created)
	}
	same(t, "after a new key", lines(t, h, ""), []string{"A workspace os-keychain false hub", "B workspace os-keychain true "})
	if h.value(t, inWorkspace("B")) != "2" {
		t.Error("B is lost")
	}
	if f := finding(h, t, "vault key"); f.Status != "ok" {
		t.Errorf("%+v", f)
	}
	h.keys.lose(false) // a backup of the keychain came back: the old values open
	finding(h, t, "vault key")
	same(t, "restored", lines(t, h, ""), []string{"A workspace os-keychain true hub", "B workspace os-keychain true "})
	if h.value(t, inWorkspace("A")) != "1" {
		t.Error("A is lost")
	}
}

// TestDoctorTriesTheKeychain: where the first value will go to the keychain,
// doctor says what it will meet there.
func TestDoctorTriesTheKeychain(t *testing.T) {
	for _, backend := range []string{"os-keychain", "auto"} {
		h := newHome(t)
		h.env["AKOS_VAULT"] = backend
		h.keys.fail = workspace.Errorf(workspace.Unavailable, "no keychain").WithHint("akos doctor")
		f := finding(h, t, "vault backend")
		if f.Status != "fail" || f.Detail != "no keychain. New values can go to a file meanwhile" || f.Hint != "export AKOS_VAULT=file" {
			t.Errorf("%s: %+v", backend, f)
		}
		h.keys.fail = nil
		if f := finding(h, t, "vault backend"); f.Status != "ok" || h.keys.created != 1 || len(h.keys.discarded) != 1 {
			t.Errorf("%s: %+v, %d made, %d discarded", backend, f, h.keys.created, len(h.keys.discarded))
		}
		h.put(t, "A", "1")
		if f := finding(h, t, "vault backend"); f.Status != "ok" || h.keys.created != 2 {
			t.Errorf("%s, with a key: %+v, %d made", backend, f, h.keys.created)
		}
		h.env["AKOS_VAULT"] = "file"
		if finding(h, t, "vault backend"); h.keys.created != 2 {
			t.Errorf("file: %d made", h.keys.created)
		}
	}
}

func finding(h *home, t testing.TB, prefix string) workspace.Finding {
	t.Helper()
	for _, f := range h.Diagnose(t.Context()) {
		if strings.HasPrefix(f.Name, prefix) {
			return f
		}
	}
	t.Fatalf("doctor does not look at %s", prefix)
	return workspace.Finding{}
}

// TestAsksNobody reads everything there is to read, and sees that no holder
// was asked.
func TestAsksNobody(t *testing.T) {
	h := newHome(t)
	h.put(t, "OPENAI_API_KEY", "1")
	h.put(t, "OPENAI_API_KEY", "2")
	must(h.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "hub", VaultKeys: map[string]string{"": "OPENAI_API_KEY"}}))
	before := h.keys.asked()
	for range 3 {
		must(h.List(t.Context(), ""))
		must(h.Connections(t.Context(), ""))
		must(h.Connection(t.Context(), "hub"))
		must(h.Status(t.Context()))
		must(h.Check(t.Context(), workspace.CheckRequest{}))
		if _, _, err := h.KeysToSet(t.Context(), "openai", ""); err != nil {
			t.Error(err)
		}
		if _, _, err := h.History(t.Context(), "OPENAI_API_KEY", ""); err != nil {
			t.Error(err)
		}
	}
	must(h.Remove(t.Context(), "OPENAI_API_KEY", "", true))
	must(h.Disconnect(t.Context(), "hub"))
	if n := h.keys.asked() - before; n != 0 {
		t.Errorf("the holder was asked %d times", n)
	}
}

func TestCheck(t *testing.T) {
	h := newHome(t)
	check := func(r workspace.CheckRequest) workspace.CheckResult {
		t.Helper()
		r.Providers = []string{"openai"}
		return must(h.Check(t.Context(), r)).Results[0]
	}
	const key = "OPENAI_API_KEY"
	if r := check(workspace.CheckRequest{}); r.Status != "missing" || !slices.Equal(r.MissingKeys, []string{key}) || r.Remediation != "akos creds set openai" {
		t.Errorf("%+v", r)
	}
	h.putIn(t, workspace.ScopeTenant, "openai_api_key", "t")
	if r := check(workspace.CheckRequest{}); r.Status != "ok" || r.FoundIn[key] != "os-keychain" {
		t.Errorf("%+v", r)
	}
	file := workspace.FileArg{Path: h.file(t, ".env", key+"=x\n")}
	if r := check(workspace.CheckRequest{SecretsFile: file}); r.FoundIn[key] != "file" {
		t.Errorf("%+v", r)
	}
	h.file(t, ".env", key+"=\n") // an empty value counts as missing
	if r := check(workspace.CheckRequest{SecretsFile: file}); r.FoundIn[key] != "os-keychain" {
		t.Errorf("%+v", r)
	}
	for name, req := range map[string]workspace.CheckRequest{"AGENTSKITOS_" + key: {EnvPrefix: workspace.DefaultEnvPrefix}, "X_" + key: {EnvPrefix: "X_"}, key: {}} {
		h.env = map[string]string{name: "v"}
		if r := check(req); r.FoundIn[key] != "env" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	h.env = map[string]string{key: " v\n"}
	if r := check(workspace.CheckRequest{}); r.Status != "invalid" {
		t.Errorf("%+v", r)
	}
	if r := check(workspace.CheckRequest{}); r.Remediation != "unset "+key {
		t.Errorf("%+v", r)
	}
	h.env = map[string]string{key: "${vault:none}"} // a reference to nothing is no key
	if r := check(workspace.CheckRequest{}); r.Status != "missing" || r.Remediation != "akos vault put none" || r.Missing[0].Next != `vault_put {"key":"none"}` {
		t.Errorf("%+v", r)
	}
	h.env = map[string]string{key: "${vault:OpenAI_API_key}"}
	if r := check(workspace.CheckRequest{}); r.Status != "ok" || r.FoundIn[key] != "os-keychain" {
		t.Errorf("%+v", r)
	}
	_, err := h.Check(t.Context(), workspace.CheckRequest{Filter: workspace.Filter{Providers: []string{"nope"}}})
	want(t, workspace.Invalid, err)
	_, err = h.Check(t.Context(), workspace.CheckRequest{Filter: workspace.Filter{Kinds: []string{"nope"}}})
	want(t, workspace.Invalid, err)
	_, err = h.Check(t.Context(), workspace.CheckRequest{SecretsFile: workspace.FileArg{Path: "none"}})
	want(t, workspace.Invalid, err)
	if c := must(h.Check(t.Context(), workspace.CheckRequest{Filter: workspace.Filter{AirGap: true}})); !c.OK {
		t.Errorf("air gap: %+v", c)
	}
}

// TestCheckMends: what is named to mend a finding is what comes first, and no
// text that is no key is repeated.
func TestCheckMends(t *testing.T) {
	token := "ghp_" + strings.Repeat("x1Y2", 9)
	const key, edit, look = "GITHUB_TOKEN", "${EDITOR:-vi} ", `creds_check {"provider":["github"],"secretsFile":`
	for _, tt := range []struct{ env, file, name, status, remediation, next string }{
		{"", `=" fake "`, ".env", "invalid", edit + ".env", look + `".env"}`},
		{"", `=" fake "`, "+!x y", "invalid", edit + "'./+!x y'", look + `"+!x y"}`}, // no option of an editor
		{"", "=${vault:NOPE}", ".env", "missing", "akos vault put NOPE", `vault_put {"key":"NOPE"}`},
		{"", "=${vault:github_token}", ".env", "missing", "akos creds set github", `creds_set {"key":"GITHUB_TOKEN"}`},
		{"", "=${vault:" + token + "}", ".env", "missing", edit + ".env", look + `".env"}`},
		{" fake", "=fake", ".env", "invalid", "unset " + key, look + `".env"}`},
		{"${vault:NOPE}", "=fake", ".env", "missing", "akos vault put NOPE", `vault_put {"key":"NOPE"}`},
		{"${vault:" + token + "}", "=fake", ".env", "missing", "unset " + key, look + `".env"}`},
		{"", "=", ".env", "missing", "akos creds set github", `creds_set {"key":"GITHUB_TOKEN"}`},
	} {
		h := newHome(t)
		t.Chdir(h.work)
		h.env[key] = tt.env
		h.file(t, tt.name, key+tt.file+"\n")
		c, err := h.Check(t.Context(), workspace.CheckRequest{Filter: workspace.Filter{Providers: []string{"github"}}, SecretsFile: workspace.FileArg{Path: tt.name}})
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		r := c.Results[0]
		next := ""
		for _, m := range r.Missing {
			next += m.Next
		}
		for _, k := range r.Invalid {
			next += k.Next
		}
		if r.Status != tt.status || r.Remediation != tt.remediation || next != tt.next || strings.Contains(fmt.Sprint(r), token) {
			t.Errorf("%+v: %+v", tt, r)
		}
	}
}

// TestTrust finds a workspace file that nobody trusted: nothing that reads or
// writes secrets goes on, and what is trusted is the content that was seen.
func TestTrust(t *testing.T) {
	h := newHome(t)
	_, err := h.PlanTrust(t.Context())
	want(t, workspace.NotFound, err)
	site := must(h.Init(t.Context(), workspace.InitRequest{Dir: h.work, ID: "shop", Name: "Shop"}))
	if site.ID != "shop" || site.Path != filepath.Join(h.work, "akos.config.yaml") {
		t.Errorf("%+v", site)
	}
	h.put(t, "K", "v") // init trusts what it writes
	_, err = h.Init(t.Context(), workspace.InitRequest{Dir: h.work, ID: "other"})
	want(t, workspace.Conflict, err)

	clone := openHome(t, h.dir, t.TempDir(), h.keys, "")
	text := string(must(os.ReadFile(site.Path)))
	clone.file(t, "akos.config.yaml", text)
	file := clone.file(t, ".env", "A=1")
	denied := map[string]func() error{
		"list": func() error { _, err := clone.List(t.Context(), ""); return err },
		"put": func() error {
			_, err := clone.Put(t.Context(), workspace.PutRequest{Key: "K", Value: workspace.NewSecret([]byte("x"))})
			return err
		},
		"check put":   func() error { return clone.CheckPut(t.Context(), workspace.PutRequest{Key: "K"}) },
		"remove":      func() error { _, err := clone.Remove(t.Context(), "K", "", true); return err },
		"history":     func() error { _, _, err := clone.History(t.Context(), "K", ""); return err },
		"rollback":    func() error { _, err := clone.Rollback(t.Context(), "K", 0, ""); return err },
		"check":       func() error { _, err := clone.Check(t.Context(), workspace.CheckRequest{}); return err },
		"connections": func() error { _, err := clone.Connections(t.Context(), ""); return err },
		"connection":  func() error { _, err := clone.Connection(t.Context(), "a"); return err },
		"disconnect":  func() error { _, err := clone.Disconnect(t.Context(), "a"); return err },
		"create": func() error {
			_, err := clone.Create(t.Context(), workspace.CreateRequest{Kind: "github", Name: "a", VaultKeys: map[string]string{"": "K"}})
			return err
		},
		"import": func() error {
			_, err := clone.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: file}})
			return err
		},
		"export": func() error {
			_, _, err := clone.Export(t.Context(), workspace.ExportRequest{Recipients: []string{recipient(t)}})
			return err
		},
	}
	all := func() {
		t.Helper()
		for name, act := range denied {
			err := act()
			if e := workspace.Explain(err); err == nil || e.Kind != workspace.Denied || !strings.HasPrefix(e.Hint, "akos trust ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	all()
	if s := must(clone.Status(t.Context())); s.Workspace.Trusted || !strings.HasPrefix(s.Next, "akos trust ") {
		t.Errorf("%+v", s)
	}
	plan := must(clone.PlanTrust(t.Context()))
	if plan.Trusted || plan.Changed || !slices.Equal(plan.Keys, []string{"K"}) || !slices.Equal(plan.OtherPaths, []string{site.Path}) {
		t.Errorf("%+v", plan)
	}
	clone.file(t, "akos.config.yaml", text+"# changed while the person reads\n")
	want(t, workspace.Conflict, clone.Trust(t.Context(), plan))
	all()
	if err := clone.Trust(t.Context(), must(clone.PlanTrust(t.Context()))); err != nil {
		t.Fatal(err)
	}
	same(t, "trusted", lines(t, clone, ""), []string{"K workspace os-keychain true "})
	clone.file(t, "akos.config.yaml", text+"# changed again\n")
	all()
	if plan := must(clone.PlanTrust(t.Context())); plan.Trusted || !plan.Changed {
		t.Errorf("%+v", plan)
	}
}

// TestFreeID gives two projects of one name workspaces of their own.
func TestFreeID(t *testing.T) {
	h := newHome(t)
	top := t.TempDir()
	a := must(h.Init(t.Context(), workspace.InitRequest{Dir: filepath.Join(top, "a", "My Shop")}))
	b := must(h.Init(t.Context(), workspace.InitRequest{Dir: filepath.Join(top, "b", "My Shop")}))
	again := must(h.Init(t.Context(), workspace.InitRequest{Dir: filepath.Join(top, "a", "My Shop"), Force: true}))
	d := must(h.Init(t.Context(), workspace.InitRequest{Dir: filepath.Join(top, "default")}))
	if a.ID != "my-shop" || !strings.HasPrefix(b.ID, "my-shop-") || again.ID != a.ID || d.ID == "default" || a.Name != "My Shop" {
		t.Errorf("%+v %+v %+v %+v", a, b, again, d)
	}
	for name, id := range map[string]string{"": "workspace", "Ü": "workspace", "A_b.C": "a-b-c", "-x-": "x", strings.Repeat("a", 99): strings.Repeat("a", 50)} {
		if got := workspace.Slug(name); got != id {
			t.Errorf("Slug(%q) = %q", name, got)
		}
	}
}
