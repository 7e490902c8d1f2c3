package daemon

import (
	"fmt"
	"net"
	"strings"
)

// welcome is what serve prints when it runs without a configuration: where it
// listens and what to add to the MTA's configuration.
func welcome(addrs []net.Addr) string {
	var postfix, sendmail []string
	for _, a := range addrs {
		p, s := mtaSpellings(a)
		postfix = append(postfix, "smtpd_milters = "+p)
		if s != "" {
			sendmail = append(sendmail, "INPUT_MAIL_FILTER(`fanmill', `S="+s+", F=T, T=C:30s;S:30s;R:30s;E:5m')dnl")
		}
	}
	if len(sendmail) == 0 {
		sendmail = append(sendmail, "dnl (Sendmail wants a port, or a socket as contrib/sendmail/README.md has it)")
	}
	return `There is no configuration: fanmill observes. It scores, logs and counts the mail
it is shown and has no effect on it. Write a configuration with
"fanmill config example" when you want it to act.

Add to Postfix's main.cf (the unix socket is for members of the data directory's
group; a chrooted smtpd, as Debian has it, needs the inet line):

    ` + strings.Join(postfix, "\n  # or\n    ") + `
    milter_default_action = tempfail

or to sendmail.mc:

    ` + strings.Join(sendmail, "\n  dnl or\n    ") + `

and train it with "fanmill train --ham PATH" and "fanmill train --spam PATH".
`
}

// mtaSpellings writes a socket as Postfix and as Sendmail do; "" for one that Sendmail
// would not use, since a group may write to the data directory.
func mtaSpellings(a net.Addr) (postfix, sendmail string) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return "unix:" + a.String(), ""
	}
	family := "inet"
	if t.IP.To4() == nil {
		family = "inet6"
	}
	return "inet:" + t.String(), fmt.Sprintf("%s:%d@%s", family, t.Port, t.IP)
}
