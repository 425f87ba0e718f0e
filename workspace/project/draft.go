package project

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"

	"example.com/akos/workspace"
)

// Names that match what `akos init` keeps from git, whatever the target is
// called: for a while there are values in clear under them.
const (
	draftPrefix = ".env.akos-"
	keptPrefix  = ".env.saved-"
)

// A draft is a new file beside the target. While it is open it is locked, so
// that no sweep takes it for what a crash left behind.
type draft struct {
	*os.File
	dir  *os.Root
	name string
	keep bool // what is under the name now must stay
}

func newDraft(dir *os.Root) (*draft, error) {
	for {
		d := &draft{dir: dir, name: draftPrefix + rand.Text()}
		var err error
		if d.File, err = dir.OpenFile(d.name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
			return nil, err
		}
		// A sweep may have come between the two.
		if locked, err := tryLock(d.File); (locked || err != nil) && isAt(dir, d.name, d.File) {
			return d, nil
		}
		d.Close()
	}
}

func (d *draft) id() string { return strings.TrimPrefix(d.name, draftPrefix) }

// Close removes what is under the draft's name, if anything is.
func (d *draft) Close() {
	if !d.keep {
		_ = d.dir.Remove(d.name)
	}
	_ = d.File.Close()
}

// like gives d the owner, the mode and the attributes of target.
func (d *draft) like(target *os.File, label string) error {
	info, err := target.Stat()
	if err != nil {
		return err
	}
	if err := keepOwner(d.File, info); err != nil {
		return workspace.Errorf(workspace.Denied, "%s belongs to another user or group, to whom a new file can't be given", label).Because(err)
	}
	// The mode first: an access list has a part of it in itself.
	return errors.Join(d.Chmod(info.Mode().Perm()), keepAttributes(d.File, target))
}

// sweep removes the drafts that crashes left in dir.
func sweep(dir *os.Root) {
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return // what can't be listed can still be replaced
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), draftPrefix) || !e.Type().IsRegular() {
			continue
		}
		f, err := dir.OpenFile(e.Name(), openFlags, 0)
		if err != nil {
			continue
		}
		if locked, _ := tryLock(f); locked && isAt(dir, e.Name(), f) {
			_ = dir.Remove(e.Name())
		}
		_ = f.Close()
	}
}

// isAt reports whether name is f's.
func isAt(dir *os.Root, name string, f *os.File) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := dir.Lstat(name)
	return err == nil && os.SameFile(opened, there)
}
