package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter"
	"fanmill/milter/mta"
	"fanmill/milter/socket"
	"fanmill/policy"
)

// recentDays is how far back doctor looks for mail and for what went wrong with it.
const recentDays = 7

// sockets are the milter sockets, as the configuration spells them: those the daemon
// listens on, or would.
func (x *exam) sockets() []string {
	switch {
	case x.status != nil:
		return x.status.Listen
	case x.set != nil:
		return x.set.File.Milter.Listen
	}
	return nil
}

// checkSockets: a milter answers on every socket of the daemon's. What the MTA may do
// is the next check's.
func checkSockets(ctx context.Context, x *exam) (list []finding) {
	const check = "socket"
	if x.status == nil {
		return unchecked(check, "no daemon answers")
	}
	for _, spec := range x.sockets() {
		e, err := socket.Parse(spec)
		if err == nil {
			err = mta.Answers(ctx, e.Network, e.Address)
		}
		switch {
		case err == nil:
			list = append(list, found(good, check, "%s answers", spec))
		case errors.Is(err, fs.ErrPermission):
			list = append(list, found(note, check, "cannot be checked: %s is not open to user %s", spec, x.env.User()))
		default:
			list = append(list, found(fault, check, "%s does not answer: %v; restart the daemon, its log says why", spec, err))
		}
	}
	return list
}

// checkMTAs: Postfix or Sendmail names one of our sockets, and reaches it.
func checkMTAs(ctx context.Context, x *exam) (list []finding) {
	clients, list := x.clients(ctx)
	ours := x.sockets()
	if len(ours) == 0 || len(clients) == 0 {
		return list
	}
	named := false
	for i := range clients {
		for _, m := range clients[i].Milters {
			for _, spec := range ours {
				if !names(&clients[i], m, spec) {
					continue
				}
				named = named || !clients[i].Local
				list = append(list, x.reach(ctx, &clients[i], m, spec))
				if m.Passes {
					list = append(list, found(note, "MTA", "while fanmill is down, %s lets mail through unscored, as %s says", clients[i].Name, m.Spec))
				}
			}
		}
	}
	if !named {
		list = append(list, x.unnamed(ctx, clients, ours))
	}
	return list
}

// clients are the parts of the MTAs of this host that connect to milters.
func (x *exam) clients(ctx context.Context) (clients []mta.Client, list []finding) {
	postfix, err := mta.Postfix(ctx, x.env.Postconf, x.postfix)
	noPostfix := errors.Is(err, fs.ErrNotExist)
	if err != nil && !noPostfix {
		list = append(list, unchecked("Postfix", err)...)
	}
	cf := x.env.SendmailCf
	if x.sendmail != "" {
		cf = x.sendmail
	}
	sendmail, err := mta.Sendmail(cf)
	noSendmail := errors.Is(err, fs.ErrNotExist) && x.sendmail == ""
	switch {
	case err == nil:
		postfix = append(postfix, sendmail)
	case !noSendmail:
		list = append(list, unchecked("Sendmail", err)...)
	}
	if noPostfix && noSendmail {
		list = append(list, unchecked("MTA", fmt.Sprintf("there is neither %s nor %s here", x.env.Postconf, cf))...)
	}
	return postfix, list
}

