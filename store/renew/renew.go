// Package renew brings a ledger that was trained with an older feature version to the present
// one. The old ledger is never changed. A copy of it is renewed beside
// it, also while an older fanmill goes on with the ledger; then what has changed in the
// ledger since is brought over, and the copy takes its place. Whatever is cut short, the
// old ledger or the new one is in place, whole, and the next Run finishes the rest.
//
// In table meta of the copy "copied" is the last op that was copied, and "renewed" the
// feature version that the copy is for.
package renew

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/ledger"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// renewedFile is the name of a renewed copy beside the ledger.
const renewedFile = ledger.FileName + ".renewed"

// Renewed says what became of a ledger of another feature version.
type Renewed struct {
	From     int64  `json:"from"`           // the version it had
	Messages int    `json:"messages"`       // whose features were made anew
	Left     int    `json:"left"`           // labels whose messages are not kept: taken away
	Kept     string `json:"kept,omitempty"` // the old ledger
}

// Options say where a ledger lies.
type Options struct {
	Dir    string
	Logger *slog.Logger  // nil: nothing is logged
	Busy   time.Duration // how long to wait for other processes; 0: 2 min
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Busy <= 0 {
		o.Busy = sqlite.DefaultBusy
	}
}

// Extract gives the features and grams of a canonical message, in ascending order.
type Extract func(message []byte) ([]uint64, []uint32)

// Run brings the ledger in o.Dir, which was trained with an older feature version, to
// the present one, with what Prepare has left, if that is of use. Which messages
// count, how often, and their steps stay as they were decided. What is kept without its
// whole message would count what nothing can find any more: its label is taken away.
// Nobody may have the ledger open. The old one is kept beside the new one. progress may
// be nil.
func Run(ctx context.Context, o Options, extract Extract, progress func(done, total int)) (r Renewed, err error) {
	o.setDefaults()
	path := filepath.Join(o.Dir, ledger.FileName)
	if err := anyFeatures().Prepare(ctx, path, false, o.Busy); err != nil {
		return r, err
	}
	if r.From, err = olderFeatures(path); err != nil || r.From == classify.FeatureVersion {
		return r, err
	}
	n := renewal{ctx: ctx, busy: o.Busy, pack: pack.NewPacker(), extract: extract, progress: progress}
	err = n.finish(path)
	if errors.Is(err, errNoCopy) {
		o.Logger.Info("renewing a copy of the ledger", "reason", err, "features", r.From)
		if err = n.prepare(path); err == nil {
			err = n.finish(path)
		}
	}
	r.Messages, r.Left = n.messages, n.left
	if err == nil {
		r.Kept, err = n.install(path, fmt.Sprintf("-features%d", r.From))
	}
	if err != nil {
		return Renewed{From: r.From}, fmt.Errorf("renew features: %w", sqlite.Explain(path, err))
	}
	return r, nil
}

// Prepare does most of the work of Run beforehand, beside the ledger, while
// others, also an older fanmill, go on using it. Nothing else changes.
func Prepare(ctx context.Context, o Options, extract Extract, progress func(done, total int)) (r Renewed, err error) {
	o.setDefaults()
	path := filepath.Join(o.Dir, ledger.FileName)
	if r.From, err = olderFeatures(path); err != nil || r.From == classify.FeatureVersion {
		return r, err
	}
	n := renewal{ctx: ctx, busy: o.Busy, pack: pack.NewPacker(), extract: extract, progress: progress}
	if err := n.prepare(path); err != nil {
		return Renewed{From: r.From}, fmt.Errorf("renew features: %w", sqlite.Explain(path, err))
	}
	r.Messages = n.messages
	return r, nil
}

// anyFeatures is the ledger's schema, whatever the version of its features.
func anyFeatures() *sqlite.Schema {
	s := ledger.Schema
	s.Model = false
	return &s
}

