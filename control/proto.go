package control

import (
	"context"
	"io"
	"time"

	"fanmill/spool"
	"fanmill/store/query"
	"fanmill/training"
)

// SocketName is the socket's name in the data directory.
const SocketName = "control.sock"

// ScoreRequest says how to score the message that follows it.
type ScoreRequest struct {
	Scope   string // "" is the site
	Clues   int    // how many of the strongest clues to give, 0..MaxClues; with 0 nothing is explained
	Sources int    // for each clue, how many of the newest messages it was learned from to give, 0..MaxSources
	Path    string // what the caller calls the message; only given back
}

// ScoreReply is the opinion of one message.
type ScoreReply struct {
	Path        string       `json:"path,omitempty"`
	Verdict     string       `json:"verdict"` // ham, unsure, spam
	Score       float64      `json:"score"`   // 0..1
	LogOdds     float64      `json:"log_odds"`
	Digest      string       `json:"digest"`
	Size        int64        `json:"size"`
	Scope       string       `json:"scope,omitempty"`
	Explanation *Explanation `json:"explanation,omitempty"`
	Clues       []Clue       `json:"clues,omitempty"` // the strongest first
}

// Explanation says where the log-odds of a score come from; held messages keep theirs.
type Explanation = spool.Explanation

// Piece is a word that the linear part reads.
type Piece = spool.Piece

// Clue is one feature that moved a score. Texts come from the message: hostile.
type Clue struct {
	Text     string   `json:"text"`
	Place    string   `json:"place,omitempty"` // where in the message it stood first
	Prob     float64  `json:"prob"`            // 0 ham .. 1 spam
	Strength float64  `json:"strength"`        // how far from 1/2 that is
	Ham      uint32   `json:"ham"`             // messages that count and hold it
	Spam     uint32   `json:"spam"`
	Sources  []Source `json:"sources,omitempty"` // the newest first
}

// Source is a message of the ledger that a clue was learned from.
type Source struct {
	Digest  string    `json:"digest"`
	Class   string    `json:"class"` // ham or spam
	Scope   string    `json:"scope,omitempty"`
	Time    time.Time `json:"time"` // of the label
	Subject string    `json:"subject,omitempty"`
}

// LearnRequest says what a message is: the one that follows it or, with an ID, the
// one that has gone by under it.
type LearnRequest struct {
	Scope string
	Class string // ham, spam or forget
	Many  bool   // one of many that are trained together: recorded, and learned by Settle
	ID    string // "": the message follows
	Own   bool   // the message of ID must have been scored in Scope; set by the server from the peer
	Actor string // who says so; set by the server from the peer
}

// LearnReply is what learning one message came to.
type LearnReply struct {
	ID     string `json:"id,omitempty"` // as asked
	Result string `json:"result"`       // learned, recorded, sure already, seen before, flipped, outranked, forgotten, not found
	Digest string `json:"digest"`
	Held   string `json:"held,omitempty"` // the box where the message of ID still is: unsure, spam or copy
}

// UndoRequest says which decisions to take back: the last N of a selection; 0 is all.
type UndoRequest struct {
	query.Selection
	N      int
	DryRun bool   // only say what would be taken back
	By     string // who takes them back; set by the server from the peer
}

// UndoReply says what was taken back.
type UndoReply struct {
	DryRun    bool     `json:"dry_run"`
	Found     int      `json:"found"`
	Undone    int      `json:"undone"`
	Kept      int      `json:"kept"`      // decided by others since
	Decisions []Undone `json:"decisions"` // of Found, the newest

	LogBegins time.Time `json:"log_begins,omitzero"` // what was decided before is forgotten; zero: nothing is
}

// Undone is a decision that was, or could be, taken back. From and Subject are hostile.
type Undone struct {
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`
	Source  string    `json:"source"`
	Scope   string    `json:"scope"`
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Adds    [2]int    `json:"adds"` // before and after
	Digest  string    `json:"digest"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	Later   string    `json:"later,omitempty"` // who has decided about the message since, and so keeps it
}

// Filter chooses held messages.
type Filter struct {
	Box   spool.Box // "" is unsure and spam
	Limit int       // newest first; 0 is all
}

