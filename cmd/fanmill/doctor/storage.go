package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/insight"
	"fanmill/milter/delay"
	"fanmill/milter/mta"
	"fanmill/spool"
	"fanmill/store/sqlite"
)

// checkLedger: it can be read; its size and growth.
func checkLedger(ctx context.Context, x *exam) []finding {
	const check = "ledger"
	switch {
	case errors.Is(x.dbErr, fs.ErrNotExist):
		return one(warning, check, "there is none: nothing has been trained yet")
	case errors.Is(x.dbErr, sqlite.ErrOlder), errors.Is(x.dbErr, sqlite.ErrBusy):
		return one(warning, check, "%v", x.dbErr)
	case errors.Is(x.dbErr, fs.ErrPermission):
		return unchecked(check, fmt.Sprintf("%v: run doctor as root, as the daemon's user or as a member of its group", x.dbErr))
	case x.dbErr != nil:
		return one(fault, check, "%v", x.dbErr)
	}
	size, err := x.db.Size()
	if err != nil {
		return unchecked(check, err)
	}
	all, recent, err := x.db.Growth(ctx, time.Now().AddDate(0, 0, -insight.TrafficDays))
	if err != nil {
		return unchecked(check, err)
	}
	growth := int64(float64(size) * float64(recent) / float64(max(all, 1)))
	return one(good, check, "%s for %s; the last %d days brought %d of them, about %s", cli.Bytes(size),
		cli.Plural(int(all), "message", "messages"), insight.TrafficDays, recent, cli.Bytes(growth))
}

// checkFeatures: the ledger was trained with the features that mail is scored by.
func checkFeatures(_ context.Context, x *exam) []finding {
	const check = "features"
	switch {
	case errors.Is(x.dbErr, sqlite.ErrFeatureVersion):
		return one(fault, check, "%v", x.dbErr)
	case x.db == nil:
		return unchecked(check, x.noLedger())
	}
	return one(good, check, "the ledger has version %d, as this fanmill", classify.FeatureVersion)
}

// checkIntegrity: the whole ledger can be read.
func checkIntegrity(ctx context.Context, x *exam) []finding {
	const check = "integrity"
	switch {
	case x.quick:
		return unchecked(check, "left out by --quick")
	case x.db == nil:
		return unchecked(check, x.noLedger())
	}
	size, _ := x.db.Size() // for the terminal only
	x.bar.Say("reading the ledger, " + cli.Bytes(size))
	switch err := x.db.Check(ctx); {
	case errors.Is(err, sqlite.ErrDamaged):
		return one(fault, check, "%v", err)
	case err != nil:
		return unchecked(check, err)
	}
	return one(good, check, "the whole ledger was read, and is sound")
}

// checkPartial: what of the training a newer feature set could not learn anew, and could
// not when there was one.
func checkPartial(ctx context.Context, x *exam) []finding {
	const check = "rebuild"
	if x.db == nil {
		return unchecked(check, x.noLedger())
	}
	all, err := x.db.Census(ctx)
	if err != nil {
		return unchecked(check, err)
	}
	left, err := x.db.Left(ctx)
	if err != nil {
		return unchecked(check, err)
	}
	labels, partial := 0, 0
	for _, c := range all {
		labels, partial = labels+c.Ham+c.Spam, partial+c.Partial
	}
	var list []finding
	if left > 0 {
		list = one(note, check, "%s taken away when features were made anew, since their messages are not kept whole: train them again", cli.Plural(int(left), "label was", "labels were"))
	}
	if partial > 0 {
		return append(list, found(note, check, "not kept whole (of users, too long, or with store.keep = \"features\"): %d of %s; a newer feature set could not learn them anew",
			partial, cli.Plural(labels, "labelled message", "labelled messages")))
	}
	return append(list, found(good, check, "all labelled messages are kept whole: a newer feature set can learn them anew"))
}

// checkHistory: its size.
func checkHistory(_ context.Context, x *exam) []finding {
	const check = "history"
	switch {
	case errors.Is(x.historyErr, sqlite.ErrDamaged), errors.Is(x.historyErr, sqlite.ErrNewer):
		return one(fault, check, "%v", x.historyErr)
	case x.history == nil:
		return unchecked(check, x.historyErr)
	}
	size, err := x.history.Size()
	if err != nil {
		return unchecked(check, err)
	}
	if x.set == nil {
		return one(good, check, "%s", cli.Bytes(size))
	}
	h := &x.set.File.History
	limit := int64(h.MaxBytes)
	if size >= limit {
		return one(note, check, "%s, the limit is %s: what is needed to correct accepted mail is dropped before its %d days are over; raise history.max_bytes, or lower history.days",
			cli.Bytes(size), cli.Bytes(limit), h.Days)
	}
	return one(good, check, "%s of at most %s, %d days", cli.Bytes(size), cli.Bytes(limit), h.Days)
}

