package moving

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/rival"
)

// importMost is how many messages of each class a dump stands for at most; see
// docs/training.md for what other numbers do.
const importMost = 500

// ImportCounts takes in the word counts of another filter.
type ImportCounts struct {
	Form      rival.Form
	scope     string
	most      uint
	words     string
	ham, spam uint
	add       bool
	dryRun    bool
	json      bool
}

// Flags is cli.Runner.
func (c *ImportCounts) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&c.scope), "scope", "import for scope `NAME` instead of the whole site")
	fs.UintVar(&c.most, "most", importMost, "let the dump stand for `N` messages of each class at most")
	fs.BoolVar(&c.add, "add", false, "add to what was imported before")
	fs.BoolVar(&c.dryRun, "dry-run", false, "only say what would be imported")
	fs.BoolVar(&c.json, "json", false, "print JSON")
	if c.Form == rival.DSPAM {
		fs.StringVar(&c.words, "words", "", "try the words of `FILE`, one a line: the dump has only hashes of them")
		fs.UintVar(&c.ham, "ham", 0, "dspam had learned `N` ham (dspam_stats)")
		fs.UintVar(&c.spam, "spam", 0, "dspam had learned `N` spam")
	}
}

// countsImported is what import prints.
type countsImported struct {
	Words    int  `json:"words"`
	Mapped   int  `json:"mapped"`
	Features int  `json:"features"`
	Ham      int  `json:"ham"`  // messages that the dump counts for
	Spam     int  `json:"spam"` //
	Rows     int  `json:"rows"`
	Already  bool `json:"already"` // this very dump was imported before
	DryRun   bool `json:"dry_run"`
}

// Run imports.
func (c *ImportCounts) Run(ctx context.Context, e *cli.Env) (err error) {
	if c.most < 1 || c.most > 1<<16 {
		return cli.UsageErrorf("--most: %d is not in 1..65536", c.most)
	}
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if c.scope, err = set.Scope(c.scope); err != nil {
		return err
	}
	counts, err := c.read(ctx, e)
	if err != nil {
		return err
	}
	a := countsImported{Words: counts.Words, Mapped: counts.Mapped, Features: len(counts.Features), DryRun: c.dryRun}
	rows := counts.Rows(c.scope, uint32(c.most))
	for _, row := range rows {
		if a.Rows++; row.Class == store.HamCounts {
			a.Ham += row.Adds
		} else {
			a.Spam += row.Adds
		}
	}
	if !c.dryRun {
		if a.Already, err = c.write(ctx, e, dir, rows); err != nil {
			return err
		}
	}
	return c.print(e, a)
}

// read reads the dump, and what else it needs.
func (c *ImportCounts) read(ctx context.Context, e *cli.Env) (*rival.Counts, error) {
	var words io.Reader
	if c.Form == rival.DSPAM {
		if c.words == "" || c.ham == 0 || c.spam == 0 || c.ham > 1<<31 || c.spam > 1<<31 {
			return nil, cli.UsageErrorf("say --words FILE, --ham N and --spam N")
		}
		f, err := os.Open(c.words)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		words = f
	}
	in := io.NopCloser(e.Stdin)
	if path := e.Args[0]; path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		in = f
	}
	defer in.Close()
	text, err := corpus.Unpack(bufio.NewReader(untilDone{ctx, in}))
	if err != nil {
		return nil, cli.WithCode(cli.ExitData, fmt.Errorf("%s: %w", e.Args[0], err))
	}
	defer text.Close()
	counts, err := rival.Read(text, c.Form, words, classify.Count{Ham: uint32(c.ham), Spam: uint32(c.spam)})
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, rival.ErrForm):
		err = cli.WithCode(cli.ExitData, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Args[0], err)
	}
	return counts, nil
}

// write puts the rows into the ledger, all or none.
func (c *ImportCounts) write(ctx context.Context, e *cli.Env, dir string, rows []store.Row) (already bool, err error) {
	db, done, err := datadir.OpenLedger(ctx, e, dir, false)
	if err != nil {
		return false, err
	}
	defer done(&err)
	old, known, err := db.Find(ctx, c.scope, rows[len(rows)-1].Digest)
	if err != nil {
		return false, err
	}
	if known && old.Class != store.None {
		return true, nil
	}
	n, err := db.Imported(ctx, c.scope)
	if err != nil {
		return false, err
	}
	if n > 0 && !c.add {
		return false, cli.Hint(cli.WithCode(cli.ExitData, errors.New("counts of another dump were imported already")),
			"take them out with `fanmill undo --source import`, or say --add to have both")
	}
	return false, db.Update(ctx, func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.Learn(row, store.Origin{Actor: e.User(), Source: "import"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *ImportCounts) print(e *cli.Env, a countsImported) error {
	if c.json {
		return cli.PrintJSON(e.Stdout, a)
	}
	text := fmt.Sprintf("%d of %d words are known here, %d features, which count for %d ham and %d spam", a.Mapped, a.Words, a.Features, a.Ham, a.Spam)
	switch {
	case a.DryRun:
		text += "; nothing was changed"
	case a.Already:
		text += "; imported before, nothing was changed"
	}
	return e.Print(text + "\n")
}