// Held is one held message for a moderator's eyes. Everything in it is hostile.
type Held struct {
	spool.Meta
	State  string `json:"state,omitempty"`  // held, releasing or in doubt
	Header string `json:"header,omitempty"` // fields as they arrived, cut
	Text   string `json:"text,omitempty"`   // readable text, cut
}

// Decision is what shall become of a held message.
type Decision struct {
	ID     string
	Action string // ham (learn, send on), spam (learn, remove), release (send on) or discard (remove)
	Again  bool   // send on also what an earlier, unfinished release may have sent
	Actor  string // who decides; set by the server from the peer
}

// Decided is what became of a held message.
type Decided struct {
	ID       string   `json:"id"`
	Action   string   `json:"action"`
	Learned  string   `json:"learned,omitempty"`  // as LearnReply.Result
	Released []string `json:"released,omitempty"` // recipients the next hop took it for
	Gone     bool     `json:"gone"`               // no longer held
}

// DayCount is one daily counter.
type DayCount struct {
	Day     string `json:"day"` // 2006-01-02
	Outcome string `json:"outcome"`
	Rule    string `json:"rule"`
	N       int64  `json:"n"`
}

// DayRow is a row of the daily table: in how many messages what was decided. Counts
// are by the names of the table's columns; "total" counts messages.
type DayRow struct {
	Day    string           `json:"day"` // 2006-01-02
	Counts map[string]int64 `json:"counts"`
}

// StatsRequest chooses what Stats tells.
type StatsRequest struct {
	Scope     string
	Days      int // daily counters of so many days; 0: none
	Mislabels int // so many of the labels that are probably wrong, or differ from the site, 0..MaxMislabels
}

// Stats is how far training is. Labels, counts and features are the scope's own;
// the site's are added to them where HeldUnsure and Trained are decided.
type Stats struct {
	Ham        int        `json:"ham"`         // labelled messages
	Spam       int        `json:"spam"`        // labelled messages
	HamAdds    int        `json:"ham_counted"` // how often they count
	SpamAdds   int        `json:"spam_counted"`
	Imported   int        `json:"imported"`    // how often counts of another filter count, of HamAdds and SpamAdds
	Waiting    int        `json:"waiting"`     // of Ham and Spam: recorded, not learned yet
	HeldUnsure bool       `json:"held_unsure"` // too little counts for any score to leave the unsure band
	MinLabels  int        `json:"min_labels"`  // labels of each class that Trained needs
	Trained    bool       `json:"trained"`     // mail may be refused, held or dropped
	Advice     []string   `json:"advice"`      // what to do next, in sentences; the first is about training
	Features   int        `json:"features"`    // distinct features with a count
	Scope      string     `json:"scope"`
	Scopes     []string   `json:"scopes"` // all scopes with labels, without the site
	Calibrator Calibrator `json:"calibrator"`
	Labels     Labels     `json:"labels"`
	Traffic    Traffic    `json:"traffic"`
	Days       []DayCount `json:"days,omitempty"`
	Table      []DayRow   `json:"table,omitempty"` // as Days, by columns
	Zone       string     `json:"zone,omitempty"`  // whose days these are
}

// Calibrator is what joins the opinions into one score. HamWrong and SpamWrong are
// its estimates of how much ham is labelled spam, and how much spam ham.
type Calibrator struct {
	Labels    int     `json:"labels"`     // fitted from so many; 0: not yet
	FromSite  bool    `json:"from_site"`  // a user's scope has too few labels for its own
	Weights   Weights `json:"weights"`    // of the opinions
	HamWrong  float64 `json:"ham_wrong"`  // percent
	SpamWrong float64 `json:"spam_wrong"` // percent
}

// Weights are those of the two readings of the counts, of the linear part, and the
// constant.
type Weights struct {
	Counts float64 `json:"counts"`
	Second float64 `json:"second"`
	Linear float64 `json:"linear"`
	Bias   float64 `json:"bias"`
}

// Labels are the scope's newest labels: of the site as far as a calibrator looks at them.
// Those of the site may be wrong, those of a user's scope differ from the site.
type Labels struct {
	N               int          `json:"n"`
	Spam            int          `json:"spam"`
	SpamPercent     float64      `json:"spam_percent"`
	Doubtful        int          `json:"doubtful"` // probably wrong
	DoubtfulPercent float64      `json:"doubtful_percent"`
	Mislabels       []Mislabel   `json:"mislabels"`           // the likeliest of Doubtful, as many as were asked for
	Differ          int          `json:"differ,omitempty"`    // say otherwise than the site's verdict
	Differing       []Difference `json:"differing,omitempty"` // those that differ most, as many as were asked for
}

