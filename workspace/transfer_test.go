package workspace_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"filippo.io/age"
)

func recipient(t testing.TB) string {
	t.Helper()
	return must(age.GenerateX25519Identity()).Recipient().String()
}

// TestRoundTrip carries values of every size and kind from one home to
// another, and finds them exactly.
func TestRoundTrip(t *testing.T) {
	h := newHome(t)
	values := map[string][]byte{
		"NUL": {0}, "LINES": []byte("a\r\nb\n\n"), "LATIN": {0xff, 0xfe, 'x'}, "SPACE": []byte(" x "), "QUOTES": []byte(`"'${vault:x}\`),
		"JSON": []byte(`{"a":"<&>\u2028"}`), "LARGE": make([]byte, workspace.MaxValue),
	}
	for _, n := range []int{1, 2, 15, 16, 17, 255, 4096, 65537} {
		values[fmt.Sprint("RANDOM_", n)] = make([]byte, n)
	}
	for key, v := range values {
		if strings.HasPrefix(key, "RANDOM") || key == "LARGE" {
			_, _ = rand.Read(v)
		}
		h.put(t, key, string(v))
	}
	id := must(age.GenerateX25519Identity())
	for _, armor := range []bool{false, true} {
		data, r, err := h.Export(t.Context(), workspace.ExportRequest{Recipients: []string{id.Recipient().String(), recipient(t)}, Armor: armor})
		if err != nil || len(r.Keys) != len(values) {
			t.Fatalf("%+v %v", r, err)
		}
		if bytes.Contains(data, values["RANDOM_255"]) || bytes.HasPrefix(data, []byte("-----BEGIN")) != armor {
			t.Errorf("armor %v: %.40q", armor, data)
		}
		to := newHome(t)
		file, ids := to.file(t, "x.age", string(data)), to.file(t, "id", id.String()+"\n")
		bad := to.file(t, "bad", must(age.GenerateX25519Identity()).String())
		in := func(identity string, data string) error {
			path := to.file(t, "y.age", data)
			_, err := to.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: path}, Identity: identity})
			return err
		}
		want(t, workspace.Denied, in(bad, string(data)))
		want(t, workspace.Invalid, in("", string(data)))
		want(t, workspace.Invalid, in(file, string(data)))                        // no identity in it
		want(t, workspace.Invalid, in(ids, string(data[:len(data)-len(data)/3]))) // cut in its payload
		want(t, workspace.Denied, in(ids, string(data[:60])))                     // cut in its header
		want(t, workspace.Invalid, in(ids, "A=1"))                                // needs none
		if l := must(to.List(t.Context(), "")); len(l) != 0 {
			t.Fatalf("a refused import stored %v", l)
		}
		imported := must(to.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: file}, Identity: ids, Scope: workspace.ScopeTenant}))
		if len(imported.Imported) != len(values) || imported.Scope != workspace.ScopeTenant {
			t.Errorf("%+v", imported)
		}
		for key, v := range values {
			if got := to.value(t, workspace.Ref{Scope: workspace.ScopeTenant, Owner: "local", Key: key}); got != string(v) {
				t.Errorf("%s is not what it was", key)
			}
		}
	}
	if acts := h.acts(t); !strings.Contains(acts[len(acts)-1], fmt.Sprintf("vault.export  %d values to age1", len(values))) {
		t.Errorf("%q", acts[len(acts)-1])
	}
	for _, r := range []string{"", "age1", "ssh-rsa x", id.String(), "age1\nage1"} {
		_, _, err := h.Export(t.Context(), workspace.ExportRequest{Recipients: []string{r}})
		want(t, workspace.Invalid, err)
		if r == id.String() && strings.Contains(err.Error(), r) {
			t.Errorf("the private half is echoed: %v", err)
		}
	}
	_, _, err := h.Export(t.Context(), workspace.ExportRequest{Recipients: []string{recipient(t)}, Scope: workspace.ScopeTenant})
	want(t, workspace.NotFound, err)
}

func TestImport(t *testing.T) {
	h := newHome(t)
	text := "# comment\nA=1\nexport B='two words'\nEMPTY=\nREF=${vault:other}\nC=3 # note\n"
	path := h.file(t, ".env", text)
	imp := func(r workspace.ImportRequest) (workspace.Imported, error) { return h.Import(t.Context(), r) }
	file := workspace.FileArg{Path: path}
	_, err := imp(workspace.ImportRequest{File: file, Only: []string{"A", "NONE"}})
	want(t, workspace.NotFound, err)
	_, err = imp(workspace.ImportRequest{File: file, Identity: path})
	want(t, workspace.Invalid, err)
	r, err := imp(workspace.ImportRequest{File: file, Only: []string{"A", "EMPTY"}})
	if err != nil || !slices.Equal(r.Imported, []string{"A"}) || len(r.Skipped) != 1 || r.Rewritten {
		t.Errorf("%+v %v", r, err)
	}
	r, err = imp(workspace.ImportRequest{File: file, Rewrite: true})
	if err != nil || !slices.Equal(r.Imported, []string{"B", "C"}) || !r.Rewritten || r.Comments != 2 || r.Source != "os-keychain" {
		t.Errorf("%+v %v", r, err)
	}
	if got := fmt.Sprint(r.Skipped); got != "[{EMPTY empty} {REF reference} {A unchanged}]" {
		t.Error(got)
	}
	data := must(os.ReadFile(path))
	for _, s := range []string{"# comment\n", "${vault:A}", "${vault:B}", "${vault:other}"} {
		if !strings.Contains(string(data), s) {
			t.Errorf("%q is not in %q", s, data)
		}
	}
	if strings.Contains(string(data), "two words") || h.value(t, inWorkspace("b")) != "two words" {
		t.Errorf("%q", data)
	}
	// All or nothing.
	before := lines(t, h, "")
	for _, text := range []string{
		"NEW=1\nnew=2\n", "NEW=1\n1BAD=2\n", "NEW=1\nBIG=" + strings.Repeat("x", workspace.MaxValue+1), "NEW=1\nB='open\n",
		"NEW=1\nghp_16C7e42F292c6912E7710c838347Ae178B4a=x\n",
	} {
		_, err := imp(workspace.ImportRequest{File: workspace.FileArg{Path: h.file(t, "bad", text)}})
		want(t, workspace.Invalid, err)
		if strings.Contains(err.Error(), "ghp_") {
			t.Error(err)
		}
	}
	same(t, "after refusals", lines(t, h, ""), before)
	// An agent reads the files of its workspace alone, and here there is none.
	_, err = imp(workspace.ImportRequest{File: workspace.FileArg{Path: path, Confined: true}})
	want(t, workspace.Denied, err)
	must(h.Init(t.Context(), workspace.InitRequest{Dir: h.work, ID: "shop"}))
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out, []byte("OUT=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = imp(workspace.ImportRequest{File: workspace.FileArg{Path: out, Confined: true}})
	want(t, workspace.Denied, err)
	h.file(t, "in", "IN=1")
	if r, err := imp(workspace.ImportRequest{File: workspace.FileArg{Path: "in", Confined: true}}); err != nil || len(r.Imported) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}
