// Package config reads the configuration file: TOML, decoded into one plain
// struct that documents itself.
//
// Each key is one struct field. Its tags are the only source of the example
// file, of fanmill.toml(5), of docs/configuration.md and of the checks that
// need no context:
//
//	toml    the key's name
//	doc     what it does, for people
//	reload  "live": in force after a reload; "restart": only after a restart
//	oneof   the closed set of words, separated by |
//	min/max the range, written as in the file
//
// A file is wrong as a whole or right as a whole: Parse reports all problems
// at once, each with file, line, key, value and what to do, and unknown keys
// are problems. Environment and flags override nothing here. A *Config that
// Parse returned is valid; nothing in this package changes it afterwards, so
// it may be shared between goroutines.
package config

import (
	"path/filepath"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/policy"
)

// DefaultDataDir is the data directory the documentation speaks of.
const DefaultDataDir = "/var/lib/fanmill"

// Config is the whole configuration; its fields are the file's sections.
type Config struct {
	Milter    Milter    `toml:"milter" doc:"The sockets the MTA connects to, and how long things may take."`
	Policy    Policy    `toml:"policy" doc:"Whose mail is filtered, and what happens to it."`
	Headers   Headers   `toml:"headers" doc:"The header fields that carry the verdict."`
	Classify  Classify  `toml:"classify" doc:"How much of a message is looked at. The budgets count bytes, parts and fields, never time, so the same message always gets the same score. Messages learned under other budgets keep what they had then."`
	Training  Training  `toml:"training" doc:"How the filter learns."`
	Autolearn Autolearn `toml:"autolearn" doc:"What the filter learns from its own verdicts, without anybody looking. A filter that does so repeats its own errors: docs/training.md says what it is good for. fanmill eval --split half --autolearn tries it on labelled mail; fanmill undo --source auto takes all of it back."`
	Store     Store     `toml:"store" doc:"What the ledger keeps of labelled messages."`
	Scope     Scope     `toml:"scope" doc:"Training of one user, list or domain beside that of the whole site (docs/training.md). An address maps to the name of its scope here, the same way for arriving mail, for the flag --scope, and for users who talk to the daemon."`
	Spool     Spool     `toml:"spool" doc:"Where held messages are kept until somebody decides."`
	Submit    Submit    `toml:"submit" doc:"How a released message is handed on."`
	History   History   `toml:"history" doc:"What is remembered of scored messages, so that a verdict can be looked up and corrected without the mail. Mail that is not filtered is never recorded; docs/correcting.md tells more."`
	Log       Log       `toml:"log" doc:"The log on standard error: one line a message."`
	Rules     []Rule    // the entries [[rule]], in their order
}

// Milter is the section [milter].
type Milter struct {
	Listen          []string `toml:"listen" reload:"restart" doc:"The sockets to listen on, in the spelling of either MTA: unix:PATH or local:PATH, inet:HOST:PORT or inet:PORT@HOST, inet6: likewise. A relative PATH is below the data directory. A chrooted Postfix sees only sockets below its queue directory. May be empty if systemd hands the sockets over."`
	SocketMode      FileMode `toml:"socket_mode" reload:"restart" doc:"Permissions of the unix sockets. The MTA's user needs read and write."`
	SocketGroup     string   `toml:"socket_group" reload:"restart" doc:"Group of the unix sockets, such as postfix; empty: the daemon's own group."`
	MaxConnections  int      `toml:"max_connections" reload:"restart" min:"1" max:"100000" doc:"Connections served at once; more are closed at once, and the MTA defers that mail."`
	IdleTimeout     Duration `toml:"idle_timeout" reload:"restart" min:"1m" max:"48h" doc:"How long a connection may be silent between two packets. Must be longer than the MTA lets its clients be silent."`
	PacketTimeout   Duration `toml:"packet_timeout" reload:"restart" min:"1s" max:"10m" doc:"How long a packet may take once its first byte has come."`
	MessageDeadline Duration `toml:"message_deadline" reload:"live" min:"1s" max:"10m" doc:"How long the decision may take after the end of a message; then on_error decides. Keep it below the MTA's own limit (Postfix: milter_content_timeout, 300s)."`
	ProgressEvery   Duration `toml:"progress_every" reload:"live" min:"100ms" max:"2m" doc:"How often the MTA is told that a decision is still being worked on."`
	DrainTimeout    Duration `toml:"drain_timeout" reload:"restart" min:"0s" max:"10m" doc:"How long messages in progress may take to finish when the daemon is told to stop. Keep it below systemd's TimeoutStopSec."`
}

