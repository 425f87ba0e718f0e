// Package clientconfig writes the entry that starts akos-mcp into the
// configuration files of MCP clients, or renders it for pasting.
//
// It knows where each client keeps its file and how an entry looks there. Of
// what akos-mcp does with its arguments and variables it knows only how a
// workspace is pinned, and it has nothing to do with secrets: whoever calls it
// hands it none.
//
// Its invariant: whatever was in a file stays in it. Of another program's file
// only the command and type of the akos entry are ours, in its args the
// workspace if the caller pins one, and in its env the variables that the
// caller names; the rest keeps its bytes, comments and
// order, the file is replaced as a whole or not at all, and what it was before
// is in a backup. File content is in no error, for these files hold other
// people's secrets.
package clientconfig

import (
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// serverName is the name of our entry in every client.
const serverName = "akos"

// maxFile is the largest file that is edited, in bytes. ~/.claude.json, which
// keeps its client's history, reaches tens of megabytes.
const maxFile = 64 << 20

// Files are the configuration files of one person on one machine. Everything
// that this package asks of its surroundings comes in here.
type Files struct {
	GOOS      string // as runtime.GOOS
	Home      string // the home directory; absolute
	LookupEnv func(string) (string, bool)
	Now       func() time.Time // for the names of backups
	// Refuse returns an Invalid error if one of the texts is a credential.
	Refuse func(texts ...string) error
}

// An Entry is how a client starts akos-mcp.
type Entry struct {
	Command   string     // absolute path of akos-mcp
	Workspace string     // that it opens; if empty, what its arguments or the directory say
	Env       []Variable // its variables, in order; nothing secret
}

// A Variable is one of the environment of akos-mcp. One without a value is not
// added; where an entry has it already it becomes empty, so that what an
// earlier shell had set does not count any more.
type Variable struct{ Name, Value string }

// set returns the variables that have a value.
func (e Entry) set() []Variable {
	var set []Variable
	for _, v := range e.Env {
		if v.Value != "" {
			set = append(set, v)
		}
	}
	return set
}

// Written is what Write did.
type Written struct {
	Path    string `json:"path"`             // the client's file
	Backup  string `json:"backup,omitempty"` // the copy of the file as it was; empty if there was none or nothing changed
	Changed bool   `json:"changed"`          // false if the entry stood there already, as it is now
	Updated bool   `json:"updated"`          // changed, and there was an entry before

	Workspace string `json:"workspace,omitempty"` // that the arguments of the entry pin, as they are now
}

// Clients returns the names of all clients in the order of the documentation.
func Clients() []string {
	var names []string
	for _, c := range clients() {
		names = append(names, c.name)
	}
	return names
}

// Render returns the entry as a complete file of the client, for a person to
// paste. An unknown client is Invalid.
func (h Files) Render(client string, e Entry) (string, error) {
	c, err := h.find(client, e)
	if err != nil {
		return "", err
	}
	text, _, refused := c.merge(nil, c, e)
	if refused != nil {
		return "", refused.in("a new file", c)
	}
	return string(text), nil
}

// Write merges the entry into the client's own file. An unknown client, one
// without a file and a file that can't be edited safely are Invalid, an entry
// of another kind or a file that changes meanwhile is a Conflict, a disk that
// refuses is Unavailable; in each case the file is as it was.
func (h Files) Write(client string, e Entry) (Written, error) {
	c, err := h.find(client, e)
	if err != nil {
		return Written{}, err
	}
	if c.path == nil {
		return Written{}, workspace.Errorf(workspace.Invalid, "client %s has no file to write: paste the entry instead", client).
			WithHint("akos mcp config --client %s", client)
	}
	path, err := c.path(h)
	if err != nil {
		return Written{}, err
	}
	var was found
	done, err := h.rewrite(path, func(old []byte) ([]byte, error) {
		text, there, refused := c.merge(old, c, e)
		if refused != nil {
			return nil, refused.in(path, c)
		}
		// Every program can read the arguments of another, and they are told of.
		if err := h.Refuse(there.args...); workspace.Explain(err).Kind == workspace.Invalid {
			return nil, refuse(0, "an argument of the entry "+serverName+" looks like a credential, which every program here can read: rotate it at its provider").in(path, c)
		} else if err != nil {
			return nil, err
		}
		was = there
		return text, nil
	})
	if err == nil {
		done.Updated = done.Changed && was.entry
		done.Workspace = opened(e.pinned(was.args))
	}
	return done, err
}

func (h Files) find(name string, e Entry) (client, error) {
	for _, c := range clients() {
		if c.name == name {
			return c, h.check(e)
		}
	}
	return client{}, workspace.Errorf(workspace.Invalid, "there is no such client; the clients are %s", strings.Join(Clients(), ", "))
}

// check refuses what a client could not start or what its file could not
// hold.
func (h Files) check(e Entry) error {
	if !h.absolute(e.Command) {
		return workspace.Errorf(workspace.Invalid, "the command of an entry is an absolute path")
	}
	texts := []string{e.Command, e.Workspace}
	for _, v := range e.Env {
		texts = append(texts, v.Value)
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return workspace.Errorf(workspace.Invalid, "a path, argument or variable is not UTF-8 text, which a client's file can't hold")
		}
	}
	return nil
}

// absolute is filepath.IsAbs for the system of h.
func (h Files) absolute(path string) bool {
	if h.GOOS != "windows" {
		return strings.HasPrefix(path, "/")
	}
	drive := len(path) > 2 && path[1] == ':' && strings.ContainsRune(`\/`, rune(path[2]))
	return drive || strings.HasPrefix(path, `\\`)
}

// env returns the directory that a variable names. Clients take an empty one
// as unset; a relative one would mean another file in each directory.
func (h Files) env(name string) (dir string, set bool, err error) {
	dir, _ = h.LookupEnv(name)
	if dir != "" && !filepath.IsAbs(dir) {
		return "", false, workspace.Errorf(workspace.Invalid, "%s is not an absolute path", name)
	}
	return dir, dir != "", nil
}