// names tells whether a milter that an MTA names is our socket, be it that the MTA
// cannot see it.
func names(c *mta.Client, m mta.Milter, spec string) bool {
	e, err := socket.Parse(spec)
	if err != nil || m.Network == "" || (m.Network == "unix") != (e.Network == "unix") {
		return false
	}
	if e.Network == "unix" {
		return m.Address == e.Address || sameFile(c.Path(m), e.Address)
	}
	return samePort(m.Address, e.Address)
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// samePort tells whether address, as an MTA of this host names it, leads to a socket
// that listens on ours.
func samePort(address, ours string) bool {
	host, port, err := net.SplitHostPort(address)
	ourHost, ourPort, ourErr := net.SplitHostPort(ours)
	if err != nil || ourErr != nil || port != ourPort {
		return false
	}
	if host == ourHost {
		return true
	}
	ip, err := netip.ParseAddr(ourHost)
	if err != nil {
		return false
	}
	other, err := netip.ParseAddr(host)
	if err != nil { // a name: localhost, or one that is not looked up
		return ip.IsUnspecified() || host == "localhost" && ip.IsLoopback()
	}
	return ip.IsUnspecified() && (other.IsLoopback() || ip.Is6() || other.Is4()) || ip == other
}

// reach tells whether a part of an MTA reaches our socket.
func (x *exam) reach(ctx context.Context, c *mta.Client, m mta.Milter, spec string) finding {
	e, _ := socket.Parse(spec) // which names has read
	how, err := c.Reach(ctx, m)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.Network == "unix" && m.Address == e.Address && c.Hides(e.Address):
		return found(fault, "MTA", "%s, does not see %s, which it looks for at %s: use an inet socket, or one below its root directory", c, m.Spec, c.Path(m))
	case x.status == nil:
		return found(note, "MTA", "%s names %s; whether it gets there cannot be checked: no daemon answers", c, m.Spec)
	case errors.Is(err, mta.ErrUnseen):
		return found(note, "MTA", "%s names %s; whether it gets there cannot be checked: %v; run doctor as root", c, m.Spec, err)
	case errors.Is(err, mta.ErrUnsafe):
		return found(fault, "MTA", "%s does not use %s as user %s: %v; see contrib/sendmail for a directory and a mode that will do", c, m.Spec, c.Account.Name, err)
	case err != nil:
		return found(fault, "MTA", "%s, cannot use %s as user %s: %v (%s); see socket_group and socket_mode in fanmill.toml(5)", c, m.Spec, c.Account.Name, err, how)
	case how == mta.ByModeBits:
		return found(good, "MTA", "%s may use %s as user %s, by mode bits; as root, doctor would try it", c, m.Spec, c.Account.Name)
	case m.Network != "unix":
		return found(good, "MTA", "%s gets an answer on %s", c, m.Spec)
	}
	return found(good, "MTA", "%s gets an answer on %s, tried as user %s", c, m.Spec, c.Account.Name)
}

// unnamed says that no MTA here names us for mail from outside. That is a note where mail comes all the
// same: from another host.
func (x *exam) unnamed(ctx context.Context, clients []mta.Client, ours []string) finding {
	l := warning
	if n, err := x.counted(ctx, func(string, string) bool { return true }); err == nil && n > 0 {
		l = note
	}
	var settings []string
	for _, c := range clients {
		if !c.Local && !slices.Contains(settings, c.Setting) {
			settings = append(settings, c.Setting)
		}
	}
	return found(l, "MTA", "no MTA of this host names %s in %s: `fanmill serve` without a configuration prints the lines to add", strings.Join(ours, " or "), strings.Join(settings, ", "))
}

// counted sums the daily counters of the last days that are wanted by outcome and rule.
func (x *exam) counted(ctx context.Context, want func(outcome, rule string) bool) (n int64, err error) {
	if x.history == nil {
		return 0, x.historyErr
	}
	days, err := x.history.Daily(ctx, recentDays)
	for _, d := range days {
		if want(d.Outcome, d.Rule) {
			n += d.N
		}
	}
	return n, err
}

// checkTraffic: mail has come.
func checkTraffic(ctx context.Context, x *exam) []finding {
	const check = "traffic"
	n, err := x.counted(ctx, func(string, string) bool { return true })
	switch {
	case err != nil:
		return unchecked(check, err)
	case n == 0:
		return one(warning, check, "no mail in the last %d days: does the MTA name fanmill as a milter, and was it reloaded?", recentDays)
	}
	return one(good, check, "%s in the last %d days", cli.Plural(int(n), "message", "messages"), recentDays)
}

// checkUnscored: mail that was let through without a score, or deferred for the lack of one.
func checkUnscored(ctx context.Context, x *exam) (list []finding) {
	const check = "unscored"
	for _, c := range []struct {
		want   func(outcome, rule string) bool
		format string
	}{
		{
			func(_, rule string) bool { return rule == milter.RuleFailed },
			"%s of the last %d days failed twice and went through unscored: copies are kept, `fanmill held list --box copy` lists them, the log says why",
		},
		{
			func(o, rule string) bool { return rule == policy.RuleOnError && o != policy.Fail.String() },
			"%s of the last %d days could not be scored and went through, as policy.on_error says: the log says why",
		},
		{
			func(o, _ string) bool { return o == policy.Fail.String() },
			"%s of the last %d days could not be scored or held and the sender was asked to try again: the log says why",
		},
	} {
		n, err := x.counted(ctx, c.want)
		if err != nil {
			return unchecked(check, err)
		}
		if n > 0 {
			list = append(list, found(warning, check, c.format, cli.Plural(int(n), "message", "messages"), recentDays))
		}
	}
	if len(list) == 0 {
		return one(good, check, "no message of the last %d days went through unscored or was deferred", recentDays)
	}
	return list
}
