package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// An InitRequest says what workspace to make.
type InitRequest struct {
	Dir, ID, Name string // ID and Name default to the directory's name
	Backend       Backend
	Force         bool
}

// Initialized tells what was made.
type Initialized struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"`
}

// Init makes a workspace in a directory, and trusts the file that it writes.
func (w *Workspace) Init(ctx context.Context, req InitRequest) (Initialized, error) {
	dir, err := filepath.Abs(req.Dir)
	if err != nil {
		return Initialized{}, err
	}
	if req.Name == "" {
		req.Name = filepath.Base(dir)
		if CheckText(req.Name, 100) != nil {
			req.Name = "workspace"
		}
	}
	if req.ID == "" {
		if req.ID, err = w.freeID(ctx, dir); err != nil {
			return Initialized{}, err
		}
	}
	site, err := w.Project.Init(dir, req.ID, req.Name, req.Backend, req.Force)
	if err != nil {
		return Initialized{}, err
	}
	err = w.Store.Write(ctx, func(tx Tx) error {
		if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "workspace.init", Workspace: site.ID, Subject: site.File.Path, Detail: site.File.Hash}); err != nil {
			return err
		}
		return tx.SetTrust(site.File.Path, site.File.Hash, site.ID, w.Now())
	})
	return Initialized{site.ID, site.Name, site.File.Path}, err
}

// freeID returns an id made of the directory's name. Two projects that happen
// to have one name must not share secrets, so a name that another directory
// has taken gets a suffix; sharing is for those who say --id.
func (w *Workspace) freeID(ctx context.Context, dir string) (string, error) {
	id := Slug(filepath.Base(dir))
	var paths []string
	var known bool
	err := w.Store.Read(ctx, func(tx Tx) (err error) { paths, known, err = tx.Known(id); return err })
	if err != nil {
		return "", err
	}
	for _, p := range paths {
		if filepath.Dir(p) == dir {
			return id, nil
		}
	}
	if known || id == "default" {
		sum := sha256.Sum256([]byte(dir))
		id += "-" + hex.EncodeToString(sum[:3])
	}
	return id, nil
}

// Slug returns a workspace id made of a name, or "workspace".
func Slug(name string) string {
	id := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	if id = strings.Trim(id[:min(len(id), 50)], "-"); id == "" {
		return "workspace"
	}
	return id
}
