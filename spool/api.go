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
	Text string  `json:"text"`
	Prob float64 `json:"prob"`
	Ham  uint32  `json:"ham"`
	Spam uint32  `json:"spam"`
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
	Scope     string    `json:"scope,omitempty"`
	Rule      string    `json:"rule,omitempty"`
	Clues     []Clue    `json:"clues,omitempty"`
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
