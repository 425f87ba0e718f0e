package cli

import (
	"fmt"
	"strings"

	"example.com/akos/workspace"
)

// A code is an exit code. The numbers never move and are never reused:
// scripts depend on them.
type code int

const (
	done               code = 0
	internalError      code = 1
	invalid            code = 2
	notFound           code = 3
	loginNeeded        code = 4
	denied             code = 5
	conflict           code = 6
	credentialsMissing code = 7
	unavailable        code = 8
	humanNeeded        code = 9
	canceled           code = 130
)

// exits is the table of the exit codes: the one place that maps a kind of
// error to a code, and the text of `akos help exit-codes`.
var exits = [...]struct {
	code    code
	kind    workspace.Kind
	meaning string
}{
	{internalError, workspace.Internal, "a bug or an unforeseen failure; the details are only in the log (--verbose)"},
	{invalid, workspace.Invalid, "unknown command or flag, a bad argument, a file that you named and that can't be read or parsed"},
	{notFound, workspace.NotFound, "there is no such key, connection, tenant, workspace"},
	{loginNeeded, workspace.LoginNeeded, "no session, or it has ended and can't be refreshed"},
	{denied, workspace.Denied, "refused: the user denied it, policy, wrong tenant, an untrusted workspace file"},
	{conflict, workspace.Conflict, "it exists already, or something still uses it"},
	{credentialsMissing, workspace.CredentialsMissing, "a required credential is missing"},
	{unavailable, workspace.Unavailable, "sidecar, keychain, identity provider or network can't be reached; try again"},
	{humanNeeded, workspace.HumanNeeded, "a person must act and there is no terminal to ask on"},
	{canceled, workspace.Canceled, "interrupted"},
}

// exitCode returns the code of a kind.
func exitCode(k workspace.Kind) code {
	for _, e := range exits {
		if e.kind == k {
			return e.code
		}
	}
	return internalError
}

func exitCodeHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The exit codes of akos. They never change their meaning.\n\n%4d  %-20s %s\n", done, "-", "done")
	for _, e := range exits {
		fmt.Fprintf(&b, "%4d  %-20s %s\n", e.code, e.kind, e.meaning)
	}
	return b.String()
}
