package project

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"example.com/akos/workspace"
)

// Replace puts new in the place of old, atomically and with the file's mode,
// owner and attributes. What somebody else saved since old was read is left as
// it is, and so is a file of several names, the others of which would keep
// old: both are a Conflict. With old for new nothing changes, but everything
// is tried that can be without a change.
func (f *Finder) Replace(root, path string, old, new []byte) error {
	label := path
	if root == "" {
		target, err := filepath.EvalSymlinks(f.absolute(path))
		if err != nil {
			return unreadable(path, err)
		}
		root, path = filepath.Dir(target), filepath.Base(target)
	}
	r, rel, err := within(root, path)
	if err != nil {
		return err
	}
	defer r.Close()
	// Whatever becomes of the names above it, this is the directory that the
	// file was found in.
	dir, err := r.OpenRoot(filepath.Dir(rel))
	if err != nil {
		return unreadable(label, err)
	}
	defer dir.Close()
	p := replacement{dir: dir, name: filepath.Base(rel), label: label, old: old, new: new, late: f.late}
	if err := p.run(); err != nil {
		if e := (*workspace.Error)(nil); errors.As(err, &e) {
			return err
		}
		return workspace.Errorf(workspace.Unavailable, "%s can't be replaced", label).Because(err)
	}
	return nil
}

// A replacement is one run of Replace.
type replacement struct {
	dir      *os.Root
	name     string // in dir
	label    string // what the caller calls it
	old, new []byte
	late     func() // of a test: what others do between the last look and the change
}

func (p *replacement) run() error {
	target, err := p.hold()
	if err != nil {
		return err
	}
	defer target.Close() // the lock goes with it
	sweep(p.dir)
	switch n, err := links(target); {
	case err != nil:
		return err
	case n > 1:
		return workspace.Errorf(workspace.Conflict, "%s has another name (a hard link), under which its values would stay", p.label)
	case !p.isOld(p.name):
		return p.changed()
	}
	d, err := newDraft(p.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.like(target, p.label); err != nil {
		return err
	}
	if bytes.Equal(p.old, p.new) {
		return nil
	}
	if _, err := d.Write(p.new); err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return err
	}
	return p.swap(d)
}

func (p *replacement) changed() error {
	return workspace.Errorf(workspace.Conflict, "%s changed while it was read; it is left as it is", p.label)
}

// patience is how long a run waits for those before it.
const patience = 5 * time.Second

// hold opens the file that has the name now, and locks it.
func (p *replacement) hold() (*os.File, error) {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		f, err := p.tryHold()
		if f != nil || err != nil {
			return f, err
		}
		if time.Now().After(end) {
			return nil, workspace.Errorf(workspace.Conflict, "%s is locked by another process", p.label)
		}
	}
}

// tryHold returns no file and no error while another process has the lock, or
// if one was put in its place meanwhile.
func (p *replacement) tryHold() (*os.File, error) {
	info, err := p.dir.Lstat(p.name)
	if err != nil {
		return nil, unreadable(p.label, err)
	}
	if !info.Mode().IsRegular() {
		return nil, workspace.Errorf(workspace.Invalid, "%s is a symlink: name the file itself", p.label)
	}
	f, err := p.dir.OpenFile(p.name, openFlags, 0)
	if err != nil {
		return nil, unreadable(p.label, err)
	}
	// Without locks, as on some network file systems, what is verified after
	// the change has to do.
	if locked, err := tryLock(f); (locked || err != nil) && isAt(p.dir, p.name, f) {
		return f, nil
	}
	_ = f.Close()
	return nil, nil
}

// isOld reports whether name is a file with the old content.
func (p *replacement) isOld(name string) bool {
	info, err := p.dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := p.dir.OpenFile(name, openFlags, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := readSized(f, int64(len(p.old)), int64(len(p.old)))
	defer clear(data)
	return err == nil && bytes.Equal(data, p.old)
}

// swap puts the draft in the place of the target and the target in that of
// the draft, and looks what came out: a look before can't see what is saved
// after it.
func (p *replacement) swap(d *draft) error {
	if p.late != nil {
		p.late()
	}
	err := exchange(p.dir, d.name, p.name)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		if !p.isOld(p.name) { // as late as it can be
			return p.changed()
		}
		err = p.dir.Rename(d.name, p.name)
	case errors.Is(err, fs.ErrNotExist):
		return p.changed()
	case err == nil && !p.isOld(d.name):
		return p.putBack(d)
	case err == nil:
		err = p.dir.Remove(d.name)
	}
	if err == nil {
		err = syncDir(p.dir)
	}
	return err
}

// putBack gives its name back to what came out, which is somebody's work.
func (p *replacement) putBack(d *draft) error {
	err := exchange(p.dir, d.name, p.name)
	if err == nil && !isAt(p.dir, d.name, d.File) {
		err = exchange(p.dir, d.name, p.name) // they saved again, over ours: that is newer
	}
	if err == nil {
		return p.changed()
	}
	// No sweep finds it under another name.
	kept := keptPrefix + d.id()
	if p.dir.Rename(d.name, kept) != nil {
		kept, d.keep = d.name, true
	}
	return workspace.Errorf(workspace.Conflict, "%s was saved and moved while it was replaced; what was saved is in %s", p.label, kept).Because(err)
}
