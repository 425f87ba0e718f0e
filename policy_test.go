package akos

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "example.com/akos/"

// imports says which packages of this module each package may import. All
// arrows point at the domain; faces and parts don't know one another.
var imports = map[string][]string{
	".":                             {},
	"cmd/akos":                      {"internal/cli", "internal/serve", "internal/wire"},
	"cmd/akos-mcp":                  {"internal/wire", "mcpserver", "workspace"},
	"evals":                         {},
	"evals/internal/drive":          {},
	"evals/internal/play":           {"evals/internal/drive", "evals/internal/search"},
	"evals/internal/search":         {},
	"evals/leaky":                   {},
	"evals/run":                     {"evals/internal/play"},
	"internal/akostest":             {"workspace"},
	"internal/cli":                  {"internal/clientconfig", "internal/commandline", "internal/terminal", "tools", "workspace"},
	"internal/clientconfig":         {"workspace"},
	"internal/commandline":          {"workspace"},
	"internal/serve":                {"internal/wire", "workspace", "workspace/agefile", "workspace/authserver", "workspace/sidecar"},
	"internal/crowd":                {},
	"internal/turns":                {},
	"internal/stack":                {},
	"internal/terminal":             {"workspace"},
	"internal/wire":                 {"internal/stack", "workspace", "workspace/entry", "workspace/issuer", "workspace/login", "workspace/project", "workspace/remote", "workspace/state", "workspace/vault"},
	"mcpserver":                     {"internal/commandline", "internal/crowd", "internal/stack", "internal/turns", "tools", "workspace"},
	"scripts/dist":                  {"mcpserver", "tools"},
	"tools":                         {"workspace", "workspace/catalog"},
	"workspace":                     {"workspace/catalog", "workspace/internal/dotenv", "workspace/internal/secret"},
	"workspace/agefile":             {"workspace", "workspace/internal/secret"},
	"workspace/authserver":          {"internal/crowd", "workspace", "workspace/pages"},
	"workspace/catalog":             {},
	"workspace/entry":               {"internal/crowd", "workspace", "workspace/pages"},
	"workspace/internal/dotenv":     {"workspace/internal/secret"},
	"workspace/internal/home":       {"workspace"},
	"workspace/internal/rendezvous": {},
	"workspace/internal/secret":     {},
	"workspace/issuer":              {"internal/crowd", "workspace"},
	"workspace/pages":               {},
	"workspace/login":               {"workspace", "workspace/internal/secret"},
	"workspace/project":             {"workspace", "workspace/catalog"},
	"workspace/remote":              {"workspace", "workspace/internal/rendezvous", "workspace/internal/secret"},
	"workspace/sidecar":             {"internal/crowd", "internal/turns", "workspace", "workspace/internal/rendezvous"},
	"workspace/state":               {"workspace", "workspace/internal/home"},
	"workspace/vault":               {"workspace", "workspace/internal/home", "workspace/internal/secret"},
	"workspace/vault/vaulttest":     {"workspace", "workspace/vault"},
}

// forbidden says which packages of others a package may not even reach
// through what it imports of ours, and why.
var forbidden = []struct{ from, never, why string }{
	{"cmd/akos", "github.com/mark3labs/mcp-go", "it would cost every command 24M instructions"},
	{"workspace", "github.com/spf13/cobra", "the domain knows no command line"},
	{"workspace", "github.com/mark3labs/mcp-go", "the domain knows no protocol"},
	{"cmd/akos-mcp", "github.com/spf13/cobra", "one command needs no tree of them"},
	{"tools", "github.com/spf13/cobra", "operations know no command line"},
	{"tools", "github.com/mark3labs/mcp-go", "operations know no protocol"},
	{"cmd/akos", "github.com/santhosh-tekuri/jsonschema", "its init costs 6 ms"},
}

// domain may not do I/O: these are what it would be done with.
var noIO = []string{"os", "os/exec", "net", "net/http", "database/sql", "syscall"}

// reveals lists the files that open a secret. Each is a reviewed exit.
var reveals = []string{
	"workspace/agefile/agefile.go", // into an age file, sealed to its recipients
	"workspace/creds.go",           // to compare with the shape of a provider's key
	"workspace/grant.go",           // into a sealed session, and out of it
	"workspace/key.go",             // to measure it, and to take off a line end
	"workspace/login/form.go",      // into a request of an authorization server; to find it in an answer
	"workspace/password.go",        // into argon2id
	"workspace/refuse.go",          // to see whether it can be guessed
	"workspace/remote/remote.go",   // into a request to a workspace server
	"workspace/token.go",           // to hash a token; and a new one to its maker
	"workspace/transfer.go",        // into the payload of an export, and out of it
	"workspace/vault/seal.go",      // into a sealed box
}

// mains are where the streams of the process are taken from.
var mains = []string{"cmd/", "scripts/", "evals/run/", "evals/leaky/"}

// walk parses every Go file of the module that is not a test.
func walk(t *testing.T, visit func(file string, f *ast.File)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		n++
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err == nil {
			visit(filepath.ToSlash(file), f)
		}
		return err
	})
	if err != nil || n < 30 {
		t.Fatalf("read %d files: %v", n, err)
	}
}

