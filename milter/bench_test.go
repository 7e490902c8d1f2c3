package milter

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/test/harness"
)

// startHasher serves it with the same negotiation as ours, without our guard.
func startHasher(b *testing.B) net.Addr {
	ln, err := net.Listen("unix", filepath.Join(b.TempDir(), "h.sock"))
	if err != nil {
		b.Fatal(err)
	}
	srv := gomilter.NewServer(
		gomilter.WithMilter(func() gomilter.Milter { return &harness.Hasher{} }),
		gomilter.WithActions(insertActions), gomilter.WithProtocol(wantProtocol),
	)
	go srv.Serve(ln)
	b.Cleanup(func() { srv.Close() })
	return ln.Addr()
}

// frequent is a model of 100,000 messages in which features differ.
type frequent struct{ classify.Untrained }

func (frequent) Totals() classify.Count { return classify.Count{Ham: 50_000, Spam: 50_000} }
func (frequent) Lookup(features []uint64, out []classify.Count) {
	for i, f := range features {
		out[i] = classify.Count{Ham: uint32(f % 61), Spam: uint32(f % 13)}
	}
}

// frequentScorer scores by it.
type frequentScorer struct{ pool sync.Pool }

func (s *frequentScorer) Score(m *classify.Message, _ string) (classify.Score, store.Labels, error) {
	sc, ok := s.pool.Get().(*classify.Scorer)
	if !ok {
		sc = new(classify.Scorer)
	}
	defer s.pool.Put(sc)
	return sc.Score(m.Features, m.Grams, frequent{}), enough, nil
}

func (*frequentScorer) Counts(string) (classify.Model, error) { return frequent{}, nil }

// startReal serves mail as in production, less the disk: real classifier,
// drafts, log lines written nowhere.
func startReal(b *testing.B, clues int) net.Addr {
	r := newRig(b)
	r.Clues = clues
	r.policy.Unsure, r.policy.Spam = policy.Tag, policy.Tag
	r.scorer = &frequentScorer{}
	parts := r.parts()
	parts.Recorder, parts.Logger = countOnly{}, slog.New(slog.NewTextHandler(io.Discard, nil))
	srv, err := New(r.Options, parts, r.settings())
	if err != nil {
		b.Fatal(err)
	}
	srv.Start()
	b.Cleanup(func() { srv.Stop(b.Context()) })
	return srv.Addr()[0]
}

// countOnly is a Recorder that keeps nothing.
type countOnly struct{}

func (countOnly) Add(history.Record)                  {}
func (countOnly) Count(string, string, string, int64) {}
func (countOnly) Tally(string, ...string)             {}

// fourKB is a message of 20 fields and 4 kB of words.
func fourKB(seed uint64) mail {
	r := rand.New(rand.NewPCG(seed, 1))
	word := func() string { return fmt.Sprintf("word%d", r.IntN(20_000)) }
	m := mail{from: "sender@example.com", to: []string{"one@example.net"}}
	for i := range 20 {
		m.headers = append(m.headers, [2]string{[]string{"Received", "X-Header", "Subject", "From", "To"}[i%5], " " + word() + " " + word() + " <" + word() + "@" + word() + ".example>"})
	}
	var b strings.Builder
	for b.Len() < 4096 {
		for range 10 {
			b.WriteString(word() + " ")
		}
		b.WriteString("\r\n")
	}
	m.body = b.String()
	return m
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFourKB sends messages through ours and through the hasher in turn,
// and reports CPU time of client and server together, and the difference, which
// is all ours.
func BenchmarkFourKB(b *testing.B) {
	for _, clues := range []int{0, 10} {
		b.Run(fmt.Sprintf("clues=%d", clues), func(b *testing.B) {
			var mails []mail
			for seed := range uint64(50) {
				mails = append(mails, fourKB(seed))
			}
			addrs := []net.Addr{startHasher(b), startReal(b, clues)}
			var used [2]time.Duration
			const batch = 50
			n := 0
			for b.Loop() {
				for i, a := range addrs {
					m, err := dialMTA(b, a)
					if err != nil {
						b.Fatal(err)
					}
					m.send(mails[0])
					before := cpu()
					for j := range batch {
						if res := m.send(mails[j%len(mails)]); res.code != 250 {
							b.Fatal(res)
						}
					}
					used[i] += cpu() - before
					m.s.Close()
				}
				n += batch
			}
			us := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
			b.ReportMetric(us(used[0]), "hasher-cpu-us/msg")
			b.ReportMetric(us(used[1]), "fanmill-cpu-us/msg")
			b.ReportMetric(us(used[1]-used[0]), "difference-cpu-us/msg")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// rss returns a process's resident memory and its peak in bytes.
func rss(b *testing.B, pid int) (now, peak int64) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, value, _ := strings.Cut(sc.Text(), ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak
}

// BenchmarkMemory reports the resident memory of a server process of its own.
func BenchmarkMemory(b *testing.B) {
	b.Run("idle2000", func(b *testing.B) {
		addr, cmd, stop := startChild(b)
		for range 2000 {
			if _, err := dialMTA(b, addr); err != nil {
				b.Fatal(err)
			}
		}
		now, _ := rss(b, cmd.Process.Pid)
		b.ReportMetric(float64(now)/1e6, "MB-rss")
		b.ReportMetric(0, "ns/op")
		stop()
	})
	b.Run("message100MB", func(b *testing.B) {
		addr, cmd, stop := startChild(b)
		m, err := dialMTA(b, addr)
		if err != nil {
			b.Fatal(err)
		}
		m.send(fourKB(1))
		_, before := rss(b, cmd.Process.Pid)
		x := subject("score 0.5")
		m.envelope(x)
		m.content(x)
		chunk := []byte(strings.Repeat(strings.Repeat("some text ", 7)+"\r\n", 900))
		for sent := 0; sent < 100<<20; sent += len(chunk) {
			if _, err := m.s.BodyChunk(chunk); err != nil {
				b.Fatal(err)
			}
		}
		if _, _, err := m.s.End(); err != nil {
			b.Fatal(err)
		}
		_, peak := rss(b, cmd.Process.Pid)
		m.s.Close()
		stop()
		b.ReportMetric(float64(peak-before)/1e6, "MB-growth")
		b.ReportMetric(cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), "cpu-s")
		b.ReportMetric(0, "ns/op")
	})
}