// Policy is the section [policy].
type Policy struct {
	Observe             bool     `toml:"observe" reload:"live" doc:"Score, log and count as always, but accept every message: for a first look."`
	Spam                string   `toml:"spam" reload:"live" oneof:"reject|hold|tag|discard|quarantine" doc:"What happens to spam. reject refuses a score at or above reject_cutoff and holds what is between spam_cutoff and reject_cutoff; hold keeps it in the spool; tag delivers it with its headers; discard drops it without a word; quarantine puts it into the MTA's own hold queue."`
	Unsure              string   `toml:"unsure" reload:"live" oneof:"hold|delay|tag|quarantine" doc:"What happens to mail the filter is unsure of, between ham_cutoff and spam_cutoff. hold keeps it in the spool; delay asks the sender to try again later (451), scores it anew then, and holds it if it is unsure still; tag delivers it with its headers; quarantine puts it into the MTA's own hold queue. Mail with the null sender, of clients that logged in, from trusted_networks or own_hosts and from this host is not delayed but held. docs/delay.md tells more."`
	DelayMin            Duration `toml:"delay_min" reload:"live" min:"1s" max:"1d" doc:"With unsure = \"delay\": what comes again earlier is asked once more to wait."`
	DelayMax            Duration `toml:"delay_max" reload:"live" min:"10s" max:"30d" doc:"With unsure = \"delay\": what comes again later is delayed anew. What comes between delay_min and delay_max is decided: unsure mail is held then."`
	UntilTrained        string   `toml:"until_trained" reload:"live" oneof:"tag|accept" doc:"What happens, until there are min_labels of each class, to mail that would be refused, delayed, held or dropped."`
	MinLabels           int      `toml:"min_labels" reload:"live" min:"0" max:"1000000" doc:"Messages of each class, ham and spam, that must be labelled before anything is refused, delayed, held or dropped."`
	OnError             string   `toml:"on_error" reload:"live" oneof:"tempfail|accept" doc:"What happens to a message that could not be scored in time: tempfail lets the sender try again, accept delivers it marked as unscored."`
	HamCutoff           float64  `toml:"ham_cutoff" reload:"live" min:"0" max:"1" doc:"A score below this is ham."`
	SpamCutoff          float64  `toml:"spam_cutoff" reload:"live" min:"0" max:"1" doc:"A score at or above this is spam; between ham_cutoff and this it is unsure."`
	RejectCutoff        float64  `toml:"reject_cutoff" reload:"live" min:"0" max:"1" doc:"With spam = \"reject\", a score at or above this is refused. At 0.99 or less that includes mail whose beginning alone says spam."`
	RejectText          string   `toml:"reject_text" reload:"live" doc:"The text of a refusal, after the codes 550 5.7.1 and before the message's id. One line of at most 200 printable ASCII characters. It should not say why."`
	Unfiltered          []string `toml:"unfiltered" reload:"live" doc:"Recipients whose mail is passed unfiltered: neither scored nor recorded. Each entry is user@example.org, @example.org (that domain, not its sub-domains), user@ (at any domain), a glob over the whole address (* any run, ? one character) or /RE2/ (unanchored, case does not matter). +detail of the recipient is ignored by an entry that has none."`
	NeverRefuse         []string `toml:"never_refuse" reload:"live" doc:"Recipients whose mail is at worst tagged: never refused, delayed, held or dropped. Entries as in unfiltered."`
	TrustedNetworks     []string `toml:"trusted_networks" reload:"live" doc:"Clients whose mail is not filtered if skip_trusted is set: addresses and networks such as 192.0.2.0/24."`
	SkipTrusted         bool     `toml:"skip_trusted" reload:"live" doc:"Do not filter mail from trusted networks, nor mail submitted on this host. Such mail is at worst tagged even if this is false and it was submitted on this host."`
	SkipAuthenticated   bool     `toml:"skip_authenticated" reload:"live" doc:"Do not filter mail of clients that logged in."`
	OwnHosts            []string `toml:"own_hosts" reload:"live" doc:"Hosts of the site that pass mail on, such as a backup MX: addresses, networks, or host names (compared with the client's verified name). The sending client of a message is read from the Received line of the outermost of them. Empty: up to the first line whose client has a public address."`
	SkipOwnHosts        bool     `toml:"skip_own_hosts" reload:"live" doc:"Do not filter mail that comes from own_hosts. Set it to false for a backup MX that does not filter: its mail is then filtered, and held where it would be refused."`
	Mixed               string   `toml:"mixed" reload:"live" oneof:"split|lenient|strict" doc:"What happens if the recipients of one message would fare differently, since the MTA takes one answer a message. split gives each its own as far as possible: some get it, some have it held, some are dropped from it; lenient takes the mildest for all; strict the hardest for all who are filtered."`
	WelcomeAuth         string   `toml:"welcome_auth" reload:"live" oneof:"present|always|never" doc:"When a welcome sender must be verified, since a From field is easily forged: an Authentication-Results field of a host in classify.authserv_ids must say that dkim, spf or dmarc passed for the sender's domain. present: where such a host has written one; always: everywhere; never: nowhere."`
	SubjectTag          string   `toml:"subject_tag" reload:"live" doc:"Put before the subject of mail that is tagged, such as \"[SPAM?]\"; empty: nothing is. It breaks signatures over the subject (DKIM)."`
	RejectAttachments   []string `toml:"reject_attachments" reload:"live" doc:"Refuse mail with attachments of these types: endings of file names such as exe, or the word executable for all that a system runs or installs when it is opened (docs/rules.md lists them). They are found by name, by declared type, by the first bytes, and by the names in zip archives. Whatever the score, and before there are min_labels; never_refuse gets it tagged, relayed mail is held. Empty: nothing is refused for that."`
	BypassWord          string   `toml:"bypass_word" reload:"live" doc:"A word such as NOTSPAM. Mail with this word in its subject, in whatever case, passes although its score would have it refused, held or dropped; not so with blocked senders and attachments that are refused. A refusal tells the sender of it, unless reject_text has the word already. One word of 4 to 40 ASCII letters and digits; empty: there is none."`
	OnePolicyPerMessage bool     `toml:"one_policy_per_message" reload:"live" doc:"Ask the sender (452 4.5.3) to send a message again for recipients whose settings differ from the first one's, so that each can be answered for itself. Delays mail."`
}

