// Package policy decides what happens to a message: for each recipient by the
// rules in force, then once for the whole message. Whether mail is as the rules
// say is found out by its sub-packages. It is pure: no clock, no I/O, no logger; a
// compiled *Policy is immutable and safe for concurrent use.
package policy

import (
	"fanmill/classify"
	"fanmill/classify/attached"
	"fanmill/policy/match"
)

// Outcome is what happens to a message; a closed set, ordered from the mildest
// to the hardest.
type Outcome uint8

// The outcomes.
const (
	Accept Outcome = iota
	Tag
	Quarantine // the MTA's own hold queue
	Hold       // our spool
	Delay      // 451 now, decided at the retry
	Discard
	Reject
	Fail // 451: something of ours went wrong
)

// Envelope is what SMTP knows of a transaction.
type Envelope struct {
	Client        classify.Client
	Authenticated string // SASL login name, "" when not authenticated
	Local         bool   // submitted on this host (sendmail command), not over SMTP
	Sender        string // without angle brackets; "" is the null sender
}

// Recipient is one recipient with the settings in force for it.
type Recipient struct {
	Address  string // as the MTA gave it, without angle brackets
	Filtered bool   // false: passed unfiltered (not scored, not recorded)
	Exempt   bool   // never refused, at worst tagged (postmaster@, abuse@)
	Rule     string // name of the rule that decided this
	Scope    string // whose training scores it; "" is the site
	Cutoffs  classify.Cutoffs
	Spam     Outcome // Reject, Hold, Tag, Discard or Quarantine
	Unsure   Outcome // Hold, Delay, Tag or Quarantine

	Sender     SenderList // its mail is ham or spam whatever the score
	Line       int        // of the list that says so, 0: no list does
	Learn      bool       // teach the filter where the score says otherwise
	SubjectTag string     // before the subject of what is tagged
	RejectText string     // "": as for all

	Attachments *match.Attachments // that are refused

	Unproven  bool   // its sender would be welcome, had a domain been verified
	OpenRules uint64 // tells rules apart that only the header makes hold or not; 0: none
	Open      bool   // the header may change whether it is filtered
	Refused   bool   // at RCPT: the sender is blocked for it
}

// Scored is what the filter found out about a message for one scope.
type Scored struct {
	Score   float64
	Trained bool // enough labels: see Options.MinLabels
	Relayed bool // came through a host of ours: a reject becomes a hold
	Failed  bool // could not be scored in time: OnError decides
	Bypass  bool // has the bypass word: see Content.Bypass

	Attachments []attached.File
}

// Decision is the outcome for one recipient.
type Decision struct {
	Recipient string
	Filtered  bool
	Verdict   classify.Verdict
	Outcome   Outcome
	Rule      string
	Exempt    bool // as in Recipient: a harder outcome for others does not touch it
	Sender    SenderList

	SubjectTag string // before the subject, where the outcome is Tag
	Attachment string // what is refused, for a log: hostile
}

// Result is the one answer for a message with several recipients.
type Result struct {
	Outcome Outcome    // answer to the MTA: Accept also when some recipients are deleted
	Deliver []string   // recipients the message goes on to
	Held    []string   // recipients the one held copy names
	Dropped []Decision // reject and discard decisions carried out by deleting the recipient
	Tagged  bool       // at least one recipient that remains is tagged
	Lenient bool       // DELRCPT was needed but not offered: the mildest outcome for all
}
