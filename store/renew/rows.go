package renew

import (
	"database/sql/driver"
	"fmt"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// renewRow is a row with what is to be made anew.
type renewRow struct {
	ledger.Row
	features, grams bool // are kept
}

// rows renews the rows that a condition names.
func (n *renewal) rows(which string) error {
	total, err := n.c.Integer("SELECT count(*) FROM main.msg WHERE " + which)
	if err != nil {
		return err
	}
	for done, last := 0, int64(0); ; {
		rows, err := n.read(which, last)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := n.row(&rows[i]); err != nil {
				return fmt.Errorf("message %d: %w", rows[i].ID, err)
			}
			last = rows[i].ID
		}
		if done += len(rows); n.progress != nil {
			n.progress(done, int(total))
		}
		if len(rows) < renewAtOnce {
			return nil
		}
	}
}

// renewAtOnce is how many rows are read at once.
const renewAtOnce = 64

const selectRenew = `SELECT id, scope, class, adds, step, sure, waits, complete, features IS NOT NULL, grams IS NOT NULL, message
	FROM main.msg LEFT JOIN main.lists USING (id) LEFT JOIN main.body USING (id) WHERE %s AND id > ? ORDER BY id LIMIT ?`

func (n *renewal) read(which string, after int64) (rows []renewRow, err error) {
	err = n.c.Query(fmt.Sprintf(selectRenew, which), func(v []driver.Value) (err error) {
		r := renewRow{features: sqlite.Int(v[8]) != 0, grams: sqlite.Int(v[9]) != 0}
		r.ID, r.Scope, r.Complete = sqlite.Int(v[0]), sqlite.Text(v[1]), sqlite.Int(v[7]) != 0
		m := ledger.AsMark(r.Scope, v[2:7])
		r.Class, r.Adds, r.Step, r.Sure, r.Waits = m.Class, m.Adds, m.Step, m.Sure, m.Waits
		if r.Complete {
			if r.Message, err = pack.ReadMessage(sqlite.Blob(v[10])); err != nil {
				return err
			}
		}
		rows = append(rows, r)
		return n.ctx.Err()
	}, after, int64(renewAtOnce))
	return rows, err
}

func (n *renewal) row(r *renewRow) error {
	if !r.features && !r.grams {
		return nil // nothing of it counts; its message yields the lists when they are needed
	}
	if !r.Complete {
		return n.leave(r)
	}
	features, grams := n.extract(r.Message)
	r.Features, r.Grams = append([]uint64{}, features...), append([]uint32{}, grams...) // none is an empty list
	lists, err := r.Pack(n.pack, r.features, r.grams)
	if err != nil {
		return err
	}
	n.messages++
	_, err = n.c.Exec("UPDATE lists SET features = ?, grams = ? WHERE id = ?", lists.Features, lists.Grams, r.ID)
	return err
}

// leave takes the label of a row away: it can be trained again.
func (n *renewal) leave(r *renewRow) error {
	if _, err := n.c.Exec("DELETE FROM lists WHERE id = ?", r.ID); err != nil {
		return err
	}
	if r.Class == model.None {
		return nil
	}
	n.left++
	if _, err := n.c.Exec("INSERT INTO main.was SELECT (SELECT seq + 1 FROM main.sqlite_sequence WHERE name = 'op'), score_c, score_e, score_l, log_odds, judged, time, source FROM msg WHERE id = ?", r.ID); err != nil {
		return err
	}
	if _, err := n.c.Exec("UPDATE msg SET class = 0, adds = 0, step = 0, sure = 0, waits = 0, source = ? WHERE id = ?", ledger.Renewed, r.ID); err != nil {
		return err
	}
	_, err := n.c.Exec(`INSERT INTO op (time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
		class_after, adds_after, step_after, sure_after, waits_after) VALUES (unixepoch() * 1000000, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)`,
		ledger.Renewed, int64(ledger.KindForget), r.ID, r.Scope, int64(r.Class), int64(r.Adds), r.Step, r.Sure, r.Waits)
	return err
}