// Headers is the section [headers].
type Headers struct {
	Families      []string `toml:"families" reload:"live" oneof:"fanmill|spambayes|dspam|bogofilter|spamassassin|stars" doc:"Which filters' header fields are added (docs/headers.md); stars is X-Spam-Level alone. Those of all families are removed from arriving mail, whatever stands here."`
	Evidence      int      `toml:"evidence" reload:"live" min:"0" max:"15" doc:"How many of the strongest clues are added, in the form of each family: fanmill, spambayes and dspam have one. The recipients see them."`
	Authenticated bool     `toml:"authenticated" reload:"live" doc:"Add header fields also to mail of clients that logged in, where skip_authenticated is false: what your users send carries its score to whoever gets it."`
}

// Classify is the section [classify].
type Classify struct {
	TextHead     Size     `toml:"text_head" reload:"live" min:"1KiB" max:"16MiB" doc:"Decoded bytes read from the start of each text part."`
	TextTail     Size     `toml:"text_tail" reload:"live" min:"0" max:"16MiB" doc:"Decoded bytes read from the end of each longer text part."`
	TextTotal    Size     `toml:"text_total" reload:"live" min:"1KiB" max:"64MiB" doc:"Decoded text bytes read in a whole message."`
	MaxParts     int      `toml:"max_parts" reload:"live" min:"1" max:"100000" doc:"MIME parts looked at."`
	MaxDepth     int      `toml:"max_depth" reload:"live" min:"1" max:"100" doc:"Levels of nested multiparts and messages."`
	MaxHeaders   int      `toml:"max_headers" reload:"live" min:"10" max:"100000" doc:"Header fields that give features."`
	MaxHeaderLen Size     `toml:"max_header_length" reload:"live" min:"256" max:"1MiB" doc:"Bytes of one header field that give features."`
	MaxFeatures  int      `toml:"max_features" reload:"live" min:"100" max:"1000000" doc:"Distinct features of a message."`
	AuthservIDs  []string `toml:"authserv_ids" reload:"live" doc:"Hosts whose Authentication-Results fields are believed, by the name they put there (RFC 8601, authserv-id). All others are ignored."`
}

