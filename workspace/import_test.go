package workspace_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// newShop returns a home that works in a workspace with a directory, where an
// agent can name files.
func newShop(t testing.TB) *home {
	h := newHome(t)
	must(h.Init(t.Context(), workspace.InitRequest{Dir: h.work, ID: "shop"}))
	return h
}

// imports writes text into a file and imports it, for an agent or a person.
func (h *home) imports(t testing.TB, text string, agent bool, req workspace.ImportRequest) (workspace.Imported, error) {
	t.Helper()
	h.file(t, ".env", text)
	req.File = workspace.FileArg{Path: ".env", Confined: agent}
	return h.Import(t.Context(), req)
}

func inShop(key string) workspace.Ref {
	return workspace.Ref{Scope: workspace.ScopeWorkspace, Owner: "shop", Key: key}
}

// TestASecretIsNoKey imports what the usual tools write as a secret: no part
// of it comes back as a name, in a result or an error, or is stored as one.
func TestASecretIsNoKey(t *testing.T) {
	h := newShop(t)
	for _, agent := range []bool{true, false} {
		for n := 10; n <= 64; n++ {
			b := make([]byte, n)
			_, _ = rand.Read(b)
			b[0], b[3] = 0x04, 0x6b // B and a letter in lower case: no name by chance
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
				text := encoding.EncodeToString(b)
				for _, file := range []string{text, text + "\n", "A=1\n\n" + text + "\n", "A=" + strings.Repeat("q", 76) + "\r\n" + text + "\r\n"} {
					r, err := h.imports(t, file, agent, workspace.ImportRequest{})
					if err == nil {
						t.Fatalf("agent %v: a file with a secret of %d bytes gave %+v", agent, n, r)
					}
					want(t, workspace.Invalid, err)
					if e := workspace.Explain(err); strings.Contains(fmt.Sprint(r, err, e.Hint), text[:6]) {
						t.Fatalf("agent %v: shown: %v", agent, err)
					}
				}
			}
		}
	}
	// Names that are credentials of a known form are none even if nothing
	// would be stored under them.
	id := "AKIA" + "IOSFODNN7EXAMPLE"
	for _, file := range []string{id + `=""`, id + "=${vault:A}", id + "=x"} {
		_, err := h.imports(t, "A=1\n"+file, false, workspace.ImportRequest{})
		want(t, workspace.Invalid, err)
		if !strings.HasPrefix(err.Error(), ".env:2: ") || strings.Contains(err.Error(), id) {
			t.Error(err)
		}
	}
	if l := must(h.List(t.Context(), "")); len(l) != 0 {
		t.Errorf("stored: %v", l)
	}
}

// TestAnAgentImportsDotenvFiles refuses a file of another kind, of which a
// line happens to be an assignment.
func TestAnAgentImportsDotenvFiles(t *testing.T) {
	h := newShop(t)
	for _, file := range []string{"user=me\npassword=fake\n", "Host=db;Password=fake", "aB3xY9qLmN0=x", "a-b=x"} {
		_, err := h.imports(t, file, true, workspace.ImportRequest{})
		want(t, workspace.Invalid, err)
		if e := workspace.Explain(err); !strings.Contains(e.Msg, ".env is not a dotenv file") || e.Hint != "akos vault import .env" {
			t.Errorf("%+v", e)
		}
		if _, err := h.imports(t, file, false, workspace.ImportRequest{}); err != nil {
			t.Errorf("a person: %v", err)
		}
	}
	for _, file := range []string{"", "# nothing\n", "db_password=fake\nDB_USER=me\n"} {
		if _, err := h.imports(t, file, true, workspace.ImportRequest{}); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestImportReadsNoGigabyte names a file that is no dotenv file for its size.
func TestImportReadsNoGigabyte(t *testing.T) {
	h := newShop(t)
	path := h.file(t, "large", "A=1\n")
	if err := os.Truncate(path, 1000<<20); err != nil { // sparse
		t.Fatal(err)
	}
	id := h.file(t, "id", "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, req := range []workspace.ImportRequest{
		{File: workspace.FileArg{Path: "large", Confined: true}},
		{File: workspace.FileArg{Path: "large", Confined: true}, Identity: id},
		{File: workspace.FileArg{Path: path}},
		{File: workspace.FileArg{Path: path}, Identity: id},
	} {
		_, err := h.Import(t.Context(), req)
		want(t, workspace.Invalid, err)
	}
	// One that starts as a sealed one does is only read to be opened.
	h.file(t, "head", "age-encryption.org/v1\n")
	if err := os.Truncate(filepath.Join(h.work, "head"), 1000<<20); err != nil {
		t.Fatal(err)
	}
	_, err := h.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: "head"}})
	want(t, workspace.Invalid, err)
	_, err = h.Import(t.Context(), workspace.ImportRequest{File: workspace.FileArg{Path: "head", Confined: true}, Identity: id})
	want(t, workspace.Denied, err)
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 16 {
		t.Errorf("%d MiB were allocated", n)
	}
}

