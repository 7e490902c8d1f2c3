package harness

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
)

// directory is one directory of a private Postfix.
type directory struct {
	path  string
	owner string
	group string // "" is root's
	mode  os.FileMode
}

// layout is what `postfix check` would make below queue_directory (it takes two
// seconds), with the directories around it; parents come first.
var layout = []directory{
	{"etc", "root", "", 0o755},
	{"data", "postfix", "", 0o755},
	{"log", "root", "", 0o755},
	{"mail", "nobody", "", 0o755}, // virtual(8) delivers as nobody
	{"spool", "root", "", 0o755},
	{"spool/pid", "root", "", 0o755},
	{"spool/private", "postfix", "", 0o700},
	{"spool/public", "postfix", "postdrop", 0o2710},
	{"spool/maildrop", "postfix", "postdrop", 0o1730},
	{"spool/active", "postfix", "", 0o700},
	{"spool/bounce", "postfix", "", 0o700},
	{"spool/corrupt", "postfix", "", 0o700},
	{"spool/defer", "postfix", "", 0o700},
	{"spool/deferred", "postfix", "", 0o700},
	{"spool/flush", "postfix", "", 0o700},
	{"spool/hold", "postfix", "", 0o700},
	{"spool/incoming", "postfix", "", 0o700},
	{"spool/saved", "postfix", "", 0o700},
	{"spool/trace", "postfix", "", 0o700},
}

// masterCF is the service table: nothing but the filtered smtpd may be chrooted,
// postlogd writes the log.
const masterCF = `
@ADDR@     inet  n  -  @CHROOT@  -  -  smtpd
@PLAIN@    inet  n  -  n  -  -  smtpd -o smtpd_milters=
pickup     unix  n  -  n  60 1  pickup
cleanup    unix  n  -  n  -  0  cleanup
qmgr       unix  n  -  n  300 1 qmgr
tlsmgr     unix  -  -  n  1000? 1 tlsmgr
rewrite    unix  -  -  n  -  -  trivial-rewrite
bounce     unix  -  -  n  -  0  bounce
defer      unix  -  -  n  -  0  bounce
trace      unix  -  -  n  -  0  bounce
verify     unix  -  -  n  -  1  verify
flush      unix  n  -  n  1000? 0 flush
proxymap   unix  -  -  n  -  -  proxymap
proxywrite unix  -  -  n  -  1  proxymap
smtp       unix  -  -  n  -  -  smtp
relay      unix  -  -  n  -  -  smtp
showq      unix  n  -  n  -  -  showq
error      unix  -  -  n  -  -  error
retry      unix  -  -  n  -  -  error
discard    unix  -  -  n  -  -  discard
local      unix  -  n  n  -  -  local
virtual    unix  -  n  n  -  -  virtual
lmtp       unix  -  -  n  -  -  lmtp
anvil      unix  -  -  n  -  1  anvil
scache     unix  -  -  n  -  1  scache
postlog    unix-dgram n - n  -  1  postlogd
`

// everywhere is the part of main.cf that no directory or account enters.
var everywhere = map[string]string{
	"compatibility_level":    "3.6",
	"command_directory":      "/usr/sbin",
	"daemon_directory":       "/usr/lib/postfix/sbin",
	"mail_owner":             "postfix",
	"setgid_group":           "postdrop",
	"syslog_name":            "pfx",
	"inet_interfaces":        "127.0.0.1",
	"inet_protocols":         "all", // also what XCLIENT may name
	"myhostname":             "mx." + NextDomain,
	"mydestination":          "",
	"mynetworks":             "127.0.0.0/8",
	"local_recipient_maps":   "",
	"alias_maps":             "",
	"alias_database":         "",
	"relay_domains":          NextDomain,
	"default_transport":      "discard:",
	"relay_transport":        "smtp:[127.0.0.1]:1",
	"smtp_dns_support_level": "disabled",
	"smtp_host_lookup":       "native",

	"virtual_mailbox_domains": BoxDomain,
	"virtual_mailbox_maps":    "static:box/",
	"virtual_minimum_uid":     "1",
	"virtual_mailbox_limit":   "0",

	"smtpd_relay_restrictions":            "permit_mynetworks, reject_unauth_destination",
	"smtpd_authorized_xclient_hosts":      "127.0.0.0/8",
	"smtpd_peername_lookup":               "no",
	"smtpd_client_connection_count_limit": "0",
	"smtpd_error_sleep_time":              "0",
	"smtpd_soft_error_limit":              "10000",
	"smtpd_hard_error_limit":              "10000",
	"smtpd_recipient_limit":               "1000",
	"smtpd_tls_security_level":            "none",
	"milter_default_action":               "tempfail",
	"smtputf8_enable":                     "yes",
	"default_process_limit":               "100",
	"message_size_limit":                  "209715200",
	"mailbox_size_limit":                  "0",
	"in_flow_delay":                       "0",
	"notify_classes":                      "", // no mail of Postfix's own to postmaster
	// Empty: no Message-Id, Date or From is added to mail from loopback.
	"local_header_rewrite_clients": "",
	// Long lines stay whole: delivered bodies are compared byte for byte.
	"smtp_line_length_limit": "0",

	"queue_run_delay":        "2s",
	"minimal_backoff_time":   "1s",
	"maximal_backoff_time":   "2s",
	"smtp_connect_timeout":   "5s",
	"bounce_queue_lifetime":  "1h",
	"maximal_queue_lifetime": "1h",
}

// settings returns main.cf: an MX for two made-up domains that delivers what it
// takes byte for byte, retries within seconds and never slows a test client down.
func (p *Postfix) settings(o PostfixOptions) (map[string]string, error) {
	nobody, nogroup, err := accountOf("nobody")
	if err != nil {
		return nil, err
	}
	m := maps.Clone(everywhere)
	maps.Copy(m, map[string]string{
		"config_directory":      p.Etc(),
		"queue_directory":       filepath.Join(p.dir, "spool"),
		"data_directory":        filepath.Join(p.dir, "data"),
		"maillog_file":          filepath.Join(p.dir, "log", "mail.log"),
		"maillog_file_prefixes": p.dir,
		"virtual_mailbox_base":  filepath.Join(p.dir, "mail"),
		"virtual_uid_maps":      "static:" + strconv.Itoa(nobody),
		"virtual_gid_maps":      "static:" + strconv.Itoa(nogroup),
		"smtpd_milters":         o.Milter,
	})
	if o.NextHop != "" {
		m["relay_transport"] = "smtp:[127.0.0.1]:" + portOf(o.NextHop)
	}
	maps.Copy(m, o.Settings)
	return m, nil
}