// Training is the section [training].
type Training struct {
	Margin float64 `toml:"margin" reload:"live" min:"0" max:"1000" doc:"A message counts only if its score was not yet right by this margin, in the log-odds of the count statistics; it is recorded in any case."`
}

// Autolearn is the section [autolearn].
type Autolearn struct {
	Enabled   bool    `toml:"enabled" reload:"live" doc:"Learn mail from outside by its score, for the site; not mail that is judged by the labels of a user's scope. What anybody has labelled, or has taken a label from, is left alone."`
	HamBelow  float64 `toml:"ham_below" reload:"live" min:"0" max:"1" doc:"Mail with a score below this is learned as ham."`
	SpamAbove float64 `toml:"spam_above" reload:"live" min:"0" max:"1" doc:"Mail with a score above this is learned as spam."`
	Share     float64 `toml:"share" reload:"live" min:"0" max:"1" doc:"At most so many automatic labels for each label that people gave, of either class."`
	Lead      int     `toml:"lead" reload:"live" min:"1" max:"100000" doc:"Ham and spam are learned in step, in the proportion of the labels that people gave: neither may be more than so many labels ahead."`
	MinLabels int     `toml:"min_labels" reload:"live" min:"1" max:"1000000" doc:"Labels that people must have given, of each class, before anything is learned so."`
}

// Store is the section [store].
type Store struct {
	Keep         string `toml:"keep" reload:"live" oneof:"messages|features" doc:"What is kept of a labelled message: messages keeps the start of it, so that a later version of fanmill can learn it anew; features keeps only what was learned, in less room and with less to read for a thief."`
	MessageLimit Size   `toml:"message_limit" reload:"live" min:"1KiB" max:"16MiB" doc:"How much of a message is kept with keep = \"messages\", before compression."`
	KeepDays     int    `toml:"keep_days" reload:"live" min:"0" max:"36500" doc:"Labels older than this many days are taken out of the training of their scope; 0 keeps them. First go those that do not count."`
	KeepMessages int    `toml:"keep_messages" reload:"live" min:"0" max:"100000000" doc:"At most so many labelled messages are kept for each scope; 0 keeps all. First go those that do not count, then the oldest."`
	KeepLogDays  int    `toml:"keep_log_days" reload:"live" min:"0" max:"36500" doc:"So long the log says who decided what, and undo can take it back, and a message stays whose label was taken away; 0 keeps it for ever. The last 10000 entries stay in any case. The model does not depend on the log."`
}

// Scope is the section [scope].
type Scope struct {
	Enabled     bool   `toml:"enabled" reload:"live" doc:"Judge mail by the training of its recipient's scope, with the site's. If false, all mail is the site's."`
	Separator   string `toml:"separator" reload:"live" doc:"What begins the detail of an address, any of these characters: it and all behind it up to the @ is cut off. As the MTA's recipient_delimiter; empty: nothing is cut off."`
	LocalDomain string `toml:"local_domain" reload:"live" doc:"The domain of login names, which have none: anna is anna@DOMAIN then. Empty: they stay as they are."`
	Memory      Size   `toml:"memory" reload:"restart" min:"1MiB" max:"1TiB" doc:"How much memory the scopes may take that mail came for last; the others are read from the ledger when mail comes for them."`
	Aliases     string `toml:"aliases" reload:"live" doc:"A file of addresses that have another one's scope, as Postfix writes aliases: a line \"key: value\" or \"key value\" each; key is an address, a login name or @domain, value an address or login name, or <> for the site. What stands for several addresses, a file or a command is a scope of its own. A relative path is below the data directory; empty: there is none."`
}