// spoolDir is where the daemon holds mail, or would.
func (x *exam) spoolDir() string {
	switch {
	case x.status != nil:
		return x.status.Spool
	case x.set != nil:
		return x.set.File.Spool.Dir
	}
	return x.path("spool")
}

// keeper is the user that the daemon runs as: of the running one, else of the owner
// of the data directory.
func (x *exam) keeper() (mta.Account, error) {
	if x.status != nil {
		return mta.Lookup(strconv.Itoa(x.status.UID))
	}
	fi, err := os.Stat(x.dir)
	if err != nil {
		return mta.Account{}, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return mta.Account{}, errors.New("the data directory has no owner")
	}
	return mta.Lookup(strconv.Itoa(int(st.Uid)))
}

// checkRights: the daemon may write to its files and its spool, whoever has made them.
func checkRights(_ context.Context, x *exam) (list []finding) {
	user, err := x.keeper()
	if err != nil {
		return unchecked("writable", err)
	}
	dir := x.spoolDir()
	for _, part := range []struct {
		check string
		paths []string
	}{
		{"data writable", []string{x.dir, x.path("fanmill.db"), x.path("history.db"), x.path("model.snap"), x.path("waiting.lists"), x.path(delay.FileName)}},
		{"spool writable", []string{dir, filepath.Join(dir, "tmp"), filepath.Join(dir, "unsure"), filepath.Join(dir, "spam"), filepath.Join(dir, "copy"), filepath.Join(dir, "journal"), filepath.Join(dir, "lock")}},
	} {
		list = append(list, writable(user, part.check, part.paths))
	}
	return list
}

// writable finds the first of some paths that a user may not write to. What is not
// there is made by the daemon when it starts.
func writable(user mta.Account, check string, paths []string) finding {
	how, n := mta.Tried, 0
	for _, path := range paths {
		var err error
		switch how, err = user.CanWrite(path); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, mta.ErrUnseen):
			return found(note, check, "cannot be checked: %v; run doctor as root", err)
		case errors.Is(err, fs.ErrPermission):
			return found(fault, check, "%v (%s), which the daemon has to: `chown -R %s %s`", err, how, user.Name, paths[0])
		case err != nil:
			return found(fault, check, "user %s cannot write to %s: %v", user.Name, path, err)
		}
		n++
	}
	if n == 0 {
		return found(note, check, "%s is not there yet; the daemon makes it when it starts", paths[0])
	}
	return found(good, check, "%s, by user %s (%s)", paths[0], user.Name, how)
}

// checkSpace: room for held mail, and for the ledger where that has another disk.
func checkSpace(_ context.Context, x *exam) []finding {
	least := int64(0)
	if x.set != nil {
		least = int64(x.set.File.Spool.MinFree)
	}
	dir := x.spoolDir()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = x.dir // where it will be, or at least what there is
	}
	list := []finding{spoolSpace(dir, least)}
	if device(dir) != device(x.dir) {
		list = append(list, dataSpace(x.dir, least))
	}
	return list
}

// device is the number of the file system below a directory.
func device(dir string) uint64 {
	fi, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Dev
}

// spoolSpace tells of the room for held mail, of which least bytes are left free.
func spoolSpace(dir string, least int64) finding {
	const check = "free space"
	free, err := spool.Disk{}.Free(dir)
	switch {
	case err != nil:
		return found(note, check, "cannot be checked: %v", err)
	case free <= least:
		return found(fault, check, "%s in %s, of which %s are to be left free (spool.min_free): nothing is held, such mail is deferred; make room", cli.Bytes(free), dir, cli.Bytes(least))
	case free < 2*least:
		return found(warning, check, "%s in %s; from %s on (spool.min_free) nothing is held, such mail is deferred: make room", cli.Bytes(free), dir, cli.Bytes(least))
	}
	return found(good, check, "%s in %s", cli.Bytes(free), dir)
}

// dataSpace tells of the room for the databases.
func dataSpace(dir string, least int64) finding {
	const check = "free space"
	free, err := spool.Disk{}.Free(dir)
	switch {
	case err != nil:
		return found(note, check, "cannot be checked: %v", err)
	case free < least:
		return found(warning, check, "%s in %s: soon nothing can be learned or recorded; make room", cli.Bytes(free), dir)
	}
	return found(good, check, "%s in %s", cli.Bytes(free), dir)
}