// olderFeatures returns a ledger's feature version, which must not be newer than ours.
func olderFeatures(path string) (version int64, err error) {
	if _, err := sqlite.CheckHeader(path, true); err != nil {
		return 0, err
	}
	c, err := sqlite.ConnectToRead(path)
	if err != nil {
		return 0, err
	}
	version, err = c.Integer(sqlite.MetaValue, "features")
	if err = errors.Join(err, c.Close()); err != nil {
		return 0, fmt.Errorf("read versions of %s: %w", path, sqlite.Explain(path, err))
	}
	if version > classify.FeatureVersion {
		return 0, fmt.Errorf("%s: %w: it has feature version %d, this fanmill uses %d", path, sqlite.ErrNewer, version, classify.FeatureVersion)
	}
	return version, nil
}

// renewal is a Run under way.
type renewal struct {
	c        *sqlite.Conn // to the copy
	ctx      context.Context
	busy     time.Duration
	pack     *pack.Packer
	extract  Extract
	progress func(done, total int)

	messages, left int
	last           int64 // op of the ledger that was brought over
}

// prepare renews a copy and gives it its name. What is not kept whole waits for finish:
// it may gain its message.
func (n *renewal) prepare(path string) error {
	dir := filepath.Dir(path)
	ready := filepath.Join(dir, renewedFile)
	disk.Sweep(dir, "."+renewedFile+".", "") // with what SQLite leaves beside
	f, err := disk.Temp(ready)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	if err := disk.Hand(f); err != nil {
		return err
	}
	got, err := anyFeatures().Copy(n.ctx, path, f.Name(), nil)
	if err == nil && got.OlderForm {
		err = anyFeatures().Migrate(f.Name())
	}
	if err != nil {
		return err
	}
	if err := n.renewCopy(f.Name()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), ready); err != nil {
		return err
	}
	return disk.SyncDir(dir)
}

// renewCopy works without a journal: a copy that is cut short is thrown away.
func (n *renewal) renewCopy(path string) (err error) {
	if n.c, err = sqlite.Connect(path, "journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "cache_size=-16384"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.c.Close()) }()
	if err := n.c.Run("BEGIN"); err != nil {
		return err
	}
	const note = `INSERT OR REPLACE INTO meta VALUES ('renewed', ?), ('copied', coalesce((` + ledger.SelectLast + `), 0))`
	if _, err := n.c.Exec(note, int64(classify.FeatureVersion)); err != nil {
		return err
	}
	if err := n.rows("complete"); err != nil {
		return err
	}
	return n.c.Run("COMMIT")
}

// errNoCopy says that there is no renewed copy that is of use.
var errNoCopy = errors.New("there is no renewed copy of it yet")

// finish brings over what has changed in the ledger since the copy was made, in one
// transaction, and leaves the copy ready to take the ledger's place.
func (n *renewal) finish(path string) (err error) {
	ready := filepath.Join(filepath.Dir(path), renewedFile)
	switch size, err := sqlite.CheckHeader(ready, false); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, sqlite.ErrDamaged), err == nil && size == 0:
		return errNoCopy
	case err != nil:
		return err
	}
	defer func() {
		if sqlite.IsCorrupt(err) {
			err = fmt.Errorf("%w: what lies there cannot be read: %w", errNoCopy, err) // nor could a damaged ledger be copied again
		}
	}()
	if n.c, err = sqlite.Connect(ready, "synchronous=FULL", "cache_size=-16384"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.c.Close()) }()
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := n.c.Exec("ATTACH ? AS old", abs); err != nil {
		return err
	}
	messages, left := n.messages, n.left
	return sqlite.Retry(n.ctx, n.busy, func() error {
		n.messages, n.left = messages, left
		return n.c.Atomically(n.bringOver)
	})
}

// copied is SQL for the last op that was copied.
const copied = "(SELECT value FROM main.meta WHERE key = 'copied')"

