package milter

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	gomilter "github.com/d--j/go-milter"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store/history"
)

func TestOldMTA(t *testing.T) {
	for _, version := range []uint32{2, 3, 4, 6} {
		r := newRig(t)
		r.policy.Spam = policy.Hold
		r.start()
		opts := []gomilter.Option{gomilter.WithMaximumVersion(version), gomilter.WithProtocols(0)}
		if version < 6 {
			opts = append(opts, gomilter.WithActions(gomilter.OptAddHeader|gomilter.OptChangeHeader))
		}
		m := subject("score 0.01")
		if version < 6 { // it swallows the blank behind the colon
			for i := range m.headers {
				m.headers[i][1] = strings.TrimPrefix(m.headers[i][1], " ")
			}
		}
		res := r.one(m, opts...)
		got := res.get("X-Fanmill-Status")
		if res.code != 250 || len(got) != 1 || strings.HasPrefix(got[0], " ") != (version >= 6) {
			t.Errorf("version %d: %v, header %q", version, res, got)
		}
		m.headers[2][1] = strings.Replace(m.headers[2][1], "0.01", "1", 1)
		if res := r.one(m, opts...); !res.discarded {
			t.Errorf("version %d: %v", version, res)
		}
		if held := r.heldIn(spool.Spam); len(held) != 1 || !strings.Contains(r.message(held[0].ID), "\nFrom: Sender") {
			t.Errorf("version %d: held %v", version, held)
		}
	}
}

func TestMTAWithoutActions(t *testing.T) {
	r := newRig(t)
	r.policy.Spam = policy.Quarantine
	r.start()
	none := gomilter.WithActions(gomilter.OptChangeFrom)
	for range 2 {
		x := subject("score 0.01").with("X-Spam-Flag", " NO")
		if res := r.one(x, none); res.code != 250 || len(res.mods) != 0 {
			t.Errorf("ham: %v", res)
		}
	}
	if res := r.one(subject("score 1"), none); !res.discarded || len(r.heldIn(spool.Spam)) != 1 {
		t.Errorf("spam for the MTA's quarantine: %v, %d held", res, len(r.heldIn(spool.Spam)))
	}
	if n := r.log.lines("level=WARN", "does not offer"); n != 4 {
		t.Errorf("%d warnings, want one for each of 4 actions", n)
	}
}

func TestStrangeMessages(t *testing.T) {
	many := subject("score 0.01")
	for range 100_000 {
		many.headers = append(many.headers, [2]string{"X-Many", " x"})
	}
	forgeries := subject("score 0.01")
	for i := range 2 * maxForgedNames {
		forgeries.headers = append(forgeries.headers, [2]string{"X-Spam-" + strings.Repeat("a", 1+i%60) + string(rune('a'+i/60%26)) + string(rune('a'+i/1560)), " x"})
	}
	forgeries = forgeries.with("X-Fanmill-Status", " ham").with("X-Spam-Flag", " NO")
	long := subject("score 0.01").with("X-Long", " "+strings.Repeat("y", 1<<20-100))
	bytes8 := subject("score 0.01").with("X-\xe4", " \xff\xfe\x80").with("Subject2", " \x01\x7f")
	bytes8.body = "\x00\x00\xff\r\n\r\r\n\n\x00From x\n"
	empty := mail{from: "", to: []string{"one@example.net"}}
	r := newRig(t).start()
	for name, x := range map[string]mail{"100,000 fields": many, "many forged names": forgeries, "1 MB field": long, "8-bit and NUL": bytes8, "nothing": empty} {
		res := r.one(x, gomilter.WithUsedMaxData(gomilter.DataSize1M))
		if res.code != 250 || res.discarded || res.inserted != 1 {
			t.Errorf("%s: %d %s", name, res.code, res.text)
		}
		if n := len(res.get("X-Fanmill-Status")); n != 1 {
			t.Errorf("%s: %d verdict headers", name, n)
		}
		if n := len(res.get("X-Spam-Flag")); n != 0 {
			t.Errorf("%s: forged X-Spam-Flag is still there", name)
		}
	}
}

// TestLongForgedNames has names that no filter writes, of which no copies are
// to be kept, and one that is long only by its trailing blanks.
func TestLongForgedNames(t *testing.T) {
	var f forged
	for i := range 100 {
		if !f.add("X-Spam-" + strings.Repeat("a", 50_000+i)) {
			t.Fatal("a long verdict field is taken for mail")
		}
	}
	f.add("X-Fanmill-Status" + strings.Repeat(" ", 1000))
	if len(f.counts) != 1 || f.counts[0] != (forgedName{name: "x-fanmill-status", count: 1}) || !f.missed {
		t.Errorf("remembered %d names, missed %v", len(f.counts), f.missed)
	}
}

