-- The state that schema 2 (akos 0.1) leaves behind. It never changes.
PRAGMA journal_mode = WAL;
BEGIN;
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

CREATE TABLE stamp (now BLOB NOT NULL, before BLOB NOT NULL) STRICT;
INSERT INTO stamp VALUES (X'00112233445566778899AABBCCDDEEFF', zeroblob(16));

INSERT INTO data_key VALUES
	(1, 'd1', 'file', 'identity', X'', X'01', 1700000001000, 1700000001500, 1),
	(2, 'd2', 'file', 'identity', X'', X'0102', 1700000002000, 0, 0),
	(3, 'd3', 'os-keychain', 'os-keychain', X'09', X'03', 1700000003000, 1700000004000, 0);
INSERT INTO secret VALUES
	(1, 'workspace', 'shop', 'api_key', 'API_KEY', 2, 'd2', 1700000008000),
	(2, 'tenant', 'local', 'api_key', 'Api_Key', 1, 'd3', 1700000009000);
INSERT INTO value VALUES
	(1, 1, 'd1', 1700000007000, X'AA00BB'),
	(1, 2, 'd2', 1700000008000, X'CC'),
	(2, 1, 'd3', 1700000009000, X'DD');
INSERT INTO connection VALUES
	('conn_1', 'shop', 'local', 'hub', 'github', '{"org":"acme"}', 1700000010000, 1700000011000),
	('conn_2', 'other', 'local', 'hub', 'github', '{}', 1700000010000, 1700000011000);
INSERT INTO connection_key VALUES
	('conn_1', 0, 'token', 'api_key', 'API_KEY'),
	('conn_2', 0, 'token', 'api_key', 'API_KEY');
INSERT INTO trust VALUES ('/p/akos.config.yaml', 'abc', 'shop', 1700000012000);
INSERT INTO audit VALUES (1, 1700000008000, 'cli', 'vault.put', 'shop', 'workspace', 'API_KEY', 'version 2');
INSERT INTO session VALUES ('http://127.0.0.1:7717', 'http://127.0.0.1:7717', 1, 'akos-cli', 'ada', 'local', '["local"]', '["cli"]', 1700000013000, 1700000012000, 'd2', X'EE');
PRAGMA application_id = 34; -- the page of the stamp
PRAGMA user_version = 2;
COMMIT;
