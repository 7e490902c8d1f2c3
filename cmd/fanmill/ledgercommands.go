package main

// ledgerCommands are those that copy, move and rebuild what was learned.
func ledgerCommands() []command {
	return []command{
		{
			name: "backup", args: "FILE", min: 1, max: 1, short: "write a copy of the ledger", new: func() runner { return new(backupCmd) },
			long: `The ledger is all that was learned; the model is made from it. The copy is of one
moment, while the daemon and other commands go on; it is written beside FILE, synced,
read back and checked, and only then gets its name. It is a plain SQLite database of
mode 0640, and holds mail: keep it as you keep mailboxes.

The spool of held messages and the configuration are plain files: copy them with the
tools for files. The history of past verdicts goes to a file of its own with --history;
it is copied after the ledger.`,
			examples: []example{
				{"fanmill backup /var/backups/fanmill-$(date +%F).db", "from cron, every night"},
				{"fanmill backup --force --history h.db l.db", "the history too, over the files of yesterday"},
			},
		},
		{
			name: "restore", args: "FILE", min: 1, max: 1, short: "put a backup in place of the ledger", new: func() runner { return new(restoreCmd) },
			long: `FILE is checked whole (that it is a ledger, of a version and feature set that this
fanmill knows, and not damaged) before anything is touched. A ledger that is there is
replaced only with --force, and is kept beside the new one as fanmill.db.DATE, with all
that stood in its log; it is a backup like any other. Interrupted at any moment, one of
the two is in place, whole.

It does nothing while a daemon runs on the data directory or another command has the
ledger open: stop the daemon first. Afterwards the model is built and saved.`,
			examples: []example{
				{"fanmill restore --force /var/backups/fanmill-2026-11-21.db", "go back to yesterday"},
				{"fanmill restore --data /srv/fanmill ledger.db", "on another host"},
			},
		},
	}
}
