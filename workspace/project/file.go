package project

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// What the largest workspace file has. The parser takes the square of what is
// nested, or stands in one text, and the file may be anybody's: it is read
// before it is trusted.
const (
	maxFile     = 16 << 10 // bytes
	maxLines    = 1000
	maxBrackets = 500
	maxItems    = 1000 // of lists without brackets, of which several can begin in one line
)

// content is the schema of the workspace file.
type content struct {
	SchemaVersion int `yaml:"schemaVersion"`
	Workspace     struct {
		ID   string `yaml:"id"`
		Name string `yaml:"name,omitempty"`
	} `yaml:"workspace"`
	Vault struct {
		Backend string `yaml:"backend,omitempty"`
	} `yaml:"vault,omitempty"`
	Server    string           `yaml:"server,omitempty"`
	Providers []map[string]any `yaml:"providers,omitempty"` // the catalog knows their schema
}

// load reads the workspace file in dir.
func load(dir string) (workspace.Site, error) {
	path := filepath.Join(dir, FileName)
	file, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return workspace.Site{}, err
		}
		return workspace.Site{}, unreadable(path, err)
	}
	defer file.Close()
	if err := checkDir(dir); err != nil {
		return workspace.Site{}, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return workspace.Site{}, workspace.Errorf(workspace.Invalid, "%s is not a regular file", path).Because(err)
	}
	data, err := readAll(file, maxFile)
	if err != nil {
		return workspace.Site{}, workspace.Errorf(workspace.Invalid, "%s can't be read, or is over %d KiB", path, maxFile>>10).Because(err)
	}
	return parse(path, data)
}

// parse returns the site that a workspace file describes.
func parse(path string, data []byte) (_ workspace.Site, err error) {
	bad := func(line int, format string, args ...any) error {
		e := workspace.Errorf(workspace.Invalid, format, args...)
		e.Msg = at(path, line) + ": " + e.Msg
		return e
	}
	switch {
	case count(data, "\r\n") > maxLines:
		return workspace.Site{}, bad(0, "it may have %d lines", maxLines)
	case count(data, "[{") > maxBrackets:
		return workspace.Site{}, bad(0, "it may have %d lists and maps in brackets", maxBrackets)
	case bytes.Count(data, []byte("- "))+bytes.Count(data, []byte("? ")) > maxItems:
		return workspace.Site{}, bad(0, "it may have %d items of lists", maxItems)
	}
	defer func() { // the library's parser has its own opinion of some tags
		if r := recover(); r != nil {
			err = bad(0, "not valid YAML")
		}
	}()
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, problem := yamlProblem(err)
		return workspace.Site{}, bad(line, "%s", problem)
	}
	if len(tree.Docs) != 1 {
		return workspace.Site{}, bad(0, "one YAML document is needed, there are %d", len(tree.Docs))
	}
	// An alias can stand for a million values, and no workspace file needs one.
	var aliases aliasFinder
	if ast.Walk(&aliases, tree.Docs[0]); aliases.line > 0 {
		return workspace.Site{}, bad(aliases.line, "anchors and aliases are not allowed")
	}
	var c content
	if err := yaml.UnmarshalWithOptions(data, &c, yaml.Strict()); err != nil {
		line, problem := yamlProblem(err)
		return workspace.Site{}, bad(line, "%s", problem)
	}
	line := func(path string) int { return lineOf(tree, path) }
	switch {
	case c.SchemaVersion != 1:
		return workspace.Site{}, bad(line("$.schemaVersion"), "schemaVersion must be 1")
	case c.Workspace.ID == "":
		return workspace.Site{}, bad(line("$.workspace"), "workspace.id is missing")
	}
	if err := workspace.CheckID(c.Workspace.ID); err != nil {
		return workspace.Site{}, bad(line("$.workspace.id"), "workspace.id: %s", workspace.Explain(err).Msg)
	}
	backend, err := workspace.ParseBackend(c.Vault.Backend)
	if err != nil {
		return workspace.Site{}, bad(line("$.vault.backend"), "%s", workspace.Explain(err).Msg)
	}
	if c.Server != "" {
		if _, err := workspace.Origin(c.Server); err != nil {
			return workspace.Site{}, bad(line("$.server"), "server: %s", workspace.Explain(err).Msg)
		}
	}
	sum := sha256.Sum256(data)
	f := &workspace.File{Path: path, Hash: hex.EncodeToString(sum[:]), Backend: backend, Server: c.Server}
	if len(c.Providers) > 0 {
		if f.Providers, err = json.Marshal(map[string]any{"providers": c.Providers}); err != nil {
			return workspace.Site{}, err
		}
		if _, err := catalog.ParseProviders(f.Providers); err != nil {
			return workspace.Site{}, bad(line("$.providers"), "providers: %v", err)
		}
	}
	name := c.Workspace.Name
	if name == "" {
		name = c.Workspace.ID
	}
	if err := workspace.CheckText(name, 100); err != nil {
		return workspace.Site{}, bad(line("$.workspace.name"), "workspace.name: %s", workspace.Explain(err).Msg)
	}
	return workspace.Site{ID: c.Workspace.ID, Name: name, Dir: filepath.Dir(path), File: f}, nil
}

// count returns how many bytes of data are in chars.
func count(data []byte, chars string) (n int) {
	for _, c := range []byte(chars) {
		n += bytes.Count(data, []byte{c})
	}
	return n
}

type aliasFinder struct{ line int }

func (a *aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode:
		a.line = n.GetToken().Position.Line
	}
	return a
}

func lineOf(tree *ast.File, path string) int {
	p, err := yaml.PathString(path)
	if err != nil {
		return 0
	}
	n, err := p.FilterFile(tree)
	if err != nil || n == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// yamlProblem returns where and what is wrong. The library's own text is not
// passed on: it quotes the file.
func yamlProblem(err error) (line int, problem string) {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		line = e.GetToken().Position.Line
	}
	switch {
	case is[*yaml.UnknownFieldError](err):
		return line, "unknown field; the fields are schemaVersion, workspace (id, name), vault (backend), server, providers"
	case is[*yaml.DuplicateKeyError](err), strings.Contains(err.Error(), "already defined"):
		return line, "the same field twice"
	case is[*yaml.TypeError](err), is[*yaml.OverflowError](err), is[*yaml.UnexpectedNodeTypeError](err):
		return line, "a value of the wrong type"
	}
	return line, "not valid YAML"
}

func is[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func at(path string, line int) string {
	if line == 0 {
		return path
	}
	return path + ":" + strconv.Itoa(line)
}
