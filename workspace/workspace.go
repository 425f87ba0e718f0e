// Package workspace is the domain of akos: what a workspace, a vault key, a
// provider and a connection are, and what may be done with them.
//
// It does no I/O of its own and knows no command line and no protocol: it
// declares the small interfaces that it needs, and the packages below it
// implement them. Its invariant: a value that came in as a [Secret] goes to a
// [Sealer] or to a recipient's key, and nowhere else.
package workspace

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// LocalTenant is the tenant of everybody who is not logged in.
const LocalTenant = "local"

// Options are the parts that a Workspace stands on.
type Options struct {
	Project   Project                     // finds the workspace and reads the files that are named
	Store     Store                       // the index; opened on first use
	Courier   Courier                     // seals what leaves; nil where nothing may
	Keys      KeyHolders                  // the holders of the key-encryption keys; reached on first use
	Authority Authority                   // logs in; nil where nothing can be reached
	Remote    Remote                      // the workspace server; nil where nothing can be reached
	Desk      Desk                        // where a person enters values for an agent; nil where no browser can reach this machine
	LookupEnv func(string) (string, bool) // the process environment
	Now       func() time.Time
	Log       *slog.Logger
	Actor     string // who acts, for the audit: "cli" or "mcp"
	Version   string // of this build
	Home      string // AKOS_HOME, for messages
	Choice    string // what --workspace said, for hints
	// Caller is who asks, where that is somebody who came with a token to a
	// server; nil for the user of this process.
	Caller *Identity

	refusals *refusals // of all the workspaces that one process serves
}

// A Workspace is one person's view of one workspace. It is safe for
// concurrent use and remembers nothing but the logins that it waits for and a count: every
// operation asks the project and the store anew, so that what another process
// changed is true here at once.
type Workspace struct {
	Options
	logins  *logins
	hashing hashing
	files   slots // reads of files that may be large
	listing *listing
}

// New returns a Workspace on its parts. It touches none of them.
func New(opts Options) *Workspace {
	if opts.Authority == nil {
		opts.Authority = offline{}
	}
	if opts.Courier == nil {
		opts.Courier = noCourier{}
	}
	if opts.Remote == nil {
		opts.Remote = offline{}
	}
	if opts.refusals == nil {
		opts.refusals = &refusals{of: map[string]*refused{}}
	}
	return &Workspace{opts, &logins{pending: map[string]*pendingLogin{}}, hashing{make(slots, 2)}, make(slots, 2), &listing{}}
}

// A Site is where a workspace was found.
type Site struct {
	ID   string // slug; "default" without a file
	Name string // for people
	Dir  string // the directory of the workspace file; empty without one
	File *File  // nil without one
	// Named is set if it was chosen by id alone, without its directory.
	Named bool
	// Tenant is whose shared values are used: that of the session here, unless
	// the Project says another.
	Tenant string
	// NoFiles is set where an agent is not on this machine: it reads no file.
	NoFiles bool
}

// A File is a workspace file as it was read.
type File struct {
	Path      string // absolute
	Hash      string // hex SHA-256 of its bytes: what trust is bound to
	Backend   Backend
	Server    string
	Providers []byte // extra providers, as JSON for the catalog; nil without any
}

// A Project reaches the files of the project that akos works in.
type Project interface {
	// Locate finds the workspace. An error in the workspace file is Invalid
	// and names the file and line.
	Locate(ctx context.Context) (Site, error)
	// At returns the workspace whose file is in dir.
	At(dir string) (Site, error)
	// Read returns a file that the caller named, of at most limit bytes. With
	// a root, the file must lie in that directory, symlinks resolved, else the
	// error is Denied. A file that can't be read is Invalid.
	Read(root, path string, limit int64) ([]byte, error)
	// Head returns the first n bytes of such a file, so that what may be a
	// gigabyte is only read once it is known to be worth it.
	Head(root, path string, n int) ([]byte, error)
	// Replace puts new in the place of the file's content old, atomically and
	// with the file's mode; no copy of old stays. A file that changed since is
	// a Conflict.
	Replace(root, path string, old, new []byte) error
	// Root returns which of the directories that an agent's client says it
	// works in may be read, and holds path; "" if none. A relative path is in
	// the first one that may.
	Root(dirs []string, path string) string
	// Create writes a new file that only its owner can read; one that exists
	// is a Conflict.
	Create(path string, data []byte) error
	// CheckNew returns the Conflict that Create would return now.
	CheckNew(path string) error
	// Init writes the workspace file of a new workspace into dir. One that
	// exists is a Conflict unless force is set.
	Init(dir, id, name string, backend Backend, force bool) (Site, error)
}

// A FileArg is a file that the caller named.
type FileArg struct {
	Path string
	// Confined is set for a caller that is an agent: the file must lie in the
	// workspace's directory, or in one of Roots that counts.
	Confined bool
	// Roots are the directories that the agent's client says it works in; it
	// is asked after an error that is ErrOutside.
	Roots []string
}

