package query_test

import (
	"testing"

	"fanmill/store"
)

func open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func modelOf(t testing.TB, db *store.DB, scope string) *store.Model {
	t.Helper()
	m, err := db.Model(scope)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
