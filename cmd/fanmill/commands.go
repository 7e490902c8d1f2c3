package main

import (
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daytable"
	"fanmill/cmd/fanmill/doctor"
	"fanmill/cmd/fanmill/exhaustion"
	"fanmill/cmd/fanmill/labels"
	"fanmill/cmd/fanmill/mailboxes"
	"fanmill/cmd/fanmill/measure"
	"fanmill/cmd/fanmill/messages"
	"fanmill/cmd/fanmill/past"
)

// commands is the command table: what dispatch runs, and what help, the manual
// page and docs/commands.md are printed from.
func commands() []cli.Command {
	var all []cli.Command
	for _, part := range [][]cli.Command{
		daemonCommands(), trainCommands(), againCommands(), expireCommands(), mailCommands(), corpusCommands(), heldCommands(), pastCommands(),
		importCommands(), backupCommands(), ledgerCommands(), configCommands(), lookCommands(), measureCommands(), otherCommands(),
	} {
		all = append(all, part...)
	}
	return all
}

func daemonCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "serve", Short: "run the milter daemon", New: func() cli.Runner { return &daemon.Serve{Version: release} },
			Long: `Runs in the foreground until SIGTERM or SIGINT, which let messages in progress
finish (bounded); a second signal ends at once. Only one daemon runs on a data
directory.

An edit of the configuration, or of a list that it names, takes effect within three
seconds; SIGHUP and "fanmill reload" do not wait for that. What was read is built
beside what is in force and replaces it whole; messages on their way keep what they
began with. A wrong edit changes nothing: the reason is in the log, once, and shown
by status and doctor until it is mended. A list that has lost more than half of its
entries is applied, and warned about. Write a new file and rename it over the old
one, as most editors do: one that is written in place may be read before it is
complete, if its writer pauses for 0.2 s.

Without a configuration file serve listens on milter.sock in the data directory and
on 127.0.0.1:8891, observes only (scores, logs and counts, without any effect on
mail), and prints the lines to add to Postfix's main.cf and to sendmail.mc. A first
configuration is taken by "fanmill reload" or at a restart, not by itself.

Sockets handed over by systemd are used in place of the configured ones, and
systemd is told when the daemon is ready, reloads and stops.`,
			Examples: []cli.Example{
				{"fanmill serve --data /var/lib/fanmill", "look at the mail for a while without touching it"},
				{"fanmill serve --config /etc/fanmill/fanmill.toml", "filter as configured"},
			},
		},
		{
			Name: "reload", Short: "have the running daemon read its configuration again", New: func() cli.Runner { return new(reloadCmd) },
			Long: `Like SIGHUP, but waits and says what came of it: a configuration that is not
accepted is printed with all its errors, and changed keys that need a restart
are named. Edits are noticed without it, see serve.`,
		},
		{
			Name: "status", Short: "show how the running daemon fares", New: func() cli.Runner { return new(statusCmd) },
		},
	}
}

func trainCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "train", Batch: true, Args: "--ham|--spam PATH...", Min: 1, Max: -1, Short: "learn messages as ham or spam",
			New: func() cli.Runner { return new(labels.Train) },
			Long: `A PATH is an mbox (also mboxo and mboxrd), a Maildir (cur and new), an MH folder,
a folder of any of these, a single message, or - for standard input; each may be
compressed with gzip, bzip2 or zstd.

All messages are recorded first. Once 20 of each class are known, what was recorded
is learned together, mixed, so that training all ham and then all spam is as good as
training them as they came; until then it waits, and the training that completes the
other class learns it. A message counts only where the score was not yet right by a
margin, which makes for fewer and better counts. The summary says how many were
learned, how many the filter was sure of already, how many had been seen before
(training twice is once), how many changed their class, and how many wait.

What cannot be read is named and the rest goes on. The exit code then is 65 where a
file cannot be used (empty, no mail, cut short, over 64 MiB), and 66 where the system
would not give it (missing, forbidden).

Ctrl-C finishes the transaction in progress, prints the summary and exits with 130. A
running daemon follows within a second. Members of the daemon's group, who may
read its ledger but not write there, train through the daemon.`,
			Examples: []cli.Example{
				{"fanmill train --ham ~/Maildir", "learn a Maildir as good mail"},
				{"fanmill train --spam junk.mbox.gz more/", "learn a compressed mailbox and a folder as spam"},
				{"fanmill train --spam - < message", "learn one message from standard input"},
			},
		},
		{
			Name: "forget", Batch: true, Args: "PATH...", Min: 1, Max: -1, Short: "take messages out of training again",
			New: func() cli.Runner { return new(labels.Forget) },
			Long: `The counts become exactly what they would be had the messages never been learned.
PATHs are as for train.`,
			Examples: []cli.Example{{"fanmill forget wrongly-trained.eml", "undo the training of one message"}},
		},
	}
}

func againCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "exhaust", Batch: true, Short: "train to exhaustion, until all labelled mail is known", New: func() cli.Runner { return new(exhaustion.Command) },
			Long: `All messages that are labelled in the ledger, and those of --ham and --spam, are trained
from an empty model in turns of ham and spam, round after round, until none is missed:
until every ham scores as ham and every spam as spam. How often each message counts is
set anew; those that are not needed stay in the ledger and do not count. The result
goes into the ledger in one transaction; until then nothing is changed. Where there is no
ledger, one is made only for --ham and --spam.

A message that its model takes for the other class, without the message's own word, is
probably mislabelled: it gains nothing, and is missed. When messages are still missed in
the end the exit code is 1, and they are named, with the likely reason. The result is
written all the same: it is the best that can be had with these labels.

--cull writes PATH.cull for each PATH, an mbox of its messages that count: moved over
PATH it is what the next run with --only needs. PATH itself is only read.

` + "`fanmill undo --source exhaust`" + ` takes the last run back.`,
			Examples: []cli.Example{
				{"fanmill exhaust", "train what the ledger has to exhaustion"},
				{"fanmill exhaust --only --ham ham.mbox --spam spam.mbox --cull --log tte.log", "train two mailboxes alone, and cull them"},
				{"fanmill exhaust --dry-run --ratio 1:1", "look at what would come out"},
			},
		},
		{
			Name: "undo", Args: "[N]", Max: 1, Short: "take the last decisions back", New: func() cli.Runner { return new(labels.Undo) },
			Long: `A decision gives a message a label, changes or takes it away, or confirms it; N of them
are taken back, the last one by default, the newest first. Each message has the label it
had before, and the model is, bit for bit, as if the decision had never been taken. By
default these are your own decisions, by whatever way; --source and --actor say others.
A --source that no decision can have is refused.
Of what was learned automatically (auto, rule, import) all is taken back unless N is
given.

A message that somebody else has decided about since keeps that decision, and is named;
so does one that is decided about while undo runs. How often labels count is no decision:
what exhaust has set since stays with a label that was only confirmed. --source exhaust
takes the last run of exhaust back whole, and what --drop-misses has dropped in it.

Members of the daemon's group, who may not write its ledger, take their own decisions
back through the daemon. What was taken back can be brought back: --source undo. The
messages themselves, and the log of who did what, stay in the ledger for [store]
keep_log_days. When more is asked for than that log still has, what it has is taken
back, and the exit code is 66.`,
			Examples: []cli.Example{
				{"fanmill undo", "take your last decision back"},
				{"fanmill undo --dry-run 10", "look at your last ten"},
				{"fanmill undo --source train --since 2h --all", "take back what was trained in the last two hours"},
				{"fanmill undo --source auto", "take back all that was learned automatically"},
				{"fanmill undo --source exhaust", "take the last run of exhaust back"},
			},
		},
	}
}

func expireCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "expire", Batch: true, Short: "take old labels out of training", New: func() cli.Runner { return new(labels.Expire) },
			Long: `What [store] keep_days and keep_messages do not keep goes, in every scope: labels that do
not count before those that do, the oldest first, of both classes in proportion; of
each class as many labels stay as a filter needs to be trained (min_labels). Where
labels that counted go, the newest of their class that did not count are judged again
and take their place where they are needed. The daemon does this by itself once an hour,
in small steps; the command is for those who set no such key or will not wait.

Some hour after its label a message goes too; until then ` + "`fanmill undo --source expire`" + `
brings all of it back. Messages whose label was taken away otherwise, and the log of who
decided what, stay for [store] keep_log_days, the last 10000 entries of the log in any
case. The model does not depend on them, but undo reaches no further back. Where much
becomes free the file of the ledger shrinks, unless an older fanmill made it: then its
space is used again.`,
			Examples: []cli.Example{
				{"fanmill expire --dry-run", "what would go by the configuration"},
				{"fanmill expire --keep-days 365", "keep the training of the last year"},
			},
		},
	}
}

func mailCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "score", Args: "[PATH...]", Max: -1, Short: "say what messages look like", New: func() cli.Runner { return new(messages.Score) },
			Long: `Prints a line "VERDICT SCORE PATH" for each message; without PATH, or for -, the
message or mailbox is read from standard input. The score goes from 0 (ham) to 1
(spam). Nothing is learned and nothing changed.

With --explain the score is taken apart. What the counts, their second reading, the
linear part and the calibrator's bias bring, less what thin training takes away, adds
up to the log-odds of spam, from which the score is made. In a user's scope, what his own
labels change there is added once more. Where the beginning of the message (header,
markup, first links and first 256 bytes of words) would be spam by itself, what that adds
is shown too: words of good mail put behind spam do not help it. The words that moved the
linear part most add up to its opinion, with the rest. Of the counts the strongest
clues are shown: the probability of spam, how far that is from 1/2, how many counted
messages of ham and spam hold the clue, and where in the message it stood first. *H*
and *S* are the two chi-squared tails, as SpamBayes shows them. With --sources the
newest messages that put each clue there stand below it.

With -e the exit code tells the verdict of the last message as bogofilter does:
0 spam, 1 ham, 2 unsure, and 3 for any error.`,
			Examples: []cli.Example{
				{"fanmill score --explain message.eml", "show the reasons for a score"},
				{"fanmill score --sources 3 message.eml", "and the messages that each clue was learned from"},
				{"fanmill score -e < message && echo spam", "use the verdict in a script"},
			},
		},
		{
			Name: "filter", Short: "copy a message from standard input to standard output with verdict headers",
			New: func() cli.Runner { return new(messages.Filter) },
			Long: `Verdict fields that the message brought along are removed, ours are put above its
first field, and the body is passed on byte for byte. The exit code is 0 only when
the whole message has been written; when anything fails inside, it is 75, which
makes maildrop, procmail and the MTA try again later.`,
			Examples: []cli.Example{{`xfilter "/usr/bin/fanmill filter"`, "in a maildrop filter"}},
		},
	}
}

func corpusCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "corpus stats", Args: "[PATH...]", Max: -1, Short: "say what mailboxes hold", New: func() cli.Runner { return new(mailboxes.Stats) },
			Long: `For each PATH (as for train): messages, bytes, dates, the largest message, how many
are the same, or nearly the same, as one read before, and what could not be read.

With --ham and --spam also the balance, and each group of near-duplicates that has
both labels: there one label is probably wrong.

Dates are those of arrival: the newest Received field, else the mailbox's "From "
line, else the Date field. Messages are the same when sender, subject and text are,
whoever got them; --near says how alike they must be to be nearly the same.`,
			Examples: []cli.Example{{"fanmill corpus stats --ham ham.mbox --spam spam.mbox", "look over the training mail before it is trained"}},
		},
		{
			Name: "corpus dups", Args: "PATH...", Min: 1, Max: -1, Short: "list messages that are nearly the same, and write a mailbox without them",
			New: func() cli.Runner { return new(mailboxes.Dups) },
			Long: `Prints each group of near-duplicates, such as one mail to several recipients, with
the likeness of each to the first. --out writes one message of each kind, the first
that was read, and all others that have no duplicate.

The new mailbox is an mbox (mboxrd) that appears under its name whole or not at all.
What was read is never changed: a FILE that is among the PATHs, by whatever name, or
in a folder among them, is refused, and one that exists is replaced with --force only.`,
			Examples: []cli.Example{{"fanmill corpus dups spam.mbox --out spam.new", "leave one message of each campaign"}},
		},
		{
			Name: "corpus trim", Args: "[PATH...]", Max: -1, Short: "write a mailbox without what is old, large or too much",
			New: func() cli.Runner { return new(mailboxes.Trim) },
			Long: `The limits act in the order --since, --max-size, --newest, --balance. A message
without a date counts as the oldest. The new mailboxes are written as by corpus dups;
messages keep their order.`,
			Examples: []cli.Example{
				{"fanmill corpus trim old.mbox --since 365d --max-size 500kB --out new.mbox", "the last year, without the large ones"},
				{"fanmill corpus trim --ham ham.mbox --spam spam.mbox --balance 4 --ham-out ham.new --spam-out spam.new", "at most four of one class for each of the other"},
			},
		},
	}
}

