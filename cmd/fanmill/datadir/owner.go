package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Make makes the data directory where it is missing. What root makes the
// group fanmill may enter, as it may use the sockets below it.
func Make(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	group := Administrators()
	if os.Geteuid() != 0 || group < 0 {
		return nil
	}
	if err := os.Chown(dir, 0, group); err != nil {
		return err
	}
	return os.Chmod(dir, 0o750|fs.ModeSetgid)
}

// Adopt gives what root has made in a data directory of another user to that
// user: a ledger that root trained before the daemon's first start would
// otherwise be closed to the daemon. Files that are not plain, have further
// names or belong to somebody already are left alone, since the directory's
// owner decides what lies there.
func Adopt(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	fi, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data directory: %w", err)
	}
	owner, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	var errs []error
	for _, name := range []string{"fanmill.db", "fanmill.db-wal", "fanmill.db-shm", "history.db", "history.db-wal", "history.db-shm", "model.snap", "waiting.lists"} {
		errs = append(errs, give(filepath.Join(dir, name), int(owner.Uid), int(owner.Gid)))
	}
	return errors.Join(errs...)
}

// give changes the owner of one plain file that is root's.
func give(path string, uid, gid int) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give data to its owner: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("give data to its owner: %w", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || !fi.Mode().IsRegular() || st.Uid != 0 || st.Nlink != 1 {
		return nil
	}
	if err := f.Chown(uid, gid); err != nil {
		return fmt.Errorf("give data to its owner: %w", err)
	}
	return nil
}

// Administrators returns the number of the group fanmill, -1 where there is
// none: then only root and the daemon's own user administrate.
func Administrators() int {
	g, err := user.LookupGroup("fanmill")
	if err != nil {
		return -1
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return -1
	}
	return gid
}
