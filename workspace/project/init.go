package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"example.com/akos/workspace"
	"github.com/goccy/go-yaml"
)

// Init writes the workspace file of a new workspace into dir. A file that is
// there already is a Conflict unless force is set.
func (f *Finder) Init(dir, id, name string, backend workspace.Backend, force bool) (workspace.Site, error) {
	dir = f.absolute(dir)
	path := filepath.Join(dir, FileName)
	if err := workspace.CheckID(id); err != nil {
		return workspace.Site{}, err
	}
	var c content
	c.SchemaVersion, c.Workspace.ID, c.Workspace.Name, c.Vault.Backend = 1, id, name, string(backend)
	data, err := yaml.Marshal(c)
	if err != nil {
		return workspace.Site{}, err
	}
	data = append([]byte("# A workspace of akos. It names, it never holds, secrets: commit it.\n"), data...)
	site, err := parse(path, data)
	if err != nil {
		return workspace.Site{}, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			return workspace.Site{}, unwritable(dir, err)
		}
	}
	exists := workspace.Errorf(workspace.Conflict, "%s exists already", path).WithHint("akos init %s --force", workspace.ShellQuote(dir))
	if _, err := os.Lstat(path); err == nil && !force {
		return workspace.Site{}, exists
	}
	if err := ignore(dir); err != nil {
		return workspace.Site{}, unwritable(filepath.Join(dir, ".gitignore"), err)
	}
	err = put(path, data, force)
	if errors.Is(err, fs.ErrExist) { // somebody was faster
		return workspace.Site{}, exists
	}
	if err != nil {
		return workspace.Site{}, unwritable(path, err)
	}
	return site, nil
}

// put writes a whole file or none.
func put(path string, data []byte, force bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".akos-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if force {
		return os.Rename(f.Name(), path)
	}
	return os.Link(f.Name(), path) // fails if path exists, unlike a rename
}

// CheckNew returns the Conflict that Create would return.
func (f *Finder) CheckNew(path string) error {
	if _, err := os.Lstat(f.absolute(path)); err == nil {
		return thereAlready(path)
	}
	return nil
}

func thereAlready(path string) error {
	return workspace.Errorf(workspace.Conflict, "%s exists already: name a file that does not", path)
}

// Create writes a new file that only its owner can read. A file that is there
// already is a Conflict.
func (f *Finder) Create(path string, data []byte) error {
	file, err := os.OpenFile(f.absolute(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return thereAlready(path)
	}
	if err != nil {
		return unwritable(path, err)
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return unwritable(path, err)
	}
	return nil
}

// ignored keeps from git what may hold values.
var ignored = []string{".env*", ".agentskitos/"}

// ignore adds what is missing to dir's .gitignore. The directory may be a
// clone of somebody's: what lies outside of it is neither read nor written by
// way of a link.
func ignore(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	const path = ".gitignore"
	if info, err := root.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	data, err := root.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		have[strings.TrimSpace(line)] = true
	}
	var add string
	for _, line := range ignored {
		if !have[line] {
			add += line + "\n"
		}
	}
	if add == "" {
		return nil
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		add = "\n" + add
	}
	f, err := root.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if data == nil { // it is new, and everybody's who has the project
		err = f.Chmod(0o644)
	}
	_, werr := f.WriteString(add)
	return errors.Join(err, werr, f.Close())
}

func unwritable(path string, err error) error {
	return workspace.Errorf(workspace.Unavailable, "%s can't be written", path).Because(err)
}
