package policy

import (
	"fmt"
	"slices"
)

// Column is a column of the daily table: what became of mail, as a postmaster
// counts it. A message with several recipients may meet several outcomes: then it
// stands in the column of each, and once in the total.
type Column uint8

// The columns, in the order of the table.
const (
	RejectSpam       Column = iota
	RejectAttachment        // refused for what is attached
	RejectBlock             // refused for its sender, who is on a block list
	AcceptBypassed          // passed whatever the score: welcome list, bypass word
	AcceptLocal             // not filtered: from this host, a trusted network, a host of ours, a client that logged in
	AcceptUnfiltered        // not filtered: its recipients do not want it
	Accepted                // filtered, and passed as it was
	Tagged                  // passed with a mark
	Delayed                 // 451 for the time being
	HeldBack                // in our spool, or known there: a retry of what was held
	Quarantined             // in the MTA's own hold queue
	Discarded               // dropped without a word
	Failed                  // 451 for a fault of ours
	Unscored                // passed although it could not be scored
	Total                   // messages
)

// Columns is the number of columns.
const Columns = int(Total) + 1

var columnNames = [Columns]string{
	"reject-spam", "reject-attachment", "reject-block", "accept-bypassed", "accept-local", "accept-unfiltered", "accept",
	"tagged", "delayed", "held", "quarantined", "discarded", "failed", "unscored", "total",
}

// String returns the column's name.
func (c Column) String() string {
	if int(c) < Columns {
		return columnNames[c]
	}
	return fmt.Sprintf("column(%d)", uint8(c))
}

// ParseColumn reads what String wrote.
func ParseColumn(s string) (Column, bool) {
	i := slices.Index(columnNames[:], s)
	return Column(max(i, 0)), i >= 0
}

// Fate is what became of a message, or of its part for some recipients, as its log
// line says.
type Fate struct {
	Outcome    Outcome
	Rule       string     // name of the rule that decided
	List       SenderList // the kind of list that decided
	Unfiltered bool       // none of these recipients is filtered
	Unscored   bool       // it should have been scored, and was not
}

// Column returns where a message is counted. It is the only place where that is
// decided: the daily counters and the reader of the log both ask it.
func (f Fate) Column() Column {
	switch f.Outcome {
	case Accept, Tag:
		return f.passed()
	case Reject:
		return f.refused()
	case Hold:
		return HeldBack
	case Quarantine:
		return Quarantined
	case Delay:
		return Delayed
	case Discard:
		if f.Rule == RuleAgain {
			return HeldBack
		}
		return Discarded
	}
	return Failed
}

func (f Fate) refused() Column {
	switch {
	case f.List == Block:
		return RejectBlock
	case f.Rule == RuleAttachment:
		return RejectAttachment
	}
	return RejectSpam
}

func (f Fate) passed() Column {
	switch f.Rule {
	case RuleTrusted, RuleLocal, RuleAuthenticated, RuleOwnHost, RuleRelease:
		return AcceptLocal
	}
	switch {
	case f.Unfiltered:
		return AcceptUnfiltered
	case f.Rule == RuleBypass || f.List == Welcome:
		return AcceptBypassed
	case f.Unscored:
		return Unscored
	case f.Outcome == Tag:
		return Tagged
	}
	return Accepted
}
