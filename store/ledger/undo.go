package ledger

import (
	"database/sql/driver"
	"math"

	"fanmill/store/model"
	"fanmill/store/sqlite"
)

const (
	insertWas = `INSERT INTO was (op, score_c, score_e, score_l, log_odds, judged, time, source)
	SELECT ?, score_c, score_e, score_l, log_odds, judged, time, source FROM msg WHERE id = ?`
	undoneMsg    = `UPDATE msg SET class = ?, adds = ?, step = ?, sure = ?, waits = ? WHERE id = ?`
	selectWas    = `SELECT score_c, score_e, score_l, log_odds, judged, time, source FROM was WHERE op = ?`
	restoreScore = `UPDATE msg SET score_c = ?, score_e = ?, score_l = ?, log_odds = ?, judged = ? WHERE id = ? AND judged <= ?`
	restoreGiver = `UPDATE msg SET time = ?, source = ? WHERE id = ?`
)

// Was is what an op took from its row besides the mark; nil for a message that was new, or
// waited.
type Was []driver.Value

// KeepWas keeps what the op of a number takes from a row.
func KeepWas(c *sqlite.Conn, seq, row int64) error {
	_, err := c.Exec(insertWas, seq, row)
	return err
}

// ReadWas reads what was kept of an op.
func ReadWas(c *sqlite.Conn, seq int64) (was Was, err error) {
	err = c.Query(selectWas, func(v []driver.Value) error {
		was = append(was, v...)
		return nil
	}, seq)
	return was, err
}

// PutBack gives the row of an op a mark, and what the row had before the op. Scores that it
// got since stay with a label that stays; a row's judged is the op that gave it its scores.
func PutBack(c *sqlite.Conn, op *Op, to model.Mark, was Was) error {
	waits := Waiting(0)
	if to.Waits {
		waits = WaitsAgain
	}
	if _, err := c.Exec(undoneMsg, int64(to.Class), int64(to.Adds), to.Step, to.Sure, int64(waits), op.Row); err != nil || was == nil {
		return err
	}
	last := op.Seq
	if op.Whole() {
		last = math.MaxInt64
	}
	if _, err := c.Exec(restoreScore, append(was[:5:5], op.Row, last)...); err != nil || !op.Decides() {
		return err
	}
	_, err := c.Exec(restoreGiver, was[5], was[6], op.Row)
	return err
}
