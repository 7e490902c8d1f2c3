package mta

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Account is a user as the file system knows one.
type Account struct {
	Name   string
	UID    uint32
	Groups []uint32 // the login group first
}

// Lookup finds a user by login name or number.
func Lookup(name string) (Account, error) {
	u, err := user.Lookup(name)
	if _, number := strconv.ParseUint(name, 10, 32); err != nil && number == nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return Account{}, fmt.Errorf("find user %q: %w", name, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return Account{}, fmt.Errorf("find groups of user %q: %w", name, err)
	}
	a := Account{Name: u.Username}
	ids := append([]string{u.Uid, u.Gid}, groups...)
	for i, id := range ids {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return Account{}, fmt.Errorf("read number of user %q: %w", name, err)
		}
		if i == 0 {
			a.UID = uint32(n)
		} else if !slices.Contains(a.Groups, uint32(n)) {
			a.Groups = append(a.Groups, uint32(n))
		}
	}
	return a, nil
}

// ErrUnseen says that rights cannot be told, since who asks may not look.
var ErrUnseen = errors.New("is not open to who looks at it")

// How says how an answer about rights was found.
type How string

// The ways. Root can try everything in anybody's name, everybody in his own.
const (
	Tried      How = "tried"
	ByModeBits How = "by mode bits"
)

// try runs fn with the account's rights to files where that can be had, seeing
// root as its root directory unless root is "". Where it cannot, fn is not run.
func (a Account) try(root string, fn func() error) (tried bool, err error) {
	me := uint32(os.Geteuid())
	switch {
	case root == "" && me == a.UID:
		return true, fn()
	case me != 0:
		return false, nil
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		err := a.become(root)
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return true, <-done
}

// become gives the calling thread, and no other, the account's rights to files.
func (a Account) become(root string) error {
	if root != "" {
		err := unix.Unshare(unix.CLONE_FS) // or the whole process would move
		if err == nil {
			err = unix.Chroot(root)
		}
		if err == nil {
			err = unix.Chdir("/")
		}
		if err != nil {
			return fmt.Errorf("enter %s: %w", root, err)
		}
	}
	// The library's setgroups changes all threads.
	if _, _, no := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(a.Groups)), uintptr(unsafe.Pointer(unsafe.SliceData(a.Groups))), 0); no != 0 {
		return fmt.Errorf("take the groups of user %s: %w", a.Name, no)
	}
	if err := unix.Setfsgid(int(a.Groups[0])); err != nil {
		return fmt.Errorf("take the group of user %s: %w", a.Name, err)
	}
	if err := unix.Setfsuid(int(a.UID)); err != nil {
		return fmt.Errorf("become user %s: %w", a.Name, err)
	}
	return nil
}

// CanWrite tells whether the account may write to a file, or make files in a
// directory; nothing is written. The error says what forbids it.
func (a Account) CanWrite(path string) (How, error) {
	want := uint32(unix.W_OK)
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		want |= unix.X_OK
	}
	tried, err := a.try("", func() error { return unix.Faccessat(unix.AT_FDCWD, path, want, unix.AT_EACCESS) })
	if !tried {
		return ByModeBits, a.allowed("", path, want)
	}
	return Tried, a.blame("", path, want, err)
}

// blame names what forbids the access that has failed.
func (a Account) blame(root, path string, want uint32, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		if why := a.allowed(root, path, want); why != nil {
			return why
		}
	}
	return err
}

// allowed tells by mode bits whether the account may have access to a path below
// root: enter all directories on the way, and do what want says (unix.W_OK, X_OK)
// in the end. It knows neither access lists nor read-only file systems.
func (a Account) allowed(root, path string, want uint32) error {
	full := filepath.Join("/", root, path)
	if real, err := filepath.EvalSymlinks(full); err == nil && root == "" {
		full = real
	}
	parts := strings.Split(strings.TrimPrefix(full, "/"), "/")
	for i := range parts {
		part := "/" + strings.Join(parts[:i+1], "/")
		fi, err := os.Stat(part)
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%s %w", part, ErrUnseen)
		}
		if err != nil {
			return err
		}
		need, verb := uint32(unix.X_OK), "enter"
		if i == len(parts)-1 {
			need, verb = want, "write to"
		}
		if !a.has(fi, need) {
			return fmt.Errorf("user %s may not %s %s (%s, %s): %w", a.Name, verb, part, fi.Mode(), owner(fi), fs.ErrPermission)
		}
	}
	return nil
}

// has tells whether the mode bits of a file grant access to the account.
func (a Account) has(fi fs.FileInfo, want uint32) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	bits := uint32(fi.Mode().Perm())
	switch {
	case a.UID == 0:
		return true
	case st.Uid == a.UID:
		bits >>= 6
	case slices.Contains(a.Groups, st.Gid):
		bits >>= 3
	}
	return bits&want == want
}

// owner is user:group of a file.
func owner(fi fs.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return "?"
	}
	name, group := strconv.Itoa(int(st.Uid)), strconv.Itoa(int(st.Gid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return name + ":" + group
}
