package milter

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"fanmill/classify"
	"fanmill/headers"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
)

// Scorer gives the model's opinion of a message. It is called from many
// goroutines at once, must not touch disk or network, and must not keep m.
type Scorer interface {
	// Score judges m by what scope ("" is the site) was taught, and tells how much
	// that was: whether it is enough, the message's own policy says.
	Score(m *classify.Message, scope string) (classify.Score, store.Labels, error)
}

// Trainee is an optional extra of a Scorer that can tell without a message how much
// the site was taught. Without it the site counts as trained.
type Trainee interface {
	Taught() store.Labels
}

// Loader is an optional extra of a Scorer that does not have all scopes in memory: they
// are read while the message comes in. Score judges by what the site was taught where
// its scope is not there.
type Loader interface {
	// Load begins to read a scope, and returns at once.
	Load(scope string)
	// Await waits until what Load has begun for these scopes has ended, at most so long.
	Await(scopes []string, most time.Duration)
}

// Explainer is an optional extra of a Scorer: with it, log lines carry the clues that
// decided, and held messages what their scores add up from.
type Explainer interface {
	// Counts returns what scope was taught.
	Counts(scope string) (classify.Model, error)
}

// Spool is the part of *spool.Spool that is used here.
type Spool interface {
	NewID() string
	NewDraft() *spool.Draft
	Hold(*spool.Draft, spool.Meta) error
	Seen(digest, sender string, recipients []string) (spool.State, string)
	SeenPart(digest, sender string, recipients []string) []string
	SeenRelease(token, digest string, recipients []string) (id string, ok bool)
}

// Recorder takes the history; no method may wait for the disk. The store's
// *History is one. A day is YYYY-MM-DD, local time.
type Recorder interface {
	Add(history.Record)
	Count(day, outcome, rule string, n int64)
	Tally(day string, columns ...string) // one more in each of these columns of the daily table
}

// Learner learns mail by what the filter thinks of it itself, if it sees fit. Learn is
// called from many goroutines at once, for mail from outside that is filtered and was
// scored, with the opinion of the site; it must neither wait nor keep m.
type Learner interface {
	Learn(m *classify.Message, s classify.Score)
}

// Teacher learns what a rule says about a message: for a welcome or blocked sender, where
// the score of the recipient's scope said otherwise. Like a Learner it must neither wait
// nor keep m.
type Teacher interface {
	Teach(m *classify.Message, scope string, spam bool, rule string)
}

var (
	_ Spool    = (*spool.Spool)(nil)
	_ Recorder = (*history.History)(nil)
)

// Parts are what a server works with. All but Learner and Teacher must be set.
type Parts struct {
	Scorer   Scorer
	Spool    Spool
	Recorder Recorder
	Learner  Learner      // nil: nothing is learned
	Teacher  Teacher      // nil: rules teach nothing
	Delays   *delay.Table // closed after the server has stopped
	Logger   *slog.Logger
}

// Settings are what Reload can change. A message keeps the settings it began
// with. Settings must not be changed once a server has them.
type Settings struct {
	Policy     *policy.Policy
	Classify   classify.Options
	Families   []headers.Family // verdict headers to write; nil: fanmill's
	Evidence   int              // clues in the headers, at most Clues
	OwnHost    string           // our name in the Received line of held messages; "": as the MTA says
	RejectText string           // generic text of a refusal; "": DefaultRejectText. The message's id is put behind it.
	Clues      int              // clues kept with held messages and logged; 0: none, and no explanation
	Pieces     int              // of the linear part's words, those named in the explanation of a held message

	Deadline      time.Duration // for the work at end of message; 0: DefaultDeadline
	ProgressEvery time.Duration // 0: DefaultProgressEvery

	KeepFeatures      bool // put feature lists into the history
	MarkAuthenticated bool // write verdict headers also into mail of clients that logged in
}

// Defaults of Settings. The deadline lies well below Postfix's
// milter_content_timeout and Sendmail's E: of 300 s.
const (
	DefaultDeadline      = 2 * time.Minute
	DefaultProgressEvery = 5 * time.Second
	DefaultRejectText    = "This message was refused by the mail filter; if it is legitimate, please tell postmaster and quote the id"
)

const maxRejectText = 400

// Validate reports all that is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Policy == nil {
		errs = append(errs, errors.New("policy is missing"))
	}
	if err := s.Classify.Validate(); err != nil {
		errs = append(errs, err)
	}
	if len(s.RejectText) > maxRejectText {
		errs = append(errs, fmt.Errorf("reject text has %d bytes: at most %d are allowed", len(s.RejectText), maxRejectText))
	}
	if i := strings.IndexFunc(s.RejectText, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		errs = append(errs, fmt.Errorf("reject text %q: byte %d is not printable ASCII", s.RejectText, i))
	}
	if s.Deadline < 0 || s.ProgressEvery < 0 || s.Clues < 0 || s.Pieces < 0 || s.Evidence < 0 {
		errs = append(errs, errors.New("deadline, progress interval and numbers of clues, pieces and evidence must not be negative"))
	}
	return errors.Join(errs...)
}

// rules are settings with defaults filled in and the streams made for them.
type rules struct {
	Settings
	opts    policy.Options
	streams sync.Pool // of *classify.Stream
}

func newRules(s Settings) *rules {
	if s.Families == nil {
		s.Families = []headers.Family{headers.Fanmill}
	}
	if s.RejectText == "" {
		s.RejectText = DefaultRejectText
	}
	if s.Deadline == 0 {
		s.Deadline = DefaultDeadline
	}
	if s.ProgressEvery == 0 {
		s.ProgressEvery = DefaultProgressEvery
	}
	s.Classify.Attachments = s.Policy.LooksAtAttachments()
	r := &rules{Settings: s, opts: s.Policy.Options()}
	r.streams.New = func() any {
		st := classify.NewStream(s.Classify)
		if s.Clues > 0 {
			st.EnableClues()
		}
		return st
	}
	return r
}

// mayDelete reports whether recipients may have to be deleted.
func (r *rules) mayDelete() bool { return r.opts.Mixed != policy.Lenient }

// mayDelay reports whether mail may be asked to come again.
func (r *rules) mayDelay() bool { return !r.opts.Observe && r.Policy.MayDelay() }

// mayQuarantine reports whether the MTA's own hold queue may be used.
func (r *rules) mayQuarantine() bool {
	return r.Policy.MayQuarantine()
}