func heldCommands() []cli.Command {
	ids := func(name, short, long string, new func() cli.Runner, ex ...cli.Example) cli.Command {
		return cli.Command{Name: "held " + name, Args: "ID...", Min: 1, Max: -1, Short: short, Long: long, New: new, Examples: ex}
	}
	decide := func(action string) func() cli.Runner {
		return func() cli.Runner { return &messages.Decide{Action: action} }
	}
	return []cli.Command{
		{
			Name: "held list", Short: "list the messages that wait for a moderator", New: func() cli.Runner { return new(messages.HeldList) },
			Long: `One line a message, newest first: id, when, verdict, score, sender, recipients,
subject. Conditions are combined; texts are searched without regard to case.`,
			Examples: []cli.Example{
				{"fanmill held list --since 24h", "what was held today"},
				{"fanmill held ham $(fanmill held list --ids --from @example.org)", "release all of a sender"},
			},
		},
		ids("show", "show held messages with the reasons", `The reasons are those for which the message was held, by what was known when it
came: what its score added up from, the words that moved the linear part, and the
clues with their places, as score --explain shows them. For what the filter thinks of
the message now, pipe it from held export to score --explain.`,
			func() cli.Runner { return new(messages.HeldShow) }, cli.Example{"fanmill held export 0fq3m2k1c8v9x7yz | fanmill score --explain", "what would be thought of it now"}),
		ids("export", "write held messages to standard output as an mbox", `The mailbox is in mboxrd form and can be read by train and by mail programs.`,
			func() cli.Runner { return new(messages.HeldExport) }),
		ids("ham", "learn held messages as ham and send them on", `A message stays held when the next hop does not take it.`,
			decide("ham"), cli.Example{"fanmill held ham 0fq3m2k1c8v9x7yz", "it was good mail"}),
		ids("spam", "learn held messages as spam and remove them", "", decide("spam")),
		ids("release", "send held messages on without learning", "", decide("release")),
		ids("discard", "remove held messages without learning", "", decide("discard")),
	}
}

func pastCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "learn", Args: "--ham|--spam|--forget ID...", Min: 1, Max: -1, Short: "correct verdicts by the ids of the messages",
			New: func() cli.Runner { return new(messages.Learn) },
			Long: `An ID stands in a message's verdict header, in the text it was refused with, in the
log and in the list of fanmill history. It may be given with all that is around it,
such as the whole header or the text of a bounce; - reads a line for each message
from standard input.

What the history keeps of the message is learned, as though the message were at hand.
One that is still held is learned from the spool, and stays held: held ham and held
spam learn and decide. With --message the arguments are PATHs as for train, and what
is in them is learned, whatever ids they bear.

To say the same again, or the contrary of what a person said, is to insist: such a
label is taken at its word. --forget takes labels away.

An ID that is not known, or no longer (see history.days), is named and the rest goes
on; the exit code then is 66. So it is when what was found in the message was not
kept (history.features), has made room for others, or comes from an older feature
set. Through a running daemon, users who are not administrators teach their own scope,
and only by messages that were scored in it.`,
			Examples: []cli.Example{
				{"fanmill learn --ham 0fq3m2k1c8v9x7yz", "this was good mail"},
				{"fanmill history --ids --from @example.org | fanmill learn --spam -", "all that a domain sent is spam"},
				{"fanmill learn --spam --message - < message", "one message, from a mail program"},
			},
		},
		{
			Name: "history", Short: "list the messages that have gone by", New: func() cli.Runner { return new(past.List) },
			Long: `One line a message, newest first: id, when, verdict, score, outcome, sender,
recipients, subject; on a terminal no wider than that. Conditions are combined;
texts are searched without regard to case. Mail that is not filtered is not
recorded. What came in the last second may be missing.`,
			Examples: []cli.Example{
				{"fanmill history --since 2h --outcome reject", "what was refused lately"},
				{"fanmill history --from anna@example.org --since 2026-03-01 --until 2026-03-07", "of one sender, in one week"},
			},
		},
		{
			Name: "history show", Args: "ID...", Min: 1, Max: -1, Short: "show all that is remembered of messages",
			New: func() cli.Runner { return new(past.Show) },
			Long: `With the opinions that made the score, and whether the message can be learned by
its id. An ID may be given as for learn.`,
		},
		{
			Name: "history purge", Short: "remove what is remembered of an address",
			New: func() cli.Runner { return new(past.Purge) },
			Long: `Removes each record that has the ADDR of --to or --from, whole, at once and
without asking, and writes the file anew, so that nothing of it is left there. That
needs room for a second copy of history.db and takes some seconds for each gigabyte;
a running daemon goes on meanwhile. Only the history is purged: held messages, the
ledger of what was learned, and logs are not.`,
			Examples: []cli.Example{{"fanmill history purge --dry-run --to anna@example.org", "see how many records there are"}},
		},
	}
}

func lookCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "stats", Short: "say how far training is", New: func() cli.Runner { return new(statsCmd) },
			Long: `Says how many messages are labelled, how often they count, how many were recorded
and wait to be learned, whether the score is still held unsure (fewer than 20 of a
class count), whether policy.min_labels is reached, and what to do next. For a
scope the last two go by its labels and the site's together.

The calibrator joins the opinions into the score; it is fitted from the newest
labels, at most 5000, and estimates how many of them are slips. A label is doubtful
when it is more likely a slip than not; a label that a person has repeated or
corrected never is. --mislabels lists them: correct those that are wrong with
train. In a scope no label is a slip: there it counts those that differ from what
the site's training says, and --mislabels lists these.

The spam share of the labels stands beside that of the mail of the last 30 days, as
far back as the history goes: of the messages that got a verdict, those that are
spam. The filter does not reckon with the difference, which was tried and made it
worse; where it is large, train mail as it comes in.

With --days N also the daily table, which fanmill log makes from log files (fanmill
help log explains its columns), and how often each rule decided what.`,
			Examples: []cli.Example{
				{"fanmill stats --mislabels 20", "look for labels that are probably wrong"},
				{"fanmill stats --days 7", "what became of the mail of a week"},
			},
		},
		logCommand(),
	}
}