// isCopy yields 1 if the copy is for this feature version, in the form of the ledger, and
// one of its past, and the ledger's log has all that came since.
const isCopy = `SELECT (SELECT value FROM main.meta WHERE key = 'ledger') = (SELECT value FROM old.meta WHERE key = 'ledger')
	AND (SELECT value FROM main.meta WHERE key = 'schema') = (SELECT value FROM old.meta WHERE key = 'schema')
	AND (SELECT value FROM main.meta WHERE key = 'renewed') = ?
	AND coalesce((SELECT time FROM main.op WHERE seq = ` + copied + `), 0) = coalesce((SELECT time FROM old.op WHERE seq = ` + copied + `), 0)
	AND (SELECT count(*) FROM old.op WHERE seq > ` + copied + `) = ? - ` + copied

// bringOver is SQL that replaces in the copy all rows that are, or may be, other than the
// ledger's: those that ops since speak of (an earlier finish has left some in the copy),
// those that are gone, and those that may have gained their message, of which no op speaks.
var bringOver = []string{
	"CREATE TEMP TABLE changed (id INTEGER PRIMARY KEY)",
	"INSERT INTO changed SELECT row FROM main.op WHERE seq > " + copied + " UNION SELECT row FROM old.op WHERE seq > " + copied + `
		UNION SELECT id FROM main.msg WHERE NOT complete OR id NOT IN (SELECT id FROM old.msg)`,
	"DELETE FROM main.msg WHERE id IN (SELECT id FROM changed)",
	"DELETE FROM main.body WHERE id IN (SELECT id FROM changed)",
	"DELETE FROM main.lists WHERE id IN (SELECT id FROM changed)",
	"DELETE FROM main.op WHERE seq > " + copied,
	"DELETE FROM main.was WHERE op > " + copied,
	"INSERT INTO main.msg SELECT * FROM old.msg WHERE id IN (SELECT id FROM changed)",
	"INSERT INTO main.body SELECT * FROM old.body WHERE id IN (SELECT id FROM changed)",
	"INSERT INTO main.lists SELECT * FROM old.lists WHERE id IN (SELECT id FROM changed)",
	"INSERT INTO main.op SELECT * FROM old.op WHERE seq > " + copied,
	"INSERT INTO main.was SELECT * FROM old.was WHERE op > " + copied,
	"DELETE FROM main.sqlite_sequence",
	"INSERT INTO main.sqlite_sequence SELECT * FROM old.sqlite_sequence",
}

func (n *renewal) bringOver() (err error) {
	if n.last, err = n.c.Integer("SELECT seq FROM old.sqlite_sequence WHERE name = 'op'"); err != nil {
		return err
	}
	fits, err := n.c.Integer(isCopy, int64(classify.FeatureVersion), n.last)
	switch {
	case err != nil:
		return err
	case fits != 1:
		return fmt.Errorf("%w: what lies there is not of this ledger and this fanmill", errNoCopy)
	}
	for _, sql := range bringOver {
		if _, err := n.c.Exec(sql); err != nil {
			return err
		}
	}
	if err := n.rows("id IN (SELECT id FROM changed)"); err != nil {
		return err
	}
	if _, err = n.c.Exec("DROP TABLE changed"); err != nil {
		return err
	}
	_, err = n.c.Exec("UPDATE main.meta SET value = ? WHERE key = 'features'", int64(classify.FeatureVersion))
	return err
}

// install puts the finished copy in the ledger's place, which is kept under another name.
func (n *renewal) install(path, why string) (kept string, err error) {
	if kept, err = sqlite.SetAside(n.ctx, path, why); err != nil {
		return "", err
	}
	c, err := sqlite.ConnectToRead(kept)
	if err != nil {
		return "", err
	}
	last, err := c.Integer(ledger.SelectLast)
	if err = errors.Join(err, c.Close()); err != nil {
		return "", err
	}
	if last != n.last {
		return "", fmt.Errorf("%s: %w: stop whatever trains, and do it again", path, sqlite.ErrOpen)
	}
	dir := filepath.Dir(path)
	if err := os.Rename(filepath.Join(dir, renewedFile), path); err != nil {
		return "", err
	}
	// A snapshot that stayed would be found not to fit.
	if err := os.Remove(filepath.Join(dir, ledger.SnapshotName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("remove the snapshot of the old model: %w", err)
	}
	return kept, disk.SyncDir(dir)
}
