package state

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// migrations are the steps from an empty database to the schema of this
// build. The number of steps taken is the database's user_version. A step
// that was released never changes.
//
// Times are Unix milliseconds, lists are JSON. fold is the lower-case form of a
// key, under which it is compared. hash is what is compared with arguments: NULL
// until it is known, empty for a value that is not compared.
var migrations = [...]string{`
CREATE TABLE data_key (
	seq     INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	backend TEXT NOT NULL,
	holder  TEXT NOT NULL,
	params  BLOB NOT NULL,
	wrapped BLOB NOT NULL,
	created INTEGER NOT NULL,
	lost    INTEGER NOT NULL DEFAULT 0,
	retired INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX data_key_current ON data_key(backend) WHERE retired = 0;

CREATE TABLE secret (
	id      INTEGER PRIMARY KEY,
	scope   TEXT NOT NULL,
	owner   TEXT NOT NULL,
	fold    TEXT NOT NULL,
	key     TEXT NOT NULL,
	version  INTEGER NOT NULL,
	data_key TEXT NOT NULL REFERENCES data_key(id),
	updated  INTEGER NOT NULL,
	UNIQUE (scope, owner, fold)
) STRICT;
CREATE TABLE value (
	secret   INTEGER NOT NULL REFERENCES secret(id) ON DELETE CASCADE,
	version  INTEGER NOT NULL,
	data_key TEXT NOT NULL REFERENCES data_key(id),
	created  INTEGER NOT NULL,
	box      BLOB NOT NULL,
	PRIMARY KEY (secret, version)
) STRICT;

CREATE TABLE connection (
	id        TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	tenant    TEXT NOT NULL,
	name      TEXT NOT NULL COLLATE NOCASE,
	kind      TEXT NOT NULL,
	config    TEXT NOT NULL,
	created   INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	UNIQUE (workspace, name)
) STRICT;
CREATE TABLE connection_key (
	connection TEXT NOT NULL REFERENCES connection(id) ON DELETE CASCADE,
	place      INTEGER NOT NULL,
	field      TEXT NOT NULL,
	fold       TEXT NOT NULL,
	key        TEXT NOT NULL,
	PRIMARY KEY (connection, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX connection_key_fold ON connection_key(fold);

CREATE TABLE trust (
	path      TEXT PRIMARY KEY,
	hash      TEXT NOT NULL,
	workspace TEXT NOT NULL,
	at        INTEGER NOT NULL
) STRICT;
CREATE INDEX trust_workspace ON trust(workspace);

CREATE TABLE audit (
	id        INTEGER PRIMARY KEY,
	at        INTEGER NOT NULL,
	actor     TEXT NOT NULL,
	op        TEXT NOT NULL,
	workspace TEXT NOT NULL,
	scope     TEXT NOT NULL,
	subject   TEXT NOT NULL,
	detail    TEXT NOT NULL
) STRICT;
`, `
CREATE TABLE session (
	server    TEXT PRIMARY KEY,
	issuer    TEXT NOT NULL,
	own       INTEGER NOT NULL,
	client    TEXT NOT NULL,
	user      TEXT NOT NULL,
	tenant    TEXT NOT NULL,
	tenants   TEXT NOT NULL,
	scopes    TEXT NOT NULL,
	expires   INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	data_key  TEXT NOT NULL REFERENCES data_key(id),
	box       BLOB NOT NULL
) STRICT;

CREATE TABLE account (
	id       TEXT PRIMARY KEY,
	password TEXT NOT NULL,
	failures INTEGER NOT NULL,
	locked   INTEGER NOT NULL,
	created  INTEGER NOT NULL
) STRICT;
CREATE TABLE member (
	user   TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	tenant TEXT NOT NULL,
	role   TEXT NOT NULL,
	PRIMARY KEY (tenant, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_user ON member(user);

CREATE TABLE token (
	hash     TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	id       TEXT NOT NULL,
	name     TEXT NOT NULL,
	family   TEXT NOT NULL,
	client   TEXT NOT NULL,
	user     TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	tenant   TEXT NOT NULL,
	scopes   TEXT NOT NULL,
	audience TEXT NOT NULL,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	used     INTEGER NOT NULL
) STRICT;
CREATE INDEX token_family ON token(family);
CREATE INDEX token_expires ON token(expires);
CREATE INDEX token_user ON token(user);
CREATE INDEX token_client ON token(client);

CREATE TABLE client (
	id        TEXT PRIMARY KEY,
	name      TEXT NOT NULL,
	redirects TEXT NOT NULL,
	created   INTEGER NOT NULL
) STRICT;
` + stampTable, `
ALTER TABLE value ADD COLUMN hash BLOB;
CREATE INDEX value_hash ON value(hash, secret, version) WHERE hash > x'';
CREATE INDEX value_unhashed ON value(data_key) WHERE hash IS NULL;
`}

func (t *tx) version() (v int, err error) {
	_, err = t.one(func(s *sqlite3.Stmt) { v = s.ColumnInt(0) }, `PRAGMA user_version`)
	return v, err
}

// migrate takes the steps that c has not taken, all or none.
func migrate(ctx context.Context, c *conn) error {
	return c.within(ctx, beginWrite, func(t *tx) error {
		v, err := t.version() // again: another process may have been first
		if err != nil || v >= len(migrations) {
			return err
		}
		t.changed = true
		for ; v < len(migrations); v++ {
			if err := c.db.Exec(migrations[v]); err != nil {
				return err
			}
		}
		if err := t.place(); err != nil {
			return err
		}
		return c.db.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, v))
	})
}