func logCommand() cli.Command {
	return cli.Command{
		Name: "log", Args: "[FILE|-]...", Max: -1, Batch: true, Short: "make the daily table from log files", New: func() cli.Runner { return new(daytable.Command) },
		Long: `Adds up by day what the log says became of messages. It reads the daemon's log, text
or JSON, alone, behind the prefix of syslog or journalctl, as journalctl -o json
prints it, and as containers keep it; also compressed with gzip, bzip2 or zstd, and
from standard input. Lines of other programs are passed over; a line of a message
that cannot be read is counted on standard error. Days are those of this host's time
zone (set TZ for another); days between without mail are rows of zeros.

reject-spam, reject-attachment and reject-block were refused for their score, for
what is attached, or for a sender on a block list; accept-bypassed passed by a
welcome list or the bypass word; accept-local was not filtered because it came from
this host, a trusted network, a host of the site or a client that logged in;
accept-unfiltered because its recipients want no filter; accept and tagged passed
the filter; delayed was asked to come again; held is in the spool; quarantined in
the MTA's hold queue; discarded was dropped; failed was deferred for a fault of
fanmill's; unscored passed although it could not be scored. A message that met
several outcomes stands in the column of each, and once in total. Recipients refused
at RCPT, whose sender is blocked, count in reject-block and not in total. With
policy.observe the columns say what would have happened.

--csv and --json have all columns, the table those with something in them. With -f
each row is printed again when it changes, at most once a second; the last one of a
day counts. A file that is renamed or cut off by log rotation is followed.

The daemon's own counters, fanmill stats --days, say the same. The log has all
messages with log.level = "info" or "debug" only.`,
		Examples: []cli.Example{
			{"journalctl -u fanmill -o json | fanmill log", "from the journal"},
			{"fanmill log --csv /var/log/fanmill.log*", "all logs there are, rotated ones too, for a spreadsheet"},
			{"fanmill log -f /var/log/fanmill.log", "watch the day"},
		},
	}
}

func measureCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "eval", Batch: true, Args: "[A.toml B.toml] INDEX...", Min: 1, Max: -1, Short: "measure accuracy on labelled mail",
			New: func() cli.Runner { return new(measure.Command) },
			Long: `INDEX has a line "spam PATH" or "ham PATH" for each message, the paths relative to
the index file. From an empty store, each message is scored and then learned by
itself, as a moderator's decision is; --folds and --split learn the messages to
train with together, as train does. The data directory is neither read nor changed.
Several indexes are measured one by one, each from an empty store, and then put
together.

1-ROCA and the error rates are percentages; unsure counts as not spam. Each figure
has its 95 % interval in brackets. With several seeds the figures are means over
the runs. docs/evaluation.md explains the figures, the page and the JSON.

--advise goes by messages that were scored before they were learned, in the order
of the index, from the 20th message of the rarer class on, unless --from, --folds
or --split say otherwise. That is how the site's mail is scored; folds would look
into its future. It promises 1 in N only with at least 3N ham, and says what it can
promise with fewer.`,
			Examples: []cli.Example{
				{"fanmill eval corpus/full/index", "how well would it have done on this mail, in this order"},
				{"fanmill eval --folds 5 --seed 1 index", "five-fold cross-validation"},
				{"fanmill eval --shuffle 1-10 --flip 5% index", "ten orders, one label in twenty wrong"},
				{"fanmill eval --compare old.toml new.toml index", "is the new configuration better, on the same messages"},
				{"fanmill eval --advise \"1 in 1000\" --html page.html index", "cut-offs for the site's own mail, and a page to look at"},
			},
		},
		{
			Name: "doctor", Short: "say whether all is well, and what to do where it is not", New: func() cli.Runner { return doctor.New(release) },
			Long: `One page: is the daemon up, and has it seen the last training; is the configuration
accepted; does the MTA reach the milter socket; does mail come, and was any let
through unscored; how far training is, and what is odd about it; is the ledger sound;
may the daemon write to its files and its spool; is there room. Nothing is changed.

A finding is ok, a note, a warning or a fault. A check that cannot be made is a note
that says why. The exit code is 0 if there are only notes, and 1 if not all is well.

Run it as root: then the sockets are tried with the rights of the user that Postfix or
Sendmail runs as, in the directory it is chrooted to; files and spool likewise with
those of the daemon. Anybody else is told what the mode bits say.

--quick leaves out what reads the whole ledger, which takes long when it is large.`,
			Examples: []cli.Example{
				{"sudo fanmill doctor", "is it working?"},
				{"fanmill doctor --quick --json", "for monitoring"},
			},
		},
	}
}

func otherCommands() []cli.Command {
	return []cli.Command{
		{Name: "version", Short: "print version, feature set and compiler", New: func() cli.Runner { return new(versionCmd) }},
		{Name: "help", Args: "[COMMAND]", Max: 2, Short: "explain a command", New: func() cli.Runner { return new(helpCmd) }},
	}
}
