package spool

import "time"

// Box is a folder of the spool.
type Box string

// The boxes.
const (
	Unsure Box = "unsure"
	Spam   Box = "spam"
	Copy   Box = "copy" // messages let through unscored, kept as a copy
)

// Envelope is all that a faithful release needs, stored beside the message.
type Envelope struct {
	Sender     string            `json:"sender"`
	Recipients []string          `json:"recipients"`
	ClientAddr string            `json:"client_addr,omitempty"`
	ClientName string            `json:"client_name,omitempty"`
	Helo       string            `json:"helo,omitempty"`
	QueueID    string            `json:"queue_id,omitempty"`
	MailArgs   string            `json:"mail_args,omitempty"` // ESMTP arguments of MAIL, such as SMTPUTF8
	Macros     map[string]string `json:"macros,omitempty"`
}

// Clue is one line of the explanation kept with a held message.
type Clue struct {
	Text  string  `json:"text"`
	Place string  `json:"place,omitempty"` // where in the message it stood first
	Prob  float64 `json:"prob"`
	Ham   uint32  `json:"ham"`
	Spam  uint32  `json:"spam"`
}

// Meta is what stands in ID.json beside ID.msg.
type Meta struct {
	ID        string    `json:"id"`
	Box       Box       `json:"box"`
	Time      time.Time `json:"time"`
	Digest    string    `json:"digest"` // hexadecimal, of the canonical form
	Envelope  Envelope  `json:"envelope"`
	Size      int64     `json:"size"`
	Subject   string    `json:"subject,omitempty"`
	From      string    `json:"from,omitempty"`
	MessageID string    `json:"message_id,omitempty"`
	Verdict   string    `json:"verdict"`
	Score     float64   `json:"score"`
	LogOdds   float64   `json:"log_odds,omitempty"` // what Score is made from
	Scope     string    `json:"scope,omitempty"`
	Rule      string    `json:"rule,omitempty"`
	Clues     []Clue    `json:"clues,omitempty"`

	// Explanation says what LogOdds added up from when the message came. It is nil
	// where the message was not scored, where an opinion is infinite, where training
	// came between the score and the explanation, and in files of older versions.
	Explanation *Explanation `json:"explanation,omitempty"`
}

// Explanation says where the log-odds of a score come from: Counts, Second, Linear,
// Bias, Own, Thin and Beginning add up to them. Texts in it are hostile.
type Explanation struct {
	Counts float64 `json:"counts"`
	Second float64 `json:"second"`
	Linear float64 `json:"linear"`
	Bias   float64 `json:"bias"`
	Own    float64 `json:"own,omitempty"` // in a user's scope: what his own labels changed, once more
	Thin   float64 `json:"thin"`          // what too little training takes away

	Beginning   float64 `json:"beginning,omitempty"` // what is added since the message's beginning says spam by itself
	BeforeFloor float64 `json:"before_floor"`        // the score without its floor of doubt
	HamCounted  uint32  `json:"ham_counted"`         // messages that count
	SpamCounted uint32  `json:"spam_counted"`
	Needed      int     `json:"needed"`             // of each class, for a score to leave the unsure band
	Borrowed    bool    `json:"borrowed,omitempty"` // another filter's counts are among them, and fewer than Needed labels given here

	CountsOpinion float64 `json:"counts_opinion"` // log-odds by the strongest clues
	ClueCount     int     `json:"clue_count"`     // so many they are
	HamTail       float64 `json:"ham_tail"`       // *H*, 0..1
	SpamTail      float64 `json:"spam_tail"`      // *S*, 0..1
	SecondOpinion float64 `json:"second_opinion"`
	LinearOpinion float64 `json:"linear_opinion"`

	// Pieces are those that moved the linear opinion most; with Rest they add up to it.
	Pieces []Piece `json:"pieces"`
	Rest   Piece   `json:"rest"`
	Others int     `json:"others"` // pieces in Rest
}

// Piece is a word that the linear part reads.
type Piece struct {
	Text  string  `json:"text,omitempty"`
	Sum   int64   `json:"sum"`   // of its weights, in units of 2^-20
	Share float64 `json:"share"` // of the linear opinion
}

// State is what the spool knows of a message that is seen (again).
type State uint8

// The states.
const (
	Unknown   State = iota
	Held            // lies in the spool: answer as before
	Decided         // a tombstone: discard late retries, 250
	Releasing       // our own release on its way through our MTA: pass unscored
)
