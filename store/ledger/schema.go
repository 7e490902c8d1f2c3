package ledger

import (
	"fmt"

	"fanmill/store/sqlite"
)

// Names of the files in the data directory.
const (
	FileName     = "fanmill.db"
	SnapshotName = "model.snap" // of the site's model
)

// Schema is the layout of the ledger's file.
//
// What a decision took from a row that was there before (table was) is kept beside the
// log, so that undo brings it back bit for bit.
//
// The state of the rows, what is kept of their messages, and their lists lie in three
// tables: labels are read, flipped and forgotten by the thousand, and lists come and go.
// So that touches some hundred pages where it would rewrite all the mail.
var Schema = sqlite.Schema{
	What: "ledger", AppID: 0x66616e6c, Version: 3, Model: true, KeepOlder: true,
	Once: []string{fmt.Sprintf("page_size=%d", PageSize), "auto_vacuum=INCREMENTAL"},
	DDL: `
CREATE TABLE msg (
	id INTEGER PRIMARY KEY,
	scope TEXT NOT NULL,
	digest BLOB NOT NULL,
	class INTEGER NOT NULL,
	adds INTEGER NOT NULL,
	step INTEGER NOT NULL,
	sure INTEGER NOT NULL,
	score_c REAL NOT NULL,
	score_e REAL NOT NULL,
	score_l REAL NOT NULL,
	log_odds REAL NOT NULL,
	time INTEGER NOT NULL,
	source TEXT NOT NULL,
	complete INTEGER NOT NULL,
	waits INTEGER NOT NULL,
	judged INTEGER NOT NULL,
	UNIQUE (scope, digest)
) STRICT;
CREATE INDEX msg_scope ON msg (scope);
CREATE INDEX msg_waits ON msg (scope, digest) WHERE waits;
CREATE INDEX msg_judged ON msg (scope, judged) WHERE class <> 0 AND NOT waits;
CREATE INDEX msg_unlabelled ON msg (time) WHERE class = 0;
CREATE TABLE body (
	id INTEGER PRIMARY KEY,
	message BLOB NOT NULL
) STRICT;` + listsDDL + `
CREATE TABLE op (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	time INTEGER NOT NULL,
	actor TEXT NOT NULL,
	source TEXT NOT NULL,
	kind INTEGER NOT NULL,
	row INTEGER NOT NULL,
	scope TEXT NOT NULL,
	class_before INTEGER NOT NULL,
	adds_before INTEGER NOT NULL,
	step_before INTEGER NOT NULL,
	sure_before INTEGER NOT NULL,
	waits_before INTEGER NOT NULL,
	class_after INTEGER NOT NULL,
	adds_after INTEGER NOT NULL,
	step_after INTEGER NOT NULL,
	sure_after INTEGER NOT NULL,
	waits_after INTEGER NOT NULL,
	undoes INTEGER
) STRICT;` + wasDDL,
	Upgrade: []string{
		"ALTER TABLE op ADD COLUMN undoes INTEGER; CREATE INDEX msg_unlabelled ON msg (time) WHERE class = 0;" + wasDDL,
		listsDDL + `
INSERT INTO lists SELECT id, features, grams FROM body WHERE features IS NOT NULL OR grams IS NOT NULL;
ALTER TABLE body RENAME TO whole;
CREATE TABLE body (id INTEGER PRIMARY KEY, message BLOB NOT NULL) STRICT;
INSERT INTO body SELECT id, message FROM whole WHERE message IS NOT NULL;
DROP TABLE whole;
UPDATE msg SET waits = 3 WHERE waits = 1;`,
	},
}

// PageSize is that of a ledger's file. SQLite's own is 4096, and most lists, and many
// messages, take more than half of that (docs/performance.md).
const PageSize = 16 << 10

const listsDDL = `
CREATE TABLE lists (
	id INTEGER PRIMARY KEY,
	features BLOB,
	grams BLOB
) STRICT;`

const wasDDL = `
CREATE TABLE was (
	op INTEGER PRIMARY KEY,
	score_c REAL NOT NULL,
	score_e REAL NOT NULL,
	score_l REAL NOT NULL,
	log_odds REAL NOT NULL,
	judged INTEGER NOT NULL,
	time INTEGER NOT NULL,
	source TEXT NOT NULL
) STRICT;`
