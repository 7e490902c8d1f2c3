package past

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store/history"
)

// Purge removes what the history says of an address.
type Purge struct {
	purge        history.Purge
	dryRun, json bool
}

// Flags is cli.Runner.
func (h *Purge) Flags(fs *flag.FlagSet) {
	fs.StringVar(&h.purge.To, "to", "", "records of mail to `ADDR`: user@example.org, or @example.org for all of a domain")
	fs.StringVar(&h.purge.From, "from", "", "records of mail from `ADDR`, by its sender or its From field")
	fs.BoolVar(&h.dryRun, "dry-run", false, "only say how many there are")
	fs.BoolVar(&h.json, "json", false, "print JSON")
}

// Run removes them.
func (h *Purge) Run(ctx context.Context, e *cli.Env) (err error) {
	if (h.purge.To == "") == (h.purge.From == "") {
		return cli.UsageErrorf("say --to ADDR or --from ADDR")
	}
	if addr := h.purge.To + h.purge.From; strings.HasSuffix(addr, "@") || strings.ContainsAny(addr, "*%<> \n") {
		return cli.UsageErrorf("%q is no address, want user@example.org or @example.org", addr)
	}
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	n, err := h.run(ctx, e, dir)
	if err != nil {
		return err
	}
	switch {
	case h.json:
		return cli.PrintJSON(e.Stdout, map[string]int{map[bool]string{true: "found", false: "removed"}[h.dryRun]: n})
	case h.dryRun:
		_, err = fmt.Fprintf(e.Stdout, "%s would be removed\n", cli.Plural(n, "record", "records"))
	default:
		_, err = fmt.Fprintf(e.Stdout, "%s removed\n", cli.Plural(n, "record", "records"))
	}
	return cli.WriteError(err)
}

func (h *Purge) run(ctx context.Context, e *cli.Env, dir string) (n int, err error) {
	if _, err := os.Stat(filepath.Join(dir, "history.db")); errors.Is(err, fs.ErrNotExist) {
		return 0, nil // purging would make one
	}
	if h.dryRun {
		past, err := datadir.ReadHistory(ctx, e, dir)
		if err != nil || past == nil {
			return 0, err
		}
		defer past.Close()
		return past.Concerned(ctx, h.purge)
	}
	set, err := settings.Of(e)
	if err != nil {
		return 0, err
	}
	past, err := datadir.OpenHistory(ctx, dir, set, e.Logger())
	if errors.Is(err, fs.ErrPermission) {
		return 0, cli.Hint(err, "run it as root or as the daemon's user, who alone may change the history")
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, past.Close(), datadir.Adopt(dir)) }()
	return past.Purge(ctx, h.purge)
}
