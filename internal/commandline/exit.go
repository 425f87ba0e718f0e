// Package commandline is what the command lines of both programs have in
// common: what they exit with, and what they say of a flag that is wrong.
//
// Its invariant: of what somebody typed it repeats a short word in lower case
// at most.
package commandline

import (
	"fmt"
	"strings"

	"example.com/akos/workspace"
)

// A Code is an exit code. The numbers never move and are never reused:
// scripts depend on them.
type Code int

// The exit codes.
const (
	Done               Code = 0
	Internal           Code = 1
	Invalid            Code = 2
	NotFound           Code = 3
	LoginNeeded        Code = 4
	Denied             Code = 5
	Conflict           Code = 6
	CredentialsMissing Code = 7
	Unavailable        Code = 8
	HumanNeeded        Code = 9
	Canceled           Code = 130
)

// exits is the table of the exit codes: the one place that maps a kind of
// error to a code, and the text of `akos help exit-codes`.
var exits = [...]struct {
	code    Code
	kind    workspace.Kind
	meaning string
}{
	{Internal, workspace.Internal, "a bug or an unforeseen failure; the details are only in the log (--verbose)"},
	{Invalid, workspace.Invalid, "unknown command or flag, a bad argument, a file that you named and that can't be read or parsed"},
	{NotFound, workspace.NotFound, "there is no such key, connection, tenant, workspace"},
	{LoginNeeded, workspace.LoginNeeded, "no session, or it has ended and can't be refreshed"},
	{Denied, workspace.Denied, "refused: the user denied it, policy, wrong tenant, an untrusted workspace file"},
	{Conflict, workspace.Conflict, "it exists already, or something still uses it"},
	{CredentialsMissing, workspace.CredentialsMissing, "a required credential is missing"},
	{Unavailable, workspace.Unavailable, "sidecar, keychain, identity provider or network can't be reached; try again"},
	{HumanNeeded, workspace.HumanNeeded, "a person must act and there is no terminal to ask on"},
	{Canceled, workspace.Canceled, "interrupted"},
}

// Of returns the code of a kind.
func Of(k workspace.Kind) Code {
	for _, e := range exits {
		if e.kind == k {
			return e.code
		}
	}
	return Internal
}

// Codes returns the text of `akos help exit-codes`.
func Codes() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The exit codes of akos and akos-mcp. They never change their meaning.\n\n%4d  %-20s %s\n", Done, "-", "done")
	for _, e := range exits {
		fmt.Fprintf(&b, "%4d  %-20s %s\n", e.code, e.kind, e.meaning)
	}
	return b.String()
}