// ErrOutside is the cause of an error of a file that an agent may read only if
// its client works in the file's directory.
var ErrOutside = errors.New("workspace: the file is outside of what an agent may read")

// Outside returns the error for a file that an agent named and may not read,
// whether it is there or not. command is what a person runs with the file.
func Outside(path, command string) error {
	return Errorf(Denied, "%s is neither in the workspace's directory nor in a folder that the client has open. Open its project there, run akos init in it, or let a person read it", path).
		WithHint("%s %s", command, ShellQuote(path)).Because(ErrOutside)
}

// confine returns the directory that a must lie in, or "" for anywhere, and a
// as it is called there. command is what a person runs with the file instead.
func (w *Workspace) confine(site Site, a FileArg, command string) (root string, _ FileArg, err error) {
	if !a.Confined {
		return "", a, nil
	}
	if site.NoFiles {
		return "", a, Errorf(Denied, "this workspace has no directory, so no file can be read for an agent; a person can").
			WithHint("%s %s", command, ShellQuote(a.Path))
	}
	path := a.Path
	if site.Dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(site.Dir, path)
	}
	if root := w.Project.Root(a.Roots, path); root != "" {
		a.Path = path
		return root, a, nil
	}
	if site.Dir == "" {
		return "", a, Outside(a.Path, command)
	}
	return site.Dir, a, nil
}

// trusted returns the site if its file may be used: everything that reads or
// writes secrets goes through here.
func (w *Workspace) trusted(ctx context.Context) (Site, error) {
	site, err := w.locate(ctx)
	switch {
	case err != nil:
	case site.Named:
		err = w.known(ctx, site)
	case site.File != nil:
		var ok bool
		if ok, err = w.isTrusted(ctx, site); err == nil && !ok {
			err = Errorf(Denied, "%s is not trusted yet (or has changed since you trusted it)", site.File.Path).
				WithHint("akos trust %s", ShellQuote(site.Dir))
		}
	}
	if err == nil {
		site.Tenant, err = w.tenant(ctx, site)
	}
	return site, err
}

// locate finds the workspace. One that was chosen by its id is, where a file
// of that id is trusted, what the file says: its settings hold wherever the
// command runs.
func (w *Workspace) locate(ctx context.Context) (Site, error) {
	site, err := w.Project.Locate(ctx)
	if err != nil || !site.Named {
		return site, err
	}
	var paths []string
	if err := w.Store.Read(ctx, func(tx Tx) (err error) { paths, _, err = tx.Known(site.ID); return err }); err != nil {
		return site, err
	}
	for _, path := range paths {
		there, err := w.Project.At(filepath.Dir(path))
		if err != nil || there.ID != site.ID {
			continue // it has moved, or is another's now
		}
		if ok, err := w.isTrusted(ctx, there); err != nil || ok {
			return there, err
		}
	}
	return site, nil
}

func (w *Workspace) isTrusted(ctx context.Context, site Site) (ok bool, err error) {
	err = w.Store.Read(ctx, func(tx Tx) error {
		hash, err := tx.Trust(site.File.Path)
		ok = err == nil && hash == site.File.Hash
		return err
	})
	return ok, err
}

// known returns a NotFound error for a workspace that was chosen by an id that
// nobody ever used: a typing mistake must not make a second, empty vault.
func (w *Workspace) known(ctx context.Context, site Site) error {
	return w.Store.Read(ctx, func(tx Tx) error {
		_, ok, err := tx.Known(site.ID)
		if err == nil && !ok {
			err = Errorf(NotFound, "there is no workspace called %s", site.ID).WithHint("akos init --help")
		}
		return err
	})
}

// CheckText returns an Invalid error unless s is one printable line of at
// most limit bytes that looks like no credential.
func CheckText(s string, limit int) error {
	if err := Refuse(s, "a text"); err != nil {
		return err
	}
	if len(s) > limit || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Errorf(Invalid, "one line of printable text of at most %d bytes is needed", limit)
	}
	return nil
}

// Place returns what --workspace would have to say for a command elsewhere to
// work in the workspace of w; "" for the default workspace.
func (w *Workspace) Place(ctx context.Context) string {
	if w.Choice != "" {
		return w.Choice
	}
	site, _ := w.Project.Locate(ctx) // what is wrong with it is reported elsewhere
	return site.Dir
}

// InWorkspace returns a hint that also works outside of the workspace that
// choice names, as --workspace does.
func InWorkspace(hint, choice string) string {
	if choice == "" || Refuse(choice, "") != nil || !strings.HasPrefix(hint, "akos ") || strings.Contains(hint, " --help") || strings.Contains(hint, " --workspace ") {
		return hint
	}
	for _, p := range []string{"akos init", "akos trust", "akos doctor", "akos help", "akos serve", "akos auth", "akos user", "akos token"} {
		if strings.HasPrefix(hint, p) {
			return hint // they name the directory, or need none
		}
	}
	return hint + " --workspace " + ShellQuote(choice)
}