// TestImportDoesNotReplaceForAnAgent keeps what a person stored, whatever an
// agent does, and does not tell it whether its guess at a value is right.
func TestImportDoesNotReplaceForAnAgent(t *testing.T) {
	h := newShop(t)
	h.put(t, "Key", "original")
	const file = "NEW=1\nKEY=other\n"
	for i := range workspace.KeepVersions + 1 {
		file := file
		if i == 0 {
			file = "NEW=1\nKEY=original\n"
		}
		r, err := h.imports(t, file, true, workspace.ImportRequest{Rewrite: true})
		want(t, workspace.Conflict, err)
		if e := workspace.Explain(err); !strings.Contains(e.Msg, "the vault has Key already; nothing was stored") || e.Hint != "akos vault import .env" || len(r.Imported) != 0 {
			t.Errorf("%+v %+v", r, e)
		}
	}
	if got := string(must(os.ReadFile(filepath.Join(h.work, ".env")))); got != file {
		t.Errorf("the file became %q", got)
	}
	if l := lines(t, h, ""); len(l) != 1 || h.value(t, inShop("key")) != "original" {
		t.Errorf("%q", l)
	}
	_, err := h.imports(t, file, true, workspace.ImportRequest{Scope: workspace.ScopeTenant})
	if err != nil {
		t.Error(err) // another owner's
	}
	_, err = h.imports(t, "NEW=2\nKEY=other\n", true, workspace.ImportRequest{Scope: workspace.ScopeTenant})
	want(t, workspace.Conflict, err)
	if e := workspace.Explain(err); e.Hint != "akos vault import .env --scope tenant" {
		t.Errorf("%+v", e)
	}
	// Nor what can't be opened.
	h.keys.lose(true)
	h.keys.detects = workspace.BackendFile
	must(h.Put(t.Context(), workspace.PutRequest{Key: "X", Value: workspace.NewSecret([]byte("1")), NewKey: true}))
	_, err = h.imports(t, "KEY=original\n", true, workspace.ImportRequest{})
	want(t, workspace.Conflict, err)
	// The other keys alone are taken.
	if r, err := h.imports(t, file, true, workspace.ImportRequest{Only: []string{"NEW"}}); err != nil || !slices.Equal(r.Imported, []string{"NEW"}) {
		t.Errorf("%+v %v", r, err)
	}
}

