package harness

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/spool"
)

// The client and the sink must not change a byte, else nothing the suites
// compare means anything.
func TestClientAndSinkAreByteExact(t *testing.T) {
	s, err := StartSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Down() })
	text := []byte("A: b\n\n.\n..\n.x\n\nnul \x00 8-bit \xff\nlong " + strings.Repeat("x", 100_000) + "\nlast")
	as := Loopback
	res, err := Send(t.Context(), s.Addr, Mail{From: "", To: []string{"a@b.invalid", "c@d.invalid"}, Data: text, As: &as})
	if err != nil || res.Final.Code != 250 || len(res.Rcpt) != 2 {
		t.Fatal(res, err)
	}
	got := s.Deliveries()
	if len(got) != 1 || got[0].Sender != "" || !slices.Equal(got[0].Recipients, []string{"a@b.invalid", "c@d.invalid"}) {
		t.Fatalf("delivered %+v", got)
	}
	if want := CRLF(text); !bytes.Equal(got[0].Data, want) {
		t.Errorf("got %q, want %q", got[0].Data, want)
	}
}

func TestSinkModes(t *testing.T) {
	s, err := StartSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Down() })
	as := Loopback
	mail := Mail{From: "x@y.invalid", To: []string{"a@b.invalid"}, Data: []byte("A: b\n\ntext\n"), As: &as}
	for _, c := range []struct {
		mode  SinkMode
		code  int
		taken int
	}{{SinkTempfail, 451, 0}, {SinkReject, 550, 0}, {SinkDrop, 0, 1}, {SinkOK, 250, 2}} {
		s.SetMode(c.mode)
		res, err := Send(t.Context(), s.Addr, mail)
		if (err != nil) != (c.mode == SinkDrop) {
			t.Errorf("mode %d: error %v", c.mode, err)
		}
		if err == nil && res.Final.Code != c.code {
			t.Errorf("mode %d: answer %v, want %d", c.mode, res.Final, c.code)
		}
		if n := len(s.Deliveries()); n != c.taken {
			t.Errorf("mode %d: %d taken, want %d", c.mode, n, c.taken)
		}
	}
	if err := s.Down(); err != nil {
		t.Fatal(err)
	}
	if _, err := Send(t.Context(), s.Addr, mail); err == nil {
		t.Error("the sink answers while it is down")
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if res, err := Send(t.Context(), s.Addr, mail); err != nil || res.Final.Code != 250 {
		t.Errorf("after Up: %v %v", res, err)
	}
}

func TestFaults(t *testing.T) {
	ok, refused, later := Reply{Code: 250}, Reply{Code: 550}, Reply{Code: 451}
	one, held := []Delivery{{}}, []spool.Meta{{}}
	for name, c := range map[string]struct {
		f    Fate
		want string // part of the fault, "" none
	}{
		"delivered":             {Fate{Reply: ok, Delivered: one}, ""},
		"held":                  {Fate{Reply: ok, Held: held}, ""},
		"rejected":              {Fate{Reply: refused}, ""},
		"discarded":             {Fate{Reply: ok, Discarded: true}, ""},
		"lost":                  {Fate{Reply: ok}, "lost"},
		"never settled":         {Fate{Reply: later}, "lost"},
		"twice":                 {Fate{Reply: ok, Delivered: make([]Delivery, 2)}, "delivered 2 times"},
		"held twice":            {Fate{Reply: ok, Held: make([]spool.Meta, 2)}, "held 2 times"},
		"both":                  {Fate{Reply: ok, Held: held, Delivered: one}, "held and delivered"},
		"rejected yet held":     {Fate{Reply: refused, Held: held}, "not taken but held"},
		"deferred yet there":    {Fate{Reply: later, Delivered: one}, "not taken but delivered"},
		"discarded yet on disk": {Fate{Reply: ok, Discarded: true, Held: held}, "discarded but held"},
	} {
		err := c.f.Fault()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: fault %v, want %q", name, err, c.want)
		}
	}
}

func TestSettleFindsMailNobodySent(t *testing.T) {
	s, err := StartSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Down() })
	as := Loopback
	if _, err := Send(t.Context(), s.Addr, Mail{To: []string{"a@b.invalid"}, Data: []byte("A: b\n\n"), As: &as}); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	box := filepath.Join(data, "spool", "unsure")
	if err := os.MkdirAll(box, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"x.msg": "", "x.json": `{"id":"x","envelope":{"recipients":["held@b.invalid"]}}`} {
		if err := os.WriteFile(filepath.Join(box, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err = NewAccount().Settle(s, data)
	for _, want := range []string{"a@b.invalid was delivered but never sent", "held@b.invalid is held but was never sent"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestFieldsAndBody(t *testing.T) {
	data := []byte("A: one\r\nb: x\r\nA : two\r\n folded\r\n\tmore\r\n\r\nA: body\r\n\r\nlast")
	if got, want := Fields(data, "a"), []string{"one", "two\n folded\n\tmore"}; !slices.Equal(got, want) {
		t.Errorf("Fields: %q, want %q", got, want)
	}
	if got, want := string(Body(data)), "A: body\n\nlast"; got != want {
		t.Errorf("Body: %q, want %q", got, want)
	}
	if got := string(Body([]byte("\nall"))); got != "all" {
		t.Errorf("Body without header: %q", got)
	}
}

func TestWaitFor(t *testing.T) {
	if err := WaitFor("nothing", 0, func() bool { return false }); !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v", err)
	}
	n := 0
	if err := WaitFor("three", 1<<40, func() bool { n++; return n == 3 }); err != nil || n != 3 {
		t.Errorf("error %v after %d calls", err, n)
	}
}
