//go:build system

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d--j/go-milter"
)

// seen is what a milter of the test heard.
type seen struct {
	connect, helo string
	header        []string
	body          []byte
}

type listening struct {
	milter.NoOpMilter
	now seen
	out chan seen
}

func (l *listening) Connect(host, family string, port uint16, addr string, m milter.Modifier) (*milter.Response, error) {
	l.now = seen{connect: host + " " + addr}
	return milter.RespContinue, nil
}

func (l *listening) Helo(name string, m milter.Modifier) (*milter.Response, error) {
	l.now.helo = name
	return milter.RespContinue, nil
}

func (l *listening) Header(name, value string, m milter.Modifier) (*milter.Response, error) {
	l.now.header = append(l.now.header, name+":"+value)
	return milter.RespContinue, nil
}

func (l *listening) BodyChunk(chunk []byte, m milter.Modifier) (*milter.Response, error) {
	l.now.body = append(l.now.body, chunk...)
	return milter.RespContinue, nil
}

func (l *listening) EndOfMessage(m milter.Modifier) (*milter.Response, error) {
	l.out <- l.now
	if bytes.Contains(l.now.body, []byte("refuse")) {
		return milter.RejectWithCodeAndReason(550, "5.7.1 refused by the test")
	}
	return milter.RespAccept, m.InsertHeader(0, "X-Seen", "yes")
}

func startMilter(t *testing.T) (string, chan seen) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan seen, 100)
	s := milter.NewServer(milter.WithMilter(func() milter.Milter { return &listening{out: out} }),
		milter.WithAction(milter.OptAddHeader|milter.OptChangeHeader))
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String(), out
}

func TestMain(m *testing.M) {
	if err := Isolate(); err != nil {
		fmt.Fprintln(os.Stderr, err) // Sendmail's test will fail
	}
	os.Exit(m.Run())
}

func TestPrivateMTAs(t *testing.T) {
	t.Run("postfix", func(t *testing.T) {
		testMTA(t, func(milter, next string) (MTA, error) {
			return StartPostfix(t.Context(), PostfixOptions{Dir: t.TempDir(), Milter: "inet:" + milter, NextHop: next})
		}, Stranger)
	})
	t.Run("sendmail", func(t *testing.T) {
		as := Stranger
		as.Bound = true
		testMTA(t, func(milter, next string) (MTA, error) {
			filter := "INPUT_MAIL_FILTER(`test', `S=inet:" + portOf(milter) + "@127.0.0.1, F=T')dnl"
			return StartSendmail(t.Context(), SendmailOptions{Dir: t.TempDir(), Filter: filter, NextHop: next})
		}, as)
	})
}

func testMTA(t *testing.T, start func(milter, next string) (MTA, error), as Identity) {
	addr, heard := startMilter(t)
	sink, err := StartSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Down() })
	begin := time.Now()
	mta, err := start(addr, sink.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up after %v", time.Since(begin))
	t.Cleanup(func() {
		begin := time.Now()
		if err := mta.Stop(); err != nil {
			t.Error(err)
		}
		t.Logf("down after %v", time.Since(begin))
	})
	p := mta.Door()
	text := "From: a@example.net\nSubject: x\n\nline\n.dot\n..dots\n" + strings.Repeat("long ", 1000) + "\n\xff8bit\x00nul\n"
	t.Run("byte exact, identity as claimed", func(t *testing.T) {
		res, err := Send(t.Context(), p.Addr, Mail{From: "a@example.net", To: []string{"b@" + NextDomain}, As: &as, Data: []byte(text)})
		if err != nil || res.Final.Code != 250 {
			t.Fatal(res, err, mta.Log())
		}
		s := <-heard
		if s.connect != Stranger.Name+" "+Stranger.Addr || s.helo != Stranger.Helo {
			t.Errorf("milter saw client %q helo %q", s.connect, s.helo)
		}
		if err := mta.Drain(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		d := sink.ByRecipient()["b@"+NextDomain]
		if len(d) != 1 || d[0].Sender != "a@example.net" {
			t.Fatalf("deliveries: %+v\n%s", d, mta.Log())
		}
		if got, want := Body(d[0].Data), Body([]byte(text)); !bytes.Equal(got, want) {
			t.Errorf("body %q, want %q", got, want)
		}
		if got := Fields(d[0].Data, "x-seen"); len(got) != 1 || got[0] != "yes" {
			t.Errorf("X-Seen: %q", got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		res, err := Send(t.Context(), p.Addr, Mail{From: "a@example.net", To: []string{"b@" + NextDomain}, As: &as, Data: []byte("A: b\n\nrefuse\n")})
		if err != nil || res.Final.Code != 550 {
			t.Fatal(res, err)
		}
		<-heard
	})
	t.Run("maildir", func(t *testing.T) {
		res, err := Send(t.Context(), p.Addr, Mail{From: "a@example.net", To: []string{"b@" + BoxDomain}, As: &as, Data: []byte(text)})
		if err != nil || res.Final.Code != 250 {
			t.Fatal(res, err)
		}
		<-heard
		if err := mta.Drain(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(p.Maildir, "new", "*"))
		if len(files) != 1 {
			t.Fatal(files, mta.Log())
		}
		b, _ := os.ReadFile(files[0])
		if !bytes.Equal(Body(b), Body([]byte(text))) {
			t.Errorf("maildir body %q", Body(b))
		}
	})
	t.Run("next hop down, then up", func(t *testing.T) {
		if err := sink.Down(); err != nil {
			t.Fatal(err)
		}
		before := len(sink.Deliveries())
		for i := range 5 {
			m := Mail{From: "a@example.net", To: []string{fmt.Sprintf("n%d@%s", i, NextDomain)}, As: &as, Data: []byte(text)}
			if res, err := Send(t.Context(), p.Plain, m); err != nil || !res.Final.OK() {
				t.Fatal(res, err)
			}
		}
		if err := mta.Drain(500 * time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Fatalf("queue with the next hop down: %v", err)
		}
		if err := sink.Up(); err != nil {
			t.Fatal(err)
		}
		if err := mta.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := mta.Drain(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		if n := len(sink.Deliveries()) - before; n != 5 {
			t.Errorf("%d delivered, want 5", n)
		}
	})
}
