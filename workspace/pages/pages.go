// Package pages renders what a person sees in a browser: signing in, a code,
// an approval, the entry of a value, what came of it.
//
// It knows no protocol and keeps nothing. Its invariants: a page works without
// JavaScript and loads nothing from anywhere; every text that somebody else
// wrote is escaped and marked as theirs; no page shows a secret.
package pages

import g "maragu.dev/gomponents"

// A Page is one of the pages below. Each has a file for what it shows.
type Page interface {
	title() g.Node
	main() g.Node
}

// SignIn asks for a name and a password. It posts user, password and next to
// /signin.
type SignIn struct {
	User    string // as typed before
	Next    string // where to go afterwards: a path of this server
	Problem string
}

// SignedIn goes on to Next by itself, as a redirect would. It is there for a
// Next that may redirect to a client: browsers take redirects from one to the
// next as part of the form that began them, and hold them to the form-action
// of its page, which for SignIn is this server alone.
type SignedIn struct {
	User string
	Next string // a path of this server
}

// Setup asks for the first account. It posts user, password and again to the
// one-time path that it was opened under.
type Setup struct {
	User        string // as typed before
	MinPassword int    // how many characters a password needs; 0 says nothing of it
	Problem     string
}

// EnterCode asks for the code that a device shows. It posts user_code to
// /device.
type EnterCode struct {
	Code    string // as typed before, or as it came in the link
	Problem string
}

// Approve asks whether a client may act for the person. It posts transaction,
// tenant and decision ("approve" or "deny") to Action.
type Approve struct {
	Action      string
	Transaction string // which request this is
	Client      string // the client's own name for itself
	Registered  bool   // it registered itself: nobody vouches for its name
	UserCode    string // to compare with what the device shows; "" without one
	From        string // the address that the request came from
	User        string // who is signed in
	Redirect    string // the origin that the answer goes to, which alone it may; "" for a device
	Scopes      []Scope
	Tenants     []string // to choose from: none is chosen before; one is no choice
}

// A Scope is what a client asks for, in words.
type Scope struct {
	Name  string // as in the protocol
	Means string // what it lets the client do, as "Use the secrets of the tenant"
}

// Done says what came of it.
type Done struct {
	Approved bool
	Client   string
	Tenant   string
}

// Entry asks for values that go into the vault. To the one-time path that it
// was opened under it posts, as multipart/form-data, line-N, text-N and file-N
// for the N-th key, or decision ("decline").
type Entry struct {
	Keys      []EntryKey
	Workspace string
	Tenant    string // whose workspaces share it; "" for this workspace alone
	Client    string // the client's own name for itself
	Reason    string // the agent's own words
	Problem   string
}

// An EntryKey is one value that an Entry asks for.
type EntryKey struct {
	Name     string
	Provider string // "" for one that the catalog does not know
	DocsURL  string
	Scopes   []string // the least that the value needs
}

// Entered says what came of an Entry.
type Entered struct {
	Declined bool
	Keys     []string
	Notices  []string // what the person should look at
}

// Problem says what is wrong and what to do.
type Problem struct {
	Title string
	Text  string
	Next  string // a path of this server to go on at; "" for none
	Label string // of the link to Next
}
