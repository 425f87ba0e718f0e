package state

import "github.com/ncruces/go-sqlite3"

// SQLite replays whatever valid log lies beside a database, and nothing in a
// log says which database it was written for. So each transaction that writes
// puts a stamp into the database: a number of its own, and that of the
// transaction before it. A log belongs to a database that has the number from
// which the log starts, or one that the log wrote and that was folded back
// since. A stamp is part of its transaction, so no crash comes between the
// two, and copies of the files have the same ones.

// A mark is the number of a transaction.
type mark [16]byte

// A stamp is what a transaction leaves.
type stamp struct{ now, before mark }

// stamped is the first version of the schema that has stamps.
const stamped = 2

// stampTable is the table with the one row that is the stamp. Its page is the
// application_id of the database: so it is found without SQLite too.
const stampTable = `
CREATE TABLE stamp (now BLOB NOT NULL, before BLOB NOT NULL) STRICT;
INSERT INTO stamp VALUES (zeroblob(16), zeroblob(16));
`

// mark stamps the transaction.
func (t *tx) mark() error { return t.exec(`UPDATE stamp SET before = now, now = randomblob(16)`) }

// marked returns the number of the last transaction.
func (t *tx) marked() (m mark, err error) {
	_, err = t.one(func(s *sqlite3.Stmt) { copy(m[:], s.ColumnRawBlob(0)) }, `SELECT now FROM stamp`)
	return m, err
}

// place notes in the database where the stamp is.
func (t *tx) place() error {
	var page string
	ok, err := t.one(func(s *sqlite3.Stmt) { page = s.ColumnText(0) }, `SELECT rootpage FROM sqlite_schema WHERE name = 'stamp'`)
	if !ok {
		return err
	}
	return t.db.Exec("PRAGMA application_id = " + page)
}

// parseStamp reads the stamp from its page: a leaf with one cell, that is the
// sizes of the row, of its header and of the columns, and then the columns.
// https://sqlite.org/fileformat2.html#b_tree_pages
func parseStamp(page []byte) (s stamp, ok bool) {
	const (
		leaf = "\x0d"
		cell = "\x23\x01\x03\x2c\x2c"
	)
	if len(page) < 512 || string(page[:1]) != leaf || string(page[3:5]) != "\x00\x01" {
		return s, false
	}
	at := int(page[8])<<8 | int(page[9])
	if at+len(cell)+2*len(mark{}) > len(page) || string(page[at:at+len(cell)]) != cell {
		return s, false
	}
	at += len(cell)
	copy(s.now[:], page[at:])
	copy(s.before[:], page[at+len(mark{}):])
	return s, true
}
