// Package project reads and writes the files of the project that akos works
// in: the workspace file, and the dotenv files that a caller names.
//
// It knows no state: whether a workspace file is trusted is decided above.
// Its invariants: an error never quotes what is in a file, and a file is
// either replaced whole or left as it was.
package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"example.com/akos/workspace"
)

// FileName is the name of the workspace file.
const FileName = "akos.config.yaml"

// A Finder finds the workspace of a process.
type Finder struct {
	// Choice is what --workspace or AKOS_WORKSPACE says: a directory that
	// holds a workspace file, or an id. "" means the nearest file upwards
	// from Dir, and without one the default workspace.
	Choice string
	// Dir is where the process works, absolute.
	Dir string
	// User is the home directory of the user, and Home that of akos; "" for
	// one that is not known.
	User, Home string

	late func() // see replacement
}

// defaultSite is the workspace of a person who made none.
var defaultSite = workspace.Site{ID: "default", Name: "default"}

// Locate finds the workspace.
func (f *Finder) Locate(context.Context) (workspace.Site, error) {
	if f.Choice != "" {
		return f.chosen()
	}
	for dir := f.Dir; ; dir = filepath.Dir(dir) {
		site, err := load(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return site, err
		}
		if dir == filepath.Dir(dir) {
			return defaultSite, nil
		}
	}
}

func (f *Finder) chosen() (workspace.Site, error) {
	dir := f.Choice
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(f.Dir, dir)
	}
	info, err := os.Stat(dir)
	isPath := err == nil && info.IsDir() || strings.ContainsAny(f.Choice, `/\`) || strings.HasPrefix(f.Choice, ".")
	switch {
	case isPath:
		site, err := load(dir)
		if errors.Is(err, fs.ErrNotExist) {
			err = workspace.Errorf(workspace.NotFound, "%s holds no %s", dir, FileName).WithHint("akos init %s", workspace.ShellQuote(dir))
		}
		return site, err
	case f.Choice == defaultSite.ID:
		return defaultSite, nil
	}
	if err := workspace.CheckID(f.Choice); err != nil {
		return workspace.Site{}, err
	}
	return workspace.Site{ID: f.Choice, Name: f.Choice, Named: true}, nil
}

// Read returns a file that the caller named.
func (f *Finder) Read(root, path string, limit int64) ([]byte, error) {
	file, size, err := f.regular(root, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > limit {
		return nil, workspace.Errorf(workspace.Invalid, "%s is over %d MiB", path, limit>>20)
	}
	data, err := readSized(file, size, limit)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

// Head returns the first n bytes of a file that the caller named, or all of
// it if it is shorter.
func (f *Finder) Head(root, path string, n int) ([]byte, error) {
	file, _, err := f.regular(root, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, int64(n)))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

// regular opens a regular file and returns its size.
func (f *Finder) regular(root, path string) (*os.File, int64, error) {
	file, err := f.open(root, path)
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	info, err := file.Stat()
	// A directory, a device or a pipe could be read for ever.
	if err == nil && !info.Mode().IsRegular() {
		err = workspace.Errorf(workspace.Invalid, "%s is not a regular file", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, unreadable(path, err)
	}
	return file, info.Size(), nil
}

func readAll(r io.Reader, limit int64) ([]byte, error) { return readSized(r, 0, limit) }

// readSized returns what r has, which should be size bytes: they are taken
// once, where growing a buffer takes them twice and more.
func readSized(r io.Reader, size, limit int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errors.New("it grew while it was read")
	}
	return b.Bytes(), err
}

// openFlags open a file for reading without waiting: a pipe that nobody writes
// would keep the caller for ever, before it can be seen to be one.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// open opens path; with a root, nothing outside of it, whatever symlinks say.
func (f *Finder) open(root, path string) (*os.File, error) {
	if root == "" {
		return os.OpenFile(f.absolute(path), openFlags, 0)
	}
	r, rel, err := within(root, path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	file, err := r.OpenFile(rel, openFlags, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, outside(path) // os.Root refused a way out
	}
	return file, err
}

func within(root, path string) (*os.Root, string, error) {
	rel, ok := local(root, path)
	if !ok {
		return nil, "", outside(path)
	}
	r, err := os.OpenRoot(root)
	return r, rel, err
}

// local returns path as it is called in root; ok is false for one that is not
// there. An absolute path may lead to root by symlinks; those that lead out of
// it again os.Root sees.
func local(root, path string) (rel string, ok bool) {
	if !filepath.IsAbs(path) {
		return path, filepath.IsLocal(path)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || !filepath.IsLocal(rel) {
		dir, file := filepath.Split(path)
		if dir, err = filepath.EvalSymlinks(dir); err == nil {
			rel, err = filepath.Rel(root, filepath.Join(dir, file))
		}
	}
	return rel, err == nil && filepath.IsLocal(rel)
}

func outside(path string) error { return workspace.Outside(path, "akos vault import") }

func (f *Finder) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.Dir, path)
}

// unreadable gives an error of the file system its kind, and leaves a domain
// error alone.
func unreadable(path string, err error) error {
	if e := (*workspace.Error)(nil); errors.As(err, &e) {
		return err
	}
	why := "can't be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		why = "can't be read: permission denied"
	}
	return workspace.Errorf(workspace.Invalid, "%s %s", path, why).Because(fmt.Errorf("project: %w", err))
}