// TestImportSaysWhatItReplaced tells a person, and makes no version of what is
// there.
func TestImportSaysWhatItReplaced(t *testing.T) {
	h := newShop(t)
	h.put(t, "Same", "1")
	h.put(t, "OTHER", "2")
	const file = "SAME=1\nOTHER=3\nNEW=4\n"
	r, err := h.imports(t, file, false, workspace.ImportRequest{})
	if err != nil || fmt.Sprint(r.Imported, r.Replaced, r.Skipped) != "[OTHER NEW] [OTHER] [{SAME unchanged}]" {
		t.Errorf("%+v %v", r, err)
	}
	acts := len(h.acts(t))
	r, err = h.imports(t, file, false, workspace.ImportRequest{})
	if err != nil || fmt.Sprint(r.Imported, r.Replaced, r.Skipped) != "[] [] [{SAME unchanged} {OTHER unchanged} {NEW unchanged}]" || r.Rewritten {
		t.Errorf("%+v %v", r, err)
	}
	for key, versions := range map[string]int{"SAME": 1, "OTHER": 2, "NEW": 1} {
		if _, vs, err := h.History(t.Context(), key, ""); err != nil || len(vs) != versions {
			t.Errorf("%s: %v %v", key, vs, err)
		}
	}
	if n := len(h.acts(t)); n != acts {
		t.Errorf("%d acts were noted of nothing", n-acts)
	}
	r, err = h.imports(t, file, false, workspace.ImportRequest{Rewrite: true})
	if err != nil || !r.Rewritten || len(r.Imported) != 0 {
		t.Errorf("%+v %v", r, err)
	}
	if got := string(must(os.ReadFile(filepath.Join(h.work, ".env")))); got != "SAME=${vault:SAME}\nOTHER=${vault:OTHER}\nNEW=${vault:NEW}\n" {
		t.Errorf("%q", got)
	}
}

// TestRewriteLosesNothing refuses a file in which a value would be neither
// stored nor left, before anything is stored.
func TestRewriteLosesNothing(t *testing.T) {
	h := newShop(t)
	for _, file := range []string{"A=one\nB=1\nA=two\n", "A=one\nA=\nB=1\n", "A=one\nA=${vault:A}\nB=1\n"} {
		for _, agent := range []bool{true, false} {
			_, err := h.imports(t, file, agent, workspace.ImportRequest{Rewrite: true})
			want(t, workspace.Invalid, err)
			if e := workspace.Explain(err); !strings.HasPrefix(e.Msg, ".env: line 1 and line ") || !strings.HasSuffix(e.Msg, " give A different values; nothing was stored") || strings.Contains(e.Msg, "one") {
				t.Errorf("%+v", e)
			}
		}
		if got := string(must(os.ReadFile(filepath.Join(h.work, ".env")))); got != file {
			t.Errorf("%q became %q", file, got)
		}
	}
	if l := lines(t, h, ""); len(l) != 0 {
		t.Errorf("stored: %q", l)
	}
	r, err := h.imports(t, "# c\nA=one\nB=1 # d\nA=two\n", false, workspace.ImportRequest{Rewrite: true, Only: []string{"B"}})
	if err != nil || !r.Rewritten || r.Comments != 2 {
		t.Errorf("%+v %v", r, err)
	}
	// The last one counts, and the file stays.
	r, err = h.imports(t, "A=one\nA=two\n# c\n", false, workspace.ImportRequest{})
	if err != nil || !slices.Equal(r.Imported, []string{"A"}) || h.value(t, inShop("A")) != "two" || r.Comments != 0 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = h.imports(t, "A=two\nA='two'\n", false, workspace.ImportRequest{Rewrite: true}); err != nil || !r.Rewritten {
		t.Errorf("%+v %v", r, err)
	}
}

// TestRewriteRefusesAHardLink leaves both names and the vault as they are.
func TestRewriteRefusesAHardLink(t *testing.T) {
	h := newShop(t)
	path := h.file(t, ".env", "A=1\n")
	if err := os.Link(path, filepath.Join(h.work, "second")); err != nil {
		t.Fatal(err)
	}
	_, err := h.imports(t, "A=1\n", false, workspace.ImportRequest{Rewrite: true})
	want(t, workspace.Conflict, err)
	if e := workspace.Explain(err); !strings.Contains(e.Msg, "hard link") || !strings.HasSuffix(e.Msg, "; nothing was stored") || e.Hint != "akos vault import .env" {
		t.Errorf("%+v", e)
	}
	if l := lines(t, h, ""); len(l) != 0 {
		t.Errorf("stored: %q", l)
	}
	if _, err := h.imports(t, "A=1\n", false, workspace.ImportRequest{}); err != nil {
		t.Error(err)
	}
}
