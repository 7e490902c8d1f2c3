package query

import (
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// TestUnlabelledAreFoundByIndex: the labels, which are most of the rows, are not read.
func TestUnlabelledAreFoundByIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), ledger.FileName)
	if err := ledger.Schema.Prepare(t.Context(), path, false, time.Second); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.ConnectToRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var plan string
	err = c.Query("EXPLAIN QUERY PLAN "+selectUnlabelled, func(v []driver.Value) error {
		plan += sqlite.Text(v[3]) + "; "
		return nil
	}, int64(0), "", int64(0))
	if err != nil || !strings.HasPrefix(plan, "SEARCH msg USING INDEX msg_unlabelled") || strings.Contains(plan, "SCAN msg") {
		t.Errorf("done by %s (%v)", plan, err)
	}
}