// Spool is the section [spool].
type Spool struct {
	Dir          string   `toml:"dir" reload:"restart" doc:"The directory of held messages. A relative path is below the data directory."`
	MemoryLimit  Size     `toml:"memory_limit" reload:"restart" min:"4KiB" max:"64MiB" doc:"A message on its way is kept in memory up to this size, then in a file."`
	MinFree      Size     `toml:"min_free" reload:"restart" min:"0" max:"1TiB" doc:"Free space below which nothing more is held: such mail is deferred."`
	TombstoneAge Duration `toml:"tombstone_age" reload:"restart" min:"1h" max:"90d" doc:"How long a decided message is remembered, so that a late retry of it is dropped. Longer than senders retry."`
}

// Submit is the section [submit].
type Submit struct {
	To      string   `toml:"to" reload:"live" doc:"Where released messages go: smtp:HOST:PORT, lmtp:unix:PATH, lmtp:HOST:PORT or sendmail:PATH."`
	Timeout Duration `toml:"timeout" reload:"live" min:"1s" max:"1h" doc:"How long handing on one message may take."`
}

// History is the section [history].
type History struct {
	Days      int  `toml:"days" reload:"restart" min:"1" max:"3650" doc:"How many days of messages are remembered."`
	MaxBytes  Size `toml:"max_bytes" reload:"restart" min:"1MiB" max:"1TiB" doc:"How large the history may become. Then what was found in accepted mail goes first, the oldest before the newer, then its records, then what was found in other mail; records of what was refused, held, dropped or unsure stay for all their days."`
	Subject   bool `toml:"subject" reload:"restart" doc:"Remember subjects."`
	Addresses bool `toml:"addresses" reload:"restart" doc:"Remember senders and recipients."`
	Features  bool `toml:"features" reload:"restart" doc:"Remember what was found in a message, so that it can be learned later by its id alone."`
}

// Log is the section [log].
type Log struct {
	Level  string `toml:"level" reload:"live" oneof:"debug|info|warn|error" doc:"The least important lines that are written."`
	Format string `toml:"format" reload:"restart" oneof:"text|json" doc:"text for people, json for programs."`
}

// Default returns the defaults that hold with an empty file, for a data
// directory. Paths in it are below dataDir.
func Default(dataDir string) *Config {
	c := &Config{
		Milter: Milter{
			Listen:          []string{"unix:milter.sock", "inet:127.0.0.1:8891"},
			SocketMode:      0o660,
			MaxConnections:  1000,
			IdleTimeout:     Duration(130 * time.Minute), // libmilter's 7,210 s and some
			PacketTimeout:   Duration(30 * time.Second),
			MessageDeadline: Duration(time.Minute),
			ProgressEvery:   Duration(5 * time.Second),
			DrainTimeout:    Duration(time.Minute),
		},
		Policy:    defaultPolicy(policy.DefaultOptions()),
		Headers:   Headers{Families: []string{"fanmill"}},
		Classify:  defaultClassify(classify.DefaultOptions()),
		Training:  Training{Margin: 15},
		Autolearn: Autolearn{HamBelow: 0.02, SpamAbove: 0.98, Share: 0.5, Lead: 20, MinLabels: 200},
		Store:     Store{Keep: "messages", MessageLimit: 256 << 10, KeepLogDays: 180},
		Scope:     Scope{Separator: "+", Memory: 64 << 20},
		Spool: Spool{
			Dir:          "spool",
			MemoryLimit:  256 << 10,
			MinFree:      100 << 20,
			TombstoneAge: Duration(5 * 24 * time.Hour),
		},
		Submit:  Submit{To: "smtp:127.0.0.1:25", Timeout: Duration(2 * time.Minute)},
		History: History{Days: 14, MaxBytes: 1 << 30, Subject: true, Addresses: true, Features: true},
		Log:     Log{Level: "info", Format: "text"},
	}
	c.resolve(dataDir)
	return c
}

// resolve puts relative paths below the data directory.
func (c *Config) resolve(dataDir string) {
	for i, spec := range c.Milter.Listen {
		if network, path, ok := strings.Cut(spec, ":"); ok && (network == "unix" || network == "local") {
			c.Milter.Listen[i] = network + ":" + below(dataDir, path)
		}
	}
	c.Spool.Dir = below(dataDir, c.Spool.Dir)
	c.Scope.Aliases = below(dataDir, c.Scope.Aliases)
	for i := range c.Rules {
		r := &c.Rules[i]
		r.WelcomeFile, r.BlockFile = below(dataDir, r.WelcomeFile), below(dataDir, r.BlockFile)
	}
}

func below(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
