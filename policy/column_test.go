package policy

import "testing"

func TestColumnOfAMessage(t *testing.T) {
	for _, tt := range []struct {
		fate Fate
		want Column
	}{
		{Fate{Outcome: Accept, Rule: RuleDefault}, Accepted},
		{Fate{Outcome: Accept, Rule: "newsletters"}, Accepted},
		{Fate{Outcome: Accept, Rule: RuleUntilTrained}, Accepted},
		{Fate{Outcome: Tag, Rule: RuleDefault}, Tagged},
		{Fate{Outcome: Tag, Rule: RuleNeverRefuse}, Tagged},

		{Fate{Outcome: Accept, Rule: RuleUnfiltered, Unfiltered: true}, AcceptUnfiltered},
		{Fate{Outcome: Accept, Rule: "people", Unfiltered: true}, AcceptUnfiltered},
		{Fate{Outcome: Accept, Rule: "people", Unfiltered: true, Unscored: true}, AcceptUnfiltered},
		{Fate{Outcome: Accept, Rule: RuleLocal, Unfiltered: true}, AcceptLocal},
		{Fate{Outcome: Accept, Rule: RuleTrusted, Unfiltered: true}, AcceptLocal},
		{Fate{Outcome: Accept, Rule: RuleAuthenticated, Unfiltered: true}, AcceptLocal},
		{Fate{Outcome: Accept, Rule: RuleOwnHost, Unfiltered: true}, AcceptLocal},
		{Fate{Outcome: Accept, Rule: RuleRelease}, AcceptLocal},

		{Fate{Outcome: Accept, Rule: RuleBypass}, AcceptBypassed},
		{Fate{Outcome: Tag, Rule: RuleBypass}, AcceptBypassed},
		{Fate{Outcome: Accept, Rule: "friends", List: Welcome}, AcceptBypassed},
		{Fate{Outcome: Accept, Rule: "friends", List: Welcome, Unscored: true}, AcceptBypassed},

		{Fate{Outcome: Accept, Rule: RuleOnError, Unscored: true}, Unscored},
		{Fate{Outcome: Accept, Rule: RuleNeverRefuse, Unscored: true}, Unscored},
		{Fate{Outcome: Fail, Rule: RuleOnError, Unscored: true}, Failed},
		{Fate{Outcome: Fail + 1}, Failed},

		{Fate{Outcome: Reject, Rule: RuleDefault}, RejectSpam},
		{Fate{Outcome: Reject, Rule: RuleAttachment}, RejectAttachment},
		{Fate{Outcome: Reject, Rule: "pests", List: Block}, RejectBlock},
		{Fate{Outcome: Reject, Rule: RuleAttachment, List: Block}, RejectBlock},

		{Fate{Outcome: Hold, Rule: RuleDefault}, HeldBack},
		{Fate{Outcome: Hold, Rule: RuleRelayed}, HeldBack},
		{Fate{Outcome: Discard, Rule: RuleAgain}, HeldBack},
		{Fate{Outcome: Discard, Rule: RuleDefault}, Discarded},
		{Fate{Outcome: Delay, Rule: "delay"}, Delayed},
		{Fate{Outcome: Quarantine, Rule: RuleDefault}, Quarantined},
	} {
		if got := tt.fate.Column(); got != tt.want {
			t.Errorf("%+v is counted as %v, want %v", tt.fate, got, tt.want)
		}
	}
}

func TestColumnNames(t *testing.T) {
	for c := range Column(Columns) {
		if got, ok := ParseColumn(c.String()); !ok || got != c {
			t.Errorf("ParseColumn(%q) = %v, %v", c, got, ok)
		}
	}
	if _, ok := ParseColumn("rejected"); ok {
		t.Error(`ParseColumn("rejected") succeeded`)
	}
	if got := Column(Columns).String(); got != "column(15)" {
		t.Errorf("String = %q", got)
	}
}
