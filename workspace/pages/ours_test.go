package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// words lists the files that hold the ways for a text onto a page. Of
// gomponents the others may use what takes no text.
var (
	words    = []string{"ours.go", "theirs.go"}
	textless = []string{"Node", "Group", "If"}
)

// TestWords holds the pages to the functions of ours.go and theirs.go: no
// text gets onto a page but by them.
func TestWords(t *testing.T) {
	raw := 0
	for name, file := range sources(t) {
		for _, spec := range file.Imports {
			switch path := strings.Trim(spec.Path.Value, `"`); {
			case path == "html/template" || path == "text/template":
				t.Errorf("%s imports %s: with it the linker keeps every exported method, which is 3 MB", name, path)
			case path == "maragu.dev/gomponents" && (spec.Name == nil || spec.Name.Name != "g"):
				t.Errorf("%s imports gomponents under another name than g", name)
			case strings.HasPrefix(path, "maragu.dev/gomponents/"):
				t.Errorf("%s imports %s: see el", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); !ok || pkg.Name != "g" {
					break
				}
				if n.Sel.Name == "Raw" {
					raw++
				} else if !slices.Contains(words, name) && !slices.Contains(textless, n.Sel.Name) {
					t.Errorf("%s uses g.%s, which may take any text", name, n.Sel.Name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "ours" && !slices.Contains(words, name) {
					t.Errorf("%s calls a text ours", name)
				}
			}
			return true
		})
	}
	if reflect.TypeFor[ours]() == reflect.TypeFor[string]() {
		t.Error("any string is ours")
	}
	if raw != 1 {
		t.Errorf("g.Raw is used %d times; it is for the style alone", raw)
	}
}

// sources parses the files of this package that are not tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, src, 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 8 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}
