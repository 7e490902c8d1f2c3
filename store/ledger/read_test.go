package ledger

import (
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/store/sqlite"
)

// TestLabelsAreReadInOrder: the window is read by an index, without sorting, and so are
// the rows that wait or do not count.
func TestLabelsAreReadInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := Schema.Prepare(t.Context(), path, false, time.Second); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.ConnectToRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, sql := range []string{selectLabels, selectWaiting, selectSpare} {
		var plan []string
		args := make([]driver.Value, strings.Count(sql, "?"))
		err := c.Query("EXPLAIN QUERY PLAN "+sql, func(v []driver.Value) error {
			plan = append(plan, sqlite.Text(v[3]))
			return nil
		}, args...)
		all := strings.Join(plan, "; ")
		if err != nil || all == "" || strings.Contains(all, "SCAN") || strings.Contains(all, "TEMP B-TREE") {
			t.Errorf("%s\nis done by %s (%v)", sql, all, err)
		}
	}
}
