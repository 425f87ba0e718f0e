package workspace

import (
	"context"
	"errors"
	"fmt"
)

// A Kind is the class of an error: what the caller can do about it. Each face
// maps it in one place: to an exit code, to _meta["akos/kind"], to an HTTP
// status.
type Kind uint8

// The kinds. Their numbers may move; their names are the contract.
const (
	Internal           Kind = iota // a bug or an unforeseen failure: details only in the log
	Invalid                        // the request is malformed: change it
	NotFound                       // there is no such thing: list first
	LoginNeeded                    // no usable session: a person must log in
	Denied                         // refused by the user, by policy, by missing trust
	Conflict                       // it exists already, or something still uses it
	CredentialsMissing             // a required credential is not there
	Unavailable                    // a keychain, disk, server or network can't be reached now
	HumanNeeded                    // a person must act and there is nobody to ask
	Canceled                       // the caller gave up
	numKinds
)

var kindNames = [numKinds]string{
	"internal", "invalid", "not_found", "login_needed", "denied", "conflict",
	"credentials_missing", "unavailable", "human_needed", "canceled",
}

// String returns the name of k in the contract, such as "not_found".
func (k Kind) String() string { return kindNames[k] }

// Kinds returns every kind.
func Kinds() []Kind {
	ks := make([]Kind, numKinds)
	for i := range ks {
		ks[i] = Kind(i)
	}
	return ks
}

// An Error is a failure that a person or an agent can act on.
// Msg and Hint are shown to whoever called; Err goes to the log and nowhere
// else, so it may hold a path, but like everything it never holds a value.
type Error struct {
	Kind Kind
	Msg  string // lower case, no final period; names the thing and the limit
	Hint string // the command to run next; works when pasted
	Err  error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.Err)
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of kind k.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// WithHint sets the hint of e and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Because sets the cause that only the log sees and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Explain returns what may be shown of err. An error that is not an [Error]
// becomes Internal and keeps its text to itself.
func Explain(err error) Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return Error{Kind: e.Kind, Msg: e.Msg, Hint: e.Hint}
	}
	if errors.Is(err, context.Canceled) {
		return Error{Kind: Canceled, Msg: "canceled"}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Error{Kind: Unavailable, Msg: "it took too long"}
	}
	return Error{Kind: Internal, Msg: "internal error"}
}
