package daemontest

import (
	"fmt"
	"strings"
)

// Winner is a message that nothing of Letters is the same as, though it looks like its
// spam.
const Winner = `From: winner@example.net
Subject: you have won one million dollars
Message-ID: <unseen@example.net>

Click here now, dear winner: claim your prize of one million dollars.
This offer expires tonight, no risk, guaranteed cash
http://claim.example.net/win
`

// Letters returns an mbox of n messages of a class, no two the same.
func Letters(class string, n int) string {
	from, subjects, texts, end := "anna@example.org",
		[]string{"minutes of the meeting", "agenda for next week", "notes and minutes"},
		[]string{"Here are the minutes of yesterday's meeting.", "The agenda for next week is below.", "Please send me your notes of the meeting."},
		"Kind regards, Anna Miller\nTreasurer of the rowing club, Boathouse Lane"
	if class == "spam" {
		from, subjects, texts, end = "winner@example.net",
			[]string{"you have won a prize", "claim your prize now", "one million dollars"},
			[]string{"Claim your prize of one million dollars now.", "Click here, dear winner.", "Your million is waiting for you."},
			"This offer expires tonight, no risk, guaranteed cash\nhttp://claim.example.net/win"
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "From %s Mon Nov 16 10:00:%02d 2026\nFrom: %s\nSubject: %s\nMessage-ID: <%s%d@example.com>\n\n%s %s\n%s\n\n",
			from, i%60, from, subjects[i%3], class, i, texts[i%3], texts[(i+1)%3], end)
	}
	return b.String()
}
