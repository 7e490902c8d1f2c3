// Package dump writes a ledger as JSON Lines and loads it again, for moving it and for other
// programs. A dump is a header, the rows in the order in which they were recorded, and, if asked for, the log.
//
//	{"fanmill":"ledger","format":1,"features":9,"seq":7,"rows":2,"log":true,"ops":7}
//	{"row":{"id":1,"scope":"","digest":"5f..","class":"ham",...,"features":"..","grams":null,"message":".."}}
//	{"op":{"seq":1,"time":"..","actor":"anna","source":"train","kind":"learn","row":1,...}}
//
// seq is the number of the last op. features, grams and message are base64: 8 bytes
// for each feature, little endian, ascending; grams as package pack writes them; the
// canonical message as it is; null where the ledger keeps none. The other fields are
// those of the tables (see package ledger). Numbers are written so that they read
// back to the same bits, so the dump of a ledger that was loaded from a dump is the
// same, byte for byte.
package dump

import (
	"time"

	"fanmill/store/ledger"
)

// format is the version of the format.
const format = 1

// Header is the first line of a dump.
type Header struct {
	Fanmill  string `json:"fanmill"` // "ledger"
	Format   int    `json:"format"`
	Features int    `json:"features"` // classify.FeatureVersion
	Seq      int64  `json:"seq"`
	Rows     int64  `json:"rows"`
	Log      bool   `json:"log"`
	Ops      int64  `json:"ops"`
}

// record is any other line: one of the two is set.
type record struct {
	Row *rowLine `json:"row,omitempty"`
	Op  *opLine  `json:"op,omitempty"`
}

type rowLine struct {
	ID       int64          `json:"id"`
	Scope    string         `json:"scope"`
	Digest   string         `json:"digest"`
	Class    string         `json:"class"`
	Adds     int64          `json:"adds"`
	Step     int64          `json:"step"`
	Sure     bool           `json:"sure"`
	ScoreC   float64        `json:"score_c"`
	ScoreE   float64        `json:"score_e"`
	ScoreL   float64        `json:"score_l"`
	LogOdds  float64        `json:"log_odds"`
	Time     time.Time      `json:"time"`
	Source   string         `json:"source"`
	Complete bool           `json:"complete"`
	Waits    ledger.Waiting `json:"waits"`
	Judged   int64          `json:"judged"`
	Features []byte         `json:"features"`
	Grams    []byte         `json:"grams"`
	Message  []byte         `json:"message"`
}

type opLine struct {
	Seq    int64     `json:"seq"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Source string    `json:"source"`
	Kind   string    `json:"kind"`
	Row    int64     `json:"row"`
	Scope  string    `json:"scope"`
	Before markField `json:"before"`
	After  markField `json:"after"`
	Undoes int64     `json:"undoes,omitempty"`
	Was    *wasField `json:"was,omitempty"`
}

type markField struct {
	Class string `json:"class"`
	Adds  int64  `json:"adds"`
	Step  int64  `json:"step"`
	Sure  bool   `json:"sure"`
	Waits bool   `json:"waits"`
}

type wasField struct {
	ScoreC  float64   `json:"score_c"`
	ScoreE  float64   `json:"score_e"`
	ScoreL  float64   `json:"score_l"`
	LogOdds float64   `json:"log_odds"`
	Judged  int64     `json:"judged"`
	Time    time.Time `json:"time"`
	Source  string    `json:"source"`
}