// Difference is a label of a user's scope that is the contrary of the site's verdict.
type Difference struct {
	Class  string    `json:"class"` // ham or spam, as labelled
	Score  float64   `json:"score"` // by the site's training as it is now
	Time   time.Time `json:"time"`  // of the label
	Source string    `json:"source"`
	Digest string    `json:"digest"`
}

// Mislabel is a label that is probably wrong. Subject and From are hostile; they
// are "" where the ledger does not keep the message.
type Mislabel struct {
	Class   string    `json:"class"`  // ham or spam, as labelled
	Chance  float64   `json:"chance"` // 0.5..1, that it is wrong
	Time    time.Time `json:"time"`   // of the label
	Source  string    `json:"source"` // who gave it: train, learn, held, rule, auto, import
	Digest  string    `json:"digest"` // as ScoreReply.Digest
	Subject string    `json:"subject"`
	From    string    `json:"from"`
}

// Traffic is the mail of the last days that got a verdict, as far back as the
// history has it: the scope's, or all mail for the site.
type Traffic struct {
	Days        int     `json:"days"`
	Ham         int     `json:"ham"`
	Unsure      int     `json:"unsure"`
	Spam        int     `json:"spam"`
	SpamPercent float64 `json:"spam_percent"` // of all three
}

// Status is how the daemon fares.
type Status struct {
	Version  string    `json:"version"`
	PID      int       `json:"pid"`
	UID      int       `json:"uid"` // whose rights it has
	Started  time.Time `json:"started"`
	Data     string    `json:"data"`
	Spool    string    `json:"spool"`
	Config   string    `json:"config,omitempty"`
	Listen   []string  `json:"listen"`
	Observe  bool      `json:"observe"`
	Delayed  int       `json:"delayed,omitempty"` // copies that were asked to come again and have not yet
	Seq      int64     `json:"seq"`               // last operation of the ledger that the model knows
	Reloads  int       `json:"reloads"`
	Reloaded time.Time `json:"reloaded,omitzero"`
	LastFail string    `json:"last_reload_error,omitempty"`
	Restart  []string  `json:"restart,omitempty"`  // changed keys that take effect after one
	Warnings []string  `json:"warnings,omitempty"` // about lists: lines passed over, more than half gone
	Digest   string    `json:"digest"`             // of what stood in the configuration and its lists
}

// Reloaded is what a reload came to; Restart names the changed keys that need
// a restart to take effect, Warnings say what may have been a mistake.
type Reloaded struct {
	Config   string   `json:"config"`
	Restart  []string `json:"restart,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Judge scores and learns single messages. The reader is not closed; it may be nil
// where a message is named by its id.
type Judge interface {
	Score(ctx context.Context, q ScoreRequest, msg io.Reader) (ScoreReply, error)
	Learn(ctx context.Context, q LearnRequest, msg io.Reader) (LearnReply, error)
	// Settle learns what was recorded in a scope, once both classes are known.
	Settle(ctx context.Context, scope, actor string) (training.Settled, error)
	Undo(ctx context.Context, q UndoRequest) (UndoReply, error)
}

// Lister looks at held messages. Export writes an mboxrd of one message.
type Lister interface {
	List(ctx context.Context, f Filter) ([]spool.Meta, error)
	Show(ctx context.Context, id string) (Held, error)
	Export(ctx context.Context, id string, w io.Writer) error
}

// Decider ends a held message's stay.
type Decider interface {
	Decide(ctx context.Context, d Decision) (Decided, error)
}

// Desk is what a moderator works at. The daemon's desk, a desk without daemon
// and the Client are all one.
type Desk interface {
	Lister
	Decider
}

// Keeper answers for the daemon as a whole.
type Keeper interface {
	Stats(ctx context.Context, q StatsRequest) (Stats, error)
	Status(ctx context.Context) (Status, error)
	Reload(ctx context.Context) (Reloaded, error)
}

// Actions are the decisions over a held message.
var actions = map[string]bool{"ham": true, "spam": true, "release": true, "discard": true}

// IsAction tells whether a is a decision over a held message.
func IsAction(a string) bool { return actions[a] }
