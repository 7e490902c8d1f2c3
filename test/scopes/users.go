package main

import (
	"bytes"
	"math/rand/v2"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"fanmill/classify"
	"fanmill/test/harness"
)

// message is one of the corpus: what the site calls it, its features, and the groups of
// mail that it belongs to.
type message struct {
	classify.Message
	spam   bool
	groups []string
}

func extract(samples []harness.Sample) (list []*message) {
	for _, s := range samples {
		m := &message{Message: *classify.Extract(classify.DefaultOptions(), s.Data), spam: s.Spam}
		for _, g := range groups {
			if g.spam == s.Spam && g.has(s, head(s.Data)) {
				m.groups = append(m.groups, g.name)
			}
		}
		list = append(list, m)
	}
	return list
}

// head is a message's header, empty where it cannot be read.
func head(data []byte) mail.Header {
	m, err := mail.ReadMessage(bytes.NewReader(harness.StripFrom(data)))
	if err != nil {
		return mail.Header{}
	}
	return m.Header
}

// group is mail that a user calls otherwise than the site: spam tells what the site says.
type group struct {
	name string
	spam bool
	has  func(s harness.Sample, h mail.Header) bool
}

// groups are lists, a sender and a kind of mail that most people want, and kinds of
// commercial mail that most people do not want.
var groups = []group{
	{"list rpm", false, list("rpm-zzzlist.")},
	{"list razor-users", false, list("razor-users.")},
	{"list exmh", false, list("exmh-")},
	{"list ilug", false, list("ilug.")},
	{"list spamassassin", false, list("spamassassin-")},
	{"news by feed", false, from(`@spamassassin\.taint\.org`)},
	{"newsletters", false, func(s harness.Sample, _ mail.Header) bool { return strings.Contains(s.Path, "/hard_ham/") }},
	{"insurance trade", true, from(`@(insurancemail\.net|insiq\.us)`)},
	{"offers of money", true, subject(`(?i)mortgage|refinanc|loan|debt|credit|invest|stock|profit|cash|income`)},
	{"computers", true, subject(`(?i)software|computer|internet|web|norton|toner|cartridge|dvd|\bcds?\b|email`)},
	{"by way of lists", true, list("")},
}

func list(name string) func(harness.Sample, mail.Header) bool {
	return func(_ harness.Sample, h mail.Header) bool {
		id := h.Get("List-Id")
		return id != "" && strings.Contains(strings.ToLower(id), name)
	}
}

func from(pattern string) func(harness.Sample, mail.Header) bool { return field("From", pattern) }

func subject(pattern string) func(harness.Sample, mail.Header) bool { return field("Subject", pattern) }

func field(name, pattern string) func(harness.Sample, mail.Header) bool {
	re := regexp.MustCompile(pattern)
	return func(_ harness.Sample, h mail.Header) bool { return re.MatchString(h.Get(name)) }
}

// mostOwn is how many labels of each class a user gives at most.
const mostOwn = 50

// world is a site and a user of it: what each of them learns, and what is held out.
type world struct {
	site       []*message
	labels     []label // of the user, one of each class in turn
	disputed   []label // held out, as the user wants it
	undisputed []label
	stream     []label // what comes besides, as the user wants it
}

// label is a message with what the user calls it.
type label struct {
	*message
	spam bool
}

// draw makes a world in which a user disputes a group, none if it has no name, beside a
// site of so many messages.
func draw(all []*message, g group, size int, r *rand.Rand) (w world) {
	var in, out [2][]*message // of the group and of the rest, by what the site says
	for _, k := range r.Perm(len(all)) {
		to, m := &out, all[k]
		if slices.Contains(m.groups, g.name) {
			to = &in
		}
		to[class(m.spam)] = append(to[class(m.spam)], m)
	}
	says, wants := class(g.spam), class(!g.spam)
	var own [2][]label // by what the user says
	own[says] = as(g.spam, take(&out[says], mostOwn))
	if g.name == "" {
		own[wants] = as(!g.spam, take(&out[wants], mostOwn))
	} else {
		n := len(in[says])
		own[wants] = as(!g.spam, take(&in[says], min(mostOwn, 2*n/5)))
		w.disputed = as(!g.spam, take(&in[says], min(100, 3*n/10)))
	}
	for i := range mostOwn {
		for _, list := range own {
			if i < len(list) {
				w.labels = append(w.labels, list[i])
			}
		}
	}
	rest := slices.Concat(in[0], in[1], out[0], out[1])
	r.Shuffle(len(rest), func(i, k int) { rest[i], rest[k] = rest[k], rest[i] })
	w.site = take(&rest, min(size, len(rest)/2+len(rest)/3))
	for _, m := range rest {
		own := slices.Contains(m.groups, g.name)
		if len(w.undisputed) < heldOut && !own {
			w.undisputed = append(w.undisputed, label{m, m.spam})
		} else {
			w.stream = append(w.stream, label{m, m.spam != own})
		}
	}
	return w
}

// take cuts n messages off the front of a list, as far as it goes.
func take(from *[]*message, n int) (list []*message) {
	n = min(n, len(*from))
	list, *from = (*from)[:n], (*from)[n:]
	return list
}

func as(spam bool, list []*message) (out []label) {
	for _, m := range list {
		out = append(out, label{m, spam})
	}
	return out
}

func class(spam bool) int {
	if spam {
		return 1
	}
	return 0
}
