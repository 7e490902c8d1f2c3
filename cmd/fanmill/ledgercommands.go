package main

import (
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/moving"
	"fanmill/training/rival"
)

// backupCommands copy and rebuild what was learned.
func backupCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "backup", Args: "FILE", Min: 1, Max: 1, Short: "write a copy of the ledger", New: func() cli.Runner { return new(moving.Backup) },
			Long: `The ledger is all that was learned; the model is made from it. The copy is of one
moment, while the daemon and other commands go on; it is written beside FILE, synced,
read back and checked, and only then gets its name. It is a plain SQLite database of
mode 0640, and holds mail: keep it as you keep mailboxes.

The spool of held messages and the configuration are plain files: copy them with the
tools for files. The history of past verdicts goes to a file of its own with --history;
it is copied after the ledger.`,
			Examples: []cli.Example{
				{"fanmill backup /var/backups/fanmill-$(date +%F).db", "from cron, every night"},
				{"fanmill backup --force --history h.db l.db", "the history too, over the files of yesterday"},
			},
		},
		{
			Name: "restore", Args: "FILE", Min: 1, Max: 1, Short: "put a backup in place of the ledger", New: func() cli.Runner { return new(moving.Restore) },
			Long: `FILE is checked whole (that it is a ledger, of a version and feature set that this
fanmill knows, and not damaged) before anything is touched. A ledger that is there is
replaced only with --force, and is kept beside the new one as fanmill.db.DATE, with all
that stood in its log; it is a backup like any other. Interrupted at any moment, one of
the two is in place, whole.

It does nothing while a daemon runs on the data directory or another command has the
ledger open: stop the daemon first. Afterwards the model is built and saved.`,
			Examples: []cli.Example{
				{"fanmill restore --force /var/backups/fanmill-2026-11-21.db", "go back to yesterday"},
				{"fanmill restore --data /srv/fanmill ledger.db", "on another host"},
			},
		},
		{
			Name: "rebuild", Short: "build the model anew from the ledger", New: func() cli.Runner { return new(rebuildCmd) },
			Long: `Checks the whole ledger for damage, adds the site's model up from its rows, and saves
that for the next start. The ledger is not changed. The model must be the same as before:
every process keeps its own by following the ledger, and rebuilds it by itself where that
does not suffice. So this is for suspicion, as after a crash or a fault of the disk; it
says what it found. A running daemon goes on with the model it has; restart it to have it
use the new one. The models of other scopes are built whenever they are first used.

Exit code 1 says that the model was not the same.

A ledger of an older version whose features were others is brought to the present ones
from the messages it keeps; what counts, and how often, stays as it was decided. No
daemon may run then. The old ledger is kept beside the new one. Labels of which only the
features are kept (users' scopes, keep = "features", imports) are taken away: train, or
import, those messages again. The daemon does the same by itself when it starts.

For a large ledger --beside does most of it beforehand: it changes nothing, and the
daemon of the older version goes on meanwhile. When the new one starts, it adds what was
learned since and uses the result.`,
			Examples: []cli.Example{
				{"fanmill rebuild", "make sure that the model is what the ledger says"},
				{"fanmill rebuild --beside", "before an upgrade, with the new program while the old daemon runs"},
			},
		},
	}
}

// ledgerCommands move what was learned.
func ledgerCommands() []cli.Command {
	return []cli.Command{
		{
			Name: "ledger export", Args: "[FILE]", Max: 1, Short: "write the ledger as JSON Lines", New: func() cli.Runner { return new(moving.Export) },
			Long: `One line a message, with label, scores, features and the kept text, for moving it to
another host or for other programs; docs/moving.md describes the format. FILE ending in
.gz or .zst is compressed; without FILE, or for -, it goes to standard output. With --log
the log of who did what goes along. It is of one moment, while others go on.`,
			Examples: []cli.Example{
				{"fanmill ledger export --log site.jsonl.zst", "all there is, in one file"},
				{"fanmill ledger export | ssh mx2 fanmill ledger import -", "over to another host"},
			},
		},
		{
			Name: "ledger import", Args: "FILE", Min: 1, Max: 1, Short: "read what ledger export wrote", New: func() cli.Runner { return new(moving.Import) },
			Long: `FILE, or standard input for -, may be compressed. It is read to its end and checked
before anything is done; errors name line and column, and of a file that is not sound
nothing is imported.

An empty ledger becomes the exported one: with the same model, bit for bit, and if the
log is in the file, undo goes on as before. Into a ledger with labels the messages are
merged: those it does not have are added as they are; of two different labels for the
same message in the same scope a person's outranks an automatic one, and else the newer
one holds, also where it is that the label was taken away. The log is not merged. What a
merge did, undo --source import takes back. It goes in batches; if it was cut short, the
same command finishes the rest.`,
			Examples: []cli.Example{
				{"fanmill ledger import --dry-run mx1.jsonl.zst", "what would be new"},
				{"fanmill ledger import mx1.jsonl.zst", "take in what another host has learned"},
			},
		},
	}
}

// importCommands take in what other filters have learned.
func importCommands() []cli.Command {
	form := func(name rival.Form, short, long string, ex ...cli.Example) cli.Command {
		return cli.Command{
			Name: "import " + string(name), Args: "FILE", Min: 1, Max: 1, Short: short, Long: long + "\n\n" + importLong,
			New: func() cli.Runner { return &moving.ImportCounts{Form: name} }, Examples: ex,
		}
	}
	return []cli.Command{
		form(rival.Bogofilter, "take in the word counts of bogofilter", "FILE, or standard input for -, is what `bogoutil -d` writes.",
			cli.Example{"bogoutil -d ~/.bogofilter/wordlist.db | fanmill import bogofilter -", "begin with what bogofilter knows"}),
		form(rival.SpamBayes, "take in the word counts of SpamBayes", "FILE, or standard input for -, is the CSV that `sb_dbexpimp -e` writes.",
			cli.Example{"fanmill import spambayes hammie.csv", "begin with what SpamBayes knows"}),
		form(rival.DSPAM, "take in the word counts of DSPAM", `FILE, or standard input for -, is what "dspam_dump USER" writes. It holds hashes of words
and not how many messages were learned: --words names a list of words that are tried,
--ham and --spam say what dspam_stats says.`,
			cli.Example{"fanmill import dspam --words /usr/share/dict/words --ham 900 --spam 700 dump.txt", "begin with what DSPAM knows"}),
	}
}

const importLong = `Words of the text, of the subject, of From and To, host names and parts of links are
taken; what else a filter counts has no like here. The counts are scaled down to so many
messages as --most says, so that they speak while there are few own labels and are
outvoted later. They are no labels: the calibrator, the linear part and the numbers of
labels do not know them, and scores stay unsure until 20 own labels of each class are
there. All of it is one entry: "fanmill undo --source import" takes it out again,
exactly. How much it helps, and when, is measured in docs/training.md.`
