package workspace

import (
	"context"
	"time"
)

// A Store is the index of everything that akos knows: keys and their sealed
// values, connections, trust, sessions, the accounts and tokens of its
// authorization server, audit.
type Store interface {
	// Read runs fn on one consistent snapshot.
	Read(ctx context.Context, fn func(Tx) error) error
	// Write runs fn alone; all that it did is on disk when Write returns nil,
	// and nothing of it otherwise.
	Write(ctx context.Context, fn func(Tx) error) error
	// Version returns a number that is the same as before only if nothing was
	// committed since, by this process or another: what was read after one
	// call is still so while the next ones return the same.
	Version(ctx context.Context) (int64, error)
	// Alone runs fn while nobody else, in this process or another, is in Alone
	// with the same name. It takes no lock of Read and Write.
	Alone(ctx context.Context, name string, fn func() error) error
	// Made reports whether there is a state. One that was never made reads as
	// empty, and so does one that was taken away.
	Made(ctx context.Context) (bool, error)
	// Check looks whether the state is whole and private, and says where it is.
	Check(ctx context.Context) (detail string, err error)
}

// A Tx is what can be asked of a Store within Read or Write.
type Tx interface {
	SecretTx
	DataKeyTx
	ConnectionTx
	PlaceTx
	SessionTx
	AccountTx
	TokenTx
	ClientTx
	// Audit notes an act in the same transaction: without the note, no act.
	Audit(Event) error
}

// SecretTx keeps keys and their sealed values, a few versions of each.
type SecretTx interface {
	// Keys returns the keys of the workspace, of the tenant, or (a scope of
	// "") of both, by name and then scope.
	Keys(workspace, tenant string, scope Scope) ([]KeyInfo, error)
	// Secret returns the given version of a key, or the current one for 0.
	// ok is false if there is none.
	Secret(ref Ref, version int) (s Sealed, ok bool, err error)
	// Versions returns the kept versions of a key, newest first.
	Versions(ref Ref) ([]Version, error)
	// PutSecret makes s the current version and forgets all but the newest
	// KeepVersions.
	PutSecret(s Sealed) error
	// DeleteSecret forgets the key and all its versions.
	DeleteSecret(ref Ref) error
	// Hashes returns the values of the workspace and of the tenant whose hash
	// begins with start, with nothing but their Ref, Version and Hash.
	Hashes(workspace, tenant string, start []byte) ([]Sealed, error)
	// Unhashed returns some of the values under a data key that have no hash,
	// or one made with another key than that called id.
	Unhashed(dataKey string, id []byte) ([]Sealed, error)
	// SetHash notes the hash of a value; an empty one says that it is to have
	// none.
	SetHash(ref Ref, version int, hash []byte) error
}

// KeepVersions is how many versions of a value are kept.
const KeepVersions = 10

// A Sealed is one version of one value, as it is stored.
type Sealed struct {
	Ref     Ref // with the key in the spelling it was first stored under
	Version int // counts from 1
	DataKey string
	Box     []byte
	Hash    []byte // of a Hasher; empty for a value that has none, nil until it is known
	Created time.Time
}

// A KeyInfo is what may be told of a key.
type KeyInfo struct {
	Key       string
	Scope     Scope
	Owner     string
	DataKey   string
	UpdatedAt time.Time
	UsedBy    []string // connections, by name; those of another workspace as workspace/name
}

// A Version is what may be told of one version of a value.
type Version struct {
	Version   int
	DataKey   string
	CreatedAt time.Time
}

// DataKeyTx keeps wrapped data keys.
type DataKeyTx interface {
	// DataKeys returns every data key, the current ones of each backend
	// first, in the order of their creation.
	DataKeys() ([]DataKey, error)
	// AddDataKey makes k the current data key of its backend. If another is
	// current and not retired by Retire, the error is a Conflict.
	AddDataKey(k DataKey) error
	// MarkDataKey notes when the holder was found without the KEK; the zero
	// time takes the note back.
	MarkDataKey(id string, lost time.Time) error
	// RetireDataKey makes room for a new current data key; the values under
	// the old one stay.
	RetireDataKey(id string) error
}

// ConnectionTx keeps connections.
type ConnectionTx interface {
	// Connections returns the connections of a workspace by name, or the one
	// called name unless that is "".
	Connections(workspace, tenant, name string) ([]Connection, error)
	// AddConnection adds c. A name in use is a Conflict.
	AddConnection(workspace, tenant string, c Connection) error
	// DeleteConnection forgets a connection; ok is false if there is none.
	DeleteConnection(workspace, name string) (ok bool, err error)
}

// PlaceTx keeps known workspaces and trusted workspace files.
type PlaceTx interface {
	// Trust returns the hash that path is trusted with, or "".
	Trust(path string) (hash string, err error)
	// SetTrust trusts path with hash, for a workspace that is known from then on.
	SetTrust(path, hash, workspace string, at time.Time) error
	// Known returns the trusted files of a workspace; ok is false if the
	// workspace was never used.
	Known(workspace string) (paths []string, ok bool, err error)
}

// An Event is one line of the audit: names only.
type Event struct {
	At        time.Time
	Actor     string
	Op        string
	Workspace string
	Scope     Scope
	Subject   string
	Detail    string
}