// TestImports reads the files itself: a test that asks "go list" is cached
// without regard to the files that it depends on.
func TestImports(t *testing.T) {
	documented := map[string]bool{}
	theirs := map[string]map[string]string{} // package → import path of others → file
	ours := map[string][]string{}
	walk(t, func(file string, f *ast.File) {
		pkg := path.Dir(file)
		documented[pkg] = documented[pkg] || f.Doc != nil
		may, ok := imports[pkg]
		if !ok {
			t.Errorf("%s is not in the map of imports", pkg)
		}
		if theirs[pkg] == nil {
			theirs[pkg] = map[string]string{}
		}
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			rel, isOurs := strings.CutPrefix(imp, module)
			if imp == "log" {
				t.Errorf("%s: log writes where it likes; take a *slog.Logger", file)
			}
			if !isOurs {
				theirs[pkg][imp] = file
				continue
			}
			ours[pkg] = append(ours[pkg], rel)
			if !slices.Contains(may, rel) {
				t.Errorf("%s: %s must not import %s", file, pkg, rel)
			}
			if rel == "internal/akostest" {
				t.Errorf("%s: fakes are for tests", file)
			}
		}
	})
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
	for _, imp := range noIO {
		if file := theirs["workspace"][imp]; file != "" {
			t.Errorf("%s imports %s: the domain does no I/O", file, imp)
		}
	}
	for _, rule := range forbidden {
		seen := map[string]bool{}
		var reach func(string)
		reach = func(pkg string) {
			if seen[pkg] {
				return
			}
			seen[pkg] = true
			for imp, file := range theirs[pkg] {
				if strings.HasPrefix(imp, rule.never) {
					t.Errorf("%s reaches %s through %s: %s", rule.from, imp, file, rule.why)
				}
			}
			for _, next := range ours[pkg] {
				reach(next)
			}
		}
		reach(rule.from)
	}
}

// TestExits finds a new call of secret.Reveal, and what would go past the
// streams that a face was given: on stdio, standard output is the protocol's.
func TestExits(t *testing.T) {
	var got []string
	walk(t, func(file string, f *ast.File) {
		for _, spec := range f.Imports {
			if spec.Name != nil && strings.HasSuffix(spec.Path.Value, `/secret"`) {
				t.Errorf("%s renames the package secret: its calls of Reveal would not be found", file)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := sel.X.(*ast.Ident)
			if pkg == nil {
				return true
			}
			name := sel.Sel.Name
			switch {
			case pkg.Name == "secret" && name == "Reveal":
				got = append(got, file)
			case pkg.Name == "os" && (name == "Stdout" || name == "Stderr" || name == "Exit" || name == "Stdin"),
				pkg.Name == "fmt" && strings.HasPrefix(name, "Print"):
				if !slices.ContainsFunc(mains, func(dir string) bool { return strings.HasPrefix(file, dir) }) {
					t.Errorf("%s: %s.%s belongs in a main", file, pkg.Name, name)
				}
			case pkg.Name == "os" && (name == "Getenv" || name == "LookupEnv"):
				if file != "internal/wire/wire.go" && !strings.HasPrefix(file, "cmd/") && !strings.HasPrefix(file, "internal/akostest/") {
					t.Errorf("%s: %s.%s: the environment is given by internal/wire", file, pkg.Name, name)
				}
			}
			return true
		})
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" &&
				file != "internal/stack/stack.go" { // it makes each command cheaper, and works only before the rest
				t.Errorf("%s: init runs for every command", file)
			}
		}
	})
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, reveals) {
		t.Errorf("secret.Reveal is called in %q, want %q", got, reveals)
	}
}

// TestMains keeps the mains to wiring.
func TestMains(t *testing.T) {
	for _, file := range []string{"cmd/akos/main.go", "cmd/akos-mcp/main.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte("\n")); n > 20 {
			t.Errorf("%s has %d lines, at most 20 are right", file, n)
		}
	}
}

// TestMakefile finds a test behind a build tag that no target of the Makefile
// runs.
func TestMakefile(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tagged := regexp.MustCompile(`(?m)^//go:build (gates|idp|browser)\b`)
	tests := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	found := map[string]int{}
	err = filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != "." {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		tag := tagged.FindSubmatch(source)
		if err != nil || tag == nil {
			return err
		}
		line := regexp.MustCompile(`(?m)^\tgo test .*-tags ` + string(tag[1]) + ` -run '([^']+)'(.*)$`).FindSubmatch(makefile)
		if line == nil {
			t.Errorf("nothing in the Makefile runs what has the tag %s", tag[1])
			return nil
		}
		dir := "./" + filepath.ToSlash(filepath.Dir(file))
		if dir == "./." {
			dir = "."
		}
		if !slices.Contains(strings.Fields(string(line[2])), dir) {
			t.Errorf("%s: the Makefile does not test %s with the tag %s", file, dir, tag[1])
		}
		for _, name := range tests.FindAllSubmatch(source, -1) {
			found[string(tag[1])]++
			if !regexp.MustCompile(string(line[1])).Match(name[1]) {
				t.Errorf("%s: the Makefile leaves out %s", file, name[1])
			}
		}
		return nil
	})
	if err != nil || len(found) != 3 {
		t.Errorf("tests %v, %v", found, err)
	}
}
