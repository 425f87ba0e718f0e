package state

import (
	"errors"
	"time"

	"example.com/akos/workspace"
)

// empty answers for a home that has no state yet, so that looking makes none.
type empty struct{}

var errReadOnly = errors.New("state: a write within Read")

func (empty) Keys(string, string, workspace.Scope) ([]workspace.KeyInfo, error) { return nil, nil }
func (empty) Versions(workspace.Ref) ([]workspace.Version, error)               { return nil, nil }
func (empty) DataKeys() ([]workspace.DataKey, error)                            { return nil, nil }
func (empty) Trust(string) (string, error)                                      { return "", nil }
func (empty) Known(string) ([]string, bool, error)                              { return nil, false, nil }
func (empty) Secret(workspace.Ref, int) (workspace.Sealed, bool, error) {
	return workspace.Sealed{}, false, nil
}
func (empty) Connections(string, string, string) ([]workspace.Connection, error) { return nil, nil }
func (empty) Hashes(string, string, []byte) ([]workspace.Sealed, error)          { return nil, nil }
func (empty) Unhashed(string, []byte) ([]workspace.Sealed, error)                { return nil, nil }

func (empty) SetHash(workspace.Ref, int, []byte) error                  { return errReadOnly }
func (empty) PutSecret(workspace.Sealed) error                          { return errReadOnly }
func (empty) DeleteSecret(workspace.Ref) error                          { return errReadOnly }
func (empty) AddDataKey(workspace.DataKey) error                        { return errReadOnly }
func (empty) MarkDataKey(string, time.Time) error                       { return errReadOnly }
func (empty) RetireDataKey(string) error                                { return errReadOnly }
func (empty) AddConnection(string, string, workspace.Connection) error  { return errReadOnly }
func (empty) DeleteConnection(string, string) (bool, error)             { return false, errReadOnly }
func (empty) SetTrust(path, hash, workspace string, at time.Time) error { return errReadOnly }
func (empty) Audit(workspace.Event) error                               { return errReadOnly }

func (empty) Session(string) (workspace.SealedSession, bool, error) {
	return workspace.SealedSession{}, false, nil
}
func (empty) Sessions() ([]workspace.SealedSession, error)            { return nil, nil }
func (empty) PutSession(workspace.SealedSession) error                { return errReadOnly }
func (empty) DeleteSession(string) error                              { return errReadOnly }
func (empty) Users(string) ([]workspace.User, error)                  { return nil, nil }
func (empty) PutUser(workspace.User) error                            { return errReadOnly }
func (empty) DeleteUser(string) (bool, error)                         { return false, errReadOnly }
func (empty) Members(user, tenant string) ([]workspace.Member, error) { return nil, nil }
func (empty) PutMember(workspace.Member) error                        { return errReadOnly }
func (empty) Token(string) (workspace.Token, bool, error)             { return workspace.Token{}, false, nil }
func (empty) AddToken(workspace.Token) error                          { return errReadOnly }
func (empty) UseToken(string, time.Time) error                        { return errReadOnly }
func (empty) Tokens(string) ([]workspace.Token, error)                { return nil, nil }
func (empty) DeleteTokens(string) (int, error)                        { return 0, errReadOnly }
func (empty) DeleteLogins(string) error                               { return errReadOnly }
func (empty) PruneTokens(time.Time) error                             { return errReadOnly }
func (empty) Client(string) (workspace.Client, bool, error)           { return workspace.Client{}, false, nil }
func (empty) AddClient(workspace.Client) error                        { return errReadOnly }
func (empty) Clients() (int, error)                                   { return 0, nil }
func (empty) PruneClients(time.Time) error                            { return errReadOnly }
