package control

import (
	"fmt"
	"net"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fanmill/store/query"
)

// Peer is who is at the other end of the socket, in the kernel's words.
type Peer struct {
	PID    int32
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary groups of the process
	Name   string   // login name; "uid1234" when there is none
}

// Access says who may do everything. NoGroup is the group nobody is in.
type Access struct {
	UID uint32 // the daemon's own user, beside root
	GID uint32 // the administrating group, or NoGroup

	ScopeOf func(address string) string // maps addresses and login names to scopes; nil: as they are
}

// NoGroup stands in Access.GID when no group administrates.
const NoGroup = ^uint32(0)

// All tells whether the peer may do everything.
func (a Access) All(p Peer) bool {
	if p.UID == 0 || p.UID == a.UID {
		return true
	}
	return a.GID != NoGroup && (p.GID == a.GID || slices.Contains(p.Groups, a.GID))
}

// Scope returns the scope a request works in, given the address or scope it names:
// for a peer without all rights that can only be the one of its own name.
func (a Access) Scope(p Peer, asked string) (string, error) {
	if err := CheckScope(asked); err != nil {
		return "", err
	}
	scope, own := a.scopeOf(asked), a.scopeOf(p.Name)
	switch {
	case a.All(p) && (scope != "" || asked == ""):
		return scope, nil
	case a.All(p):
		return "", fmt.Errorf("%w: %q maps to no scope but the site's, leave it out for that", ErrRequest, asked)
	case own == "": // never the site's in its place
		return "", WithHint(fmt.Errorf("%w: %s has no scope of his own", ErrForbidden, p.Name), "the section [scope] of the configuration says who has which")
	case asked == "" || scope == own:
		return own, nil
	}
	return "", WithHint(fmt.Errorf("%w: %s may use the scope %q only, not %q", ErrForbidden, p.Name, own, asked),
		"root and the members of the administrating group may use every scope")
}

// undo narrows what is to be taken back to what the peer may: for root and the daemon's
// user anything, for others what they decided themselves, and without all rights in the
// scope of their own name only.
func (a Access) undo(p Peer, sel *query.Selection) error {
	if p.UID != 0 && p.UID != a.UID && sel.Actor != p.Name {
		return WithHint(fmt.Errorf("%w: %s may take back his own decisions only", ErrForbidden, p.Name), "say --actor %s; root may take back everybody's", p.Name)
	}
	asked := ""
	if sel.Scope != nil {
		asked = *sel.Scope
	}
	if asked == "" && a.All(p) {
		return nil
	}
	scope, err := a.Scope(p, asked)
	sel.Scope = &scope
	return err
}

func (a Access) scopeOf(address string) string {
	if a.ScopeOf == nil {
		return address
	}
	return a.ScopeOf(address)
}

// peerOf asks the kernel who connected.
func peerOf(c net.Conn) (Peer, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return Peer{}, fmt.Errorf("ask for peer credentials: %T is no socket", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("ask for peer credentials: %w", err)
	}
	var p Peer
	var inner error
	err = raw.Control(func(fd uintptr) { p, inner = peerOfFD(int(fd)) })
	if err == nil {
		err = inner
	}
	if err != nil {
		return Peer{}, fmt.Errorf("ask for peer credentials: %w", err)
	}
	p.Name = loginName(p.UID)
	return p, nil
}

func peerOfFD(fd int) (Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	return Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid, Groups: peerGroups(fd)}, nil
}

// peerGroups returns the supplementary groups of the peer, none where the
// kernel (before 4.13) cannot tell. x/sys has no call for an option that
// returns an array, hence the bare system call.
func peerGroups(fd int) []uint32 {
	groups := make([]uint32, 64)
	for range 4 {
		size := uint32(len(groups) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 {
			return groups[:min(int(size/4), len(groups))]
		}
		if errno != unix.ERANGE {
			return nil
		}
		groups = make([]uint32, size/4+1)
	}
	return nil
}

func loginName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid" + id
}
