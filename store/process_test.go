package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

func childMemory(dir string) error {
	start := time.Now()
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println("open:", time.Since(start))
	for n := range 20 {
		err := db.Update(background(), func(tx *Tx) error {
			for i := range 100 {
				if err := tx.Learn(message(1e6+100*n+i, Spam, 1), Origin{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := db.WriteSnapshot(); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "Vm") {
			fmt.Println(line)
		}
	}
	return db.Close()
}

// childLearn learns 20 messages each time it is told to.
func childLearn(dir string) error {
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	for n := 1000; ; n += 20 {
		if _, err := in.ReadString('\n'); err != nil {
			return db.Close()
		}
		if err := learnSome(db, n, 20); err != nil {
			return err
		}
		fmt.Println("learned")
	}
}

func learnSome(db *DB, first, count int) error {
	return db.Update(background(), func(tx *Tx) error {
		for n := first; n < first+count; n++ {
			if err := tx.Learn(message(n, Ham+Class(n%2), 1), Origin{Source: "train"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// childBatch learns batches until it is killed, with a snapshot now and then.
func childBatch(dir string) error {
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	first := int(db.Seq())
	fmt.Println("ready")
	for n := 1; ; n++ {
		if err := learnSome(db, 100_000+first+40*n, 40); err != nil {
			return err
		}
		if n%10 == 0 {
			if err := db.WriteSnapshot(); err != nil {
				return err
			}
		}
	}
}

// childBusy writes one long transaction after another, as fast as it can.
func childBusy(dir string) error {
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := db.Update(background(), func(tx *Tx) error {
			time.Sleep(2 * longUpdate)
			return tx.Learn(message(500_000+n, Spam, 1), Origin{})
		})
		if err != nil {
			return err
		}
		if n == 0 {
			fmt.Println("ready")
		}
	}
}

// childLock keeps every other process from writing until told to end, in mode
// EXCLUSIVE also from reading.
func childLock(dir, mode string) error {
	c, err := sqlite.Connect(dir+"/"+ledger.FileName, "locking_mode="+mode)
	if err != nil {
		return err
	}
	if err := sqlite.Retry(background(), time.Minute, func() error { return c.Run("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	fmt.Println("locked")
	bufio.NewReader(os.Stdin).ReadString('\n')
	if err := c.Run("COMMIT"); err != nil {
		return err
	}
	return c.Close()
}

// childFull learns under a limit on the size of files, as on a full disk: the
// commit fails, and ledger and model must be as before.
func childFull(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := learnSome(db, 1, 5); err != nil {
		return err
	}
	var before, after bytes.Buffer
	if err := db.Export(&before); err != nil {
		return err
	}
	size, err := db.Size()
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = uint64(size) + 64<<10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	reached := false
	err = db.Update(background(), func(tx *Tx) error {
		for n := 1000; n < 1400; n++ {
			if err := tx.Learn(message(n, Spam, 1), Origin{}); err != nil {
				return err
			}
		}
		reached = true
		return nil
	})
	fmt.Printf("commit reached: %v; failed: %v\n", reached, err != nil)
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) { // a limit on files is told as either
		return fmt.Errorf("not said to be the disk's fault: %w", err)
	}
	if err := db.Export(&after); err != nil {
		return err
	}
	fmt.Println("model as before:", before.String() == after.String(), "seq", db.Seq())
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := learnSome(db, 10, 5); err != nil {
		return fmt.Errorf("after the disk has room again: %w", err)
	}
	return nil
}

func cpuTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
