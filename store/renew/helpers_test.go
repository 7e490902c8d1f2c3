package renew

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"fanmill/store"
	"fanmill/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, map[string]func(dir string) error{
		"hold":       childHold,
		"renew":      childRenew,
		"renew full": childRenewFull,
	})
}

func open(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func update(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// childHold has a ledger open until it may go on, and learns some messages then.
func childHold(dir string) error {
	db, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	err = db.Update(context.Background(), func(tx *store.Tx) error {
		for n := 1000; n < 1020; n++ {
			if err := tx.Learn(storetest.Message(n, store.Spam, 1), store.Origin{}); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, db.Close())
}
