package maillog

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fanmill/policy"
)

// followed is a file that is being counted.
type followed struct {
	t     *testing.T
	path  string
	table *Table
	stop  context.CancelFunc
	done  chan error
}

func follow(t *testing.T, content string) *followed {
	t.Helper()
	f := &followed{t: t, path: filepath.Join(t.TempDir(), "log"), table: NewTable(time.UTC), done: make(chan error, 1)}
	f.write(content)
	var ctx context.Context
	ctx, f.stop = context.WithCancel(t.Context())
	tail, err := OpenTail(ctx, f.path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := (&Counter{Table: f.table}).Count(tail)
		tail.Close()
		f.done <- err
	}()
	t.Cleanup(func() {
		f.stop()
		if err := <-f.done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-tail.Caught():
	case <-time.After(10 * time.Second):
		t.Fatal("the end of the file was not reached")
	}
	return f
}

func (f *followed) write(s string) {
	f.t.Helper()
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = file.WriteString(s)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// want waits until so many messages are counted, and a moment for more.
func (f *followed) want(n int64) {
	f.t.Helper()
	total := func() int64 {
		if rows := f.table.Rows(); len(rows) > 0 {
			return rows[0].N[policy.Total]
		}
		return 0
	}
	for range 1000 {
		if total() >= n {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	if got := total(); got != n {
		f.t.Fatalf("%d messages counted, want %d", got, n)
	}
}

func TestFollow(t *testing.T) {
	f := follow(t, ham+"\n")
	f.want(1)
	f.write("other\n" + ham[:100])
	f.want(1)
	f.write(ham[100:] + "\n" + ham + "\n")
	f.want(3)
}

func TestFollowAcrossRename(t *testing.T) {
	f := follow(t, ham+"\n")
	old, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * tailEvery) // there is no file of the name
	f.write("")
	time.Sleep(2 * tailEvery) // an empty one, and the writer still has the old one
	if _, err := io.WriteString(old, ham+"\n"+ham[:50]); err != nil {
		t.Fatal(err)
	}
	f.want(2)
	f.write(ham + "\n")
	f.want(3)
}

func TestFollowAcrossTruncation(t *testing.T) {
	f := follow(t, ham+"\n"+ham+"\n"+ham[:50])
	if err := os.Truncate(f.path, 0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * tailEvery)
	f.write(ham + "\n")
	f.want(3)
}

func TestOpenTailFails(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		if _, err := OpenTail(t.Context(), path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}