// TestHugeMessage holds 100 MB and watches what is in use meanwhile.
func TestHugeMessage(t *testing.T) {
	const size, limit = 100 << 20, 10 << 20
	chunk := []byte(strings.Repeat(strings.Repeat("body text ", 100)+"\r\n", 64))
	r := newRig(t).start()
	m := r.mta()
	m.send(subject("score 0.01")) // buffers are there
	before, peak := inUse(), uint64(0)
	x := subject("score 0.5")
	m.envelope(x)
	m.content(x)
	for sent := 0; sent < size; sent += len(chunk) {
		if _, err := m.s.BodyChunk(chunk); err != nil {
			t.Fatal(err)
		}
		if sent%(200*len(chunk)) == 0 {
			peak = max(peak, inUse())
		}
	}
	if _, act, err := m.s.End(); err != nil || act.Type != gomilter.ActionDiscard {
		t.Fatalf("answer %v, %v", act, err)
	}
	if peak > before+limit {
		t.Errorf("memory in use grew from %d to %d", before, peak)
	}
	if held := r.heldIn(spool.Unsure); len(held) != 1 || held[0].Size < size {
		t.Errorf("held %+v", held)
	}
}

// TestSameMessageSameDigest: what the milter saw and the held copy have the same
// features (invariant 1), whatever the message is like.
func TestSameMessageSameDigest(t *testing.T) {
	plain := subject("score 0.5")
	bare := plain
	bare.body = "no line end"
	odd := plain.with("X-\xe4", " \xff\x80").with("X-Fold", "a\n\tb\n c").with("Content-Type", "\tmultipart/mixed; boundary=x")
	odd.body = "--x\r\nContent-Type: text/html\r\n\r\n<b>bold\x00</b>\r\rx\r\n>From a\r\nFrom b\r\n--x--\r\n\r\n\r\n"
	nothing := mail{from: "a@example.com", to: plain.to, headers: [][2]string{{"Subject", " score 0.5"}}}
	forged := plain.with("X-Fanmill-Status", " ham").with("Return-Path", " <x@example.com>").with("Authentication-Results", " x; spf=pass").with("X-Spam-Flag", " YES")
	for name, x := range map[string]mail{"plain": plain, "no line end": bare, "odd": odd, "no body": nothing, "forged": forged} {
		r := newRig(t)
		r.KeepFeatures = true
		if res := r.start().one(x); !res.discarded {
			t.Fatalf("%s: %v", name, res)
		}
		held, rec := r.heldIn(spool.Unsure), r.rows.all()
		if len(held) != 1 || len(rec) != 1 {
			t.Fatalf("%s: %d held, %d rows", name, len(held), len(rec))
		}
		m := classify.Extract(r.Classify, []byte(r.message(held[0].ID)))
		if m.Digest.String() != held[0].Digest || m.Digest != rec[0].Digest || !slices.Equal(m.Features, rec[0].Features) {
			t.Errorf("%s: digest %v in the spool, %v when it came", name, m.Digest, held[0].Digest)
		}
	}
}

func TestRelayedMailNamesTheRealClient(t *testing.T) {
	r := newRig(t)
	r.policy.OwnHosts, r.policy.SkipOwnHosts = []string{"192.0.2.7"}, false
	r.Classify.OwnHosts = []string{"192.0.2.7"}
	x := subject("score 0.01")
	x.headers[0][1] = " from bad.example (bad.example [203.0.113.9])\n\tby client.example.com; Sun, 22 Nov 2026 10:00:00 +0000"
	r.start().one(x)
	if r.log.lines(`client="bad.example [203.0.113.9]"`) != 1 {
		t.Errorf("log:\n%s", r.log)
	}
	if rec := r.rows.all(); len(rec) != 1 || rec[0].Client != "bad.example [203.0.113.9]" {
		t.Errorf("history %+v", rec)
	}
}

// TestAuthenticated: the login name comes by macro.
func TestAuthenticated(t *testing.T) {
	r := newRig(t).start()
	macros := gomilter.NewMacroBag()
	macros.Set(gomilter.MacroAuthAuthen, "alice")
	if res := r.mtaAs(macros, "192.0.2.7").send(subject("score 1")); res.code != 250 || r.rows.count("accept/authenticated") != 1 {
		t.Errorf("answer %v, counted %v", res, r.rows.counts)
	}
}

// TestRealHistory writes through the store's own history.
func TestRealHistory(t *testing.T) {
	r := newRig(t)
	parts := r.parts()
	h, err := history.Open(t.Context(), history.Options{Dir: r.dir, Subject: true, Addresses: true, Logger: parts.Logger})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	parts.Recorder = h
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Listen, r.Listeners = nil, []net.Listener{ln}
	srv, err := New(r.Options, parts, r.settings())
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	r.srv = srv
	res := r.one(subject("score 1"))
	if err := srv.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := res.text[strings.LastIndexByte(res.text, ' ')+1:]
	rec, err := h.Get(t.Context(), id)
	if err != nil || rec.Outcome != "reject" || rec.Verdict != "spam" || rec.Subject != "score 1" || rec.QueueID != "4QUEUEID" {
		t.Errorf("history of %s: %+v, %v", id, rec, err)
	}
	days, err := h.Daily(t.Context(), 1)
	if err != nil || len(days) != 1 || days[0].Outcome != "reject" || days[0].Rule != policy.RuleDefault || days[0].N != 1 {
		t.Errorf("counters %+v, %v", days, err)
	}
}
