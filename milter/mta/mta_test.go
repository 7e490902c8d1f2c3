package mta

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fanmill/milter/socket"
)

// As postconf 3.7.11 of Debian 12 printed them.
const (
	mainCF = `smtpd_milters = unix:fanmill/milter.sock, { inet:localhost:8891, connect_timeout=10s, default_action=accept } inet:127.0.0.1:11332
non_smtpd_milters =
milter_default_action = tempfail
queue_directory = /var/spool/postfix
mail_owner = postfix
compatibility_level = 3.6
`
	masterCF = `smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       -       -       -       smtpd -o smtpd_milters=inet:127.0.0.1:999 -o {smtpd_milters=$other, inet:1.2.3.4:5}
pickup     unix  n       -       y       60      1       pickup
cleanup    unix  n       -       y       -       0       cleanup
`
	overrides = "submission/inet/smtpd_milters = inet:127.0.0.1:11332, inet:1.2.3.4:5\n"
)

func TestPostfixClients(t *testing.T) {
	a := Account{Name: "postfix"}
	p := postfix{main: settings(mainCF), overrides: settings(overrides), account: a}
	got := p.clients(masterCF)
	want := []Client{
		{Name: "Postfix smtpd (smtp)", Setting: "smtpd_milters", Account: a, Dir: "/var/spool/postfix", Root: "/var/spool/postfix", Milters: []Milter{
			{Spec: "unix:fanmill/milter.sock", Network: "unix", Address: "/fanmill/milter.sock"},
			{Spec: "inet:localhost:8891", Network: "tcp", Address: "localhost:8891", Passes: true},
			{Spec: "inet:127.0.0.1:11332", Network: "tcp", Address: "127.0.0.1:11332"},
		}},
		{Name: "Postfix smtpd (submission)", Setting: "smtpd_milters", Account: a, Dir: "/var/spool/postfix", Milters: []Milter{
			{Spec: "inet:127.0.0.1:11332", Network: "tcp", Address: "127.0.0.1:11332"},
			{Spec: "inet:1.2.3.4:5", Network: "tcp", Address: "1.2.3.4:5"},
		}},
		{Name: "Postfix cleanup", Setting: "non_smtpd_milters", Account: a, Dir: "/var/spool/postfix", Root: "/var/spool/postfix", Local: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if path := got[0].Path(got[0].Milters[0]); path != "/var/spool/postfix/fanmill/milter.sock" {
		t.Errorf("the socket is at %s", path)
	}
	for path, hidden := range map[string]bool{"/var/spool/postfix/x": false, "/var/lib/fanmill/milter.sock": true, "/var/spool/postfix2/x": true} {
		if got[0].Hides(path) != hidden || got[1].Hides(path) {
			t.Errorf("%s: hidden from the chrooted one: %v, from the other: %v", path, got[0].Hides(path), got[1].Hides(path))
		}
	}
}

// TestChrootDefault: before Postfix 3.0, and in its compatibility mode, what master.cf
// leaves open is chrooted.
func TestChrootDefault(t *testing.T) {
	for level, want := range map[string]bool{"": true, "0": true, "1": false, "3.6": false} {
		p := postfix{main: map[string]string{"compatibility_level": level}}
		if p.chrooted("-") != want || !p.chrooted("y") || p.chrooted("n") {
			t.Errorf("level %q: - is %v, y %v, n %v", level, p.chrooted("-"), p.chrooted("y"), p.chrooted("n"))
		}
	}
}

func TestMilterList(t *testing.T) {
	for in, want := range map[string][][]string{
		"":                         nil,
		" , ":                      nil,
		"a b,c":                    {{"a"}, {"b"}, {"c"}},
		"{ a, x = }":               {{"a", "x", "="}},
		"{a x=1,y=2},b { c }":      {{"a", "x=1", "y=2"}, {"b"}, {"c"}},
		"{ unix:/a default_action": {{"unix:/a", "default_action"}}, // no end: Postfix refuses it
		"{}":                       nil,
	} {
		if got := milterList(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestNoPostfix: where there is none, and where it is not configured.
func TestNoPostfix(t *testing.T) {
	if _, err := Postfix(t.Context(), filepath.Join(t.TempDir(), "postconf"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no postconf: %v", err)
	}
	tool, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Postfix(t.Context(), tool, "/etc/postfix"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tool that fails: %v", err)
	}
}

// sendmailCF has the lines that m4 makes of INPUT_MAIL_FILTER in Sendmail 8.17.
const sendmailCF = `# comment
O QueueDirectory=/var/spool/mqueue
O RunAsUser=USER
O InputMailFilters=opendkim, fanmill, gone
O Milter.macros.connect=j, _, {daemon_name}, {if_name}, {if_addr}
Xopendkim, S=local:/run/opendkim/opendkim.sock
Xfanmill, S=inet:8891@127.0.0.1, F=T, T=C:30s;S:30s;R:30s;E:5m
Xunused, S=inet:1@127.0.0.1
`

func TestSendmail(t *testing.T) {
	me := self(t)
	cf := filepath.Join(t.TempDir(), "sendmail.cf")
	if _, err := Sendmail(cf); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	write(t, cf, strings.ReplaceAll(sendmailCF, "USER", me.Name+":mail"))
	got, err := Sendmail(cf)
	want := Client{Name: "Sendmail", Setting: "InputMailFilters", Account: me, Dir: "/var/spool/mqueue", Refuses: 0o022, Milters: []Milter{
		{Spec: "local:/run/opendkim/opendkim.sock", Network: "unix", Address: "/run/opendkim/opendkim.sock", Passes: true},
		{Spec: "inet:8891@127.0.0.1", Network: "tcp", Address: "127.0.0.1:8891"},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
	write(t, cf, "O InputMailFilters=x\nXx, S=nonsense\n")
	if got, err = Sendmail(cf); err != nil || got.Account.UID != 0 || got.Milters[0].Network != "" {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"O DaemonPortOptions=Port=25, Name=MTA, InputFilter=b;a\n":                               "b a",
		"O DaemonPortOptions=Port=25\nO DaemonPortOptions=Port=587, i=b\n":                       "b a c",
		"O DaemonPortOptions=Port=25, InputFilter=\nO DaemonPortOptions=Port=587, InputFilter=c": "c",
		"O DaemonPortOptions=Port=25, InputFilter=\n":                                            "",
		"O dontblamesendmail=safe,GroupWritableDirPathSafe\n":                                    "a c", // which Refuses shows
	} {
		write(t, cf, "Xa, S=local:/a\nXb, S=local:/b\nXc, S=local:/c\nO InputMailFilters=a,c\n"+text)
		got, err := Sendmail(cf)
		var names []string
		for _, m := range got.Milters {
			names = append(names, m.Address[1:])
		}
		if err != nil || strings.Join(names, " ") != want || (got.Refuses == 0o002) != strings.Contains(text, "blame") {
			t.Errorf("%s: %v, %q, want %s; %v", text, got.Refuses, names, want, err)
		}
	}
	write(t, cf, "O RunAsUser=no-such-user\n")
	if _, err = Sendmail(cf); err == nil {
		t.Error("a user that does not exist")
	}
}

// TestSendmailTrusts: what Sendmail 8.17 was seen to take and to refuse; test/system
// asks a real one.
func TestSendmailTrusts(t *testing.T) {
	top, err := os.MkdirTemp("", "fm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	dir := filepath.Join(top, "dir")
	socket, link := filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, socket, "")
	if err := os.Symlink(socket, link); err != nil {
		t.Fatal(err)
	}
	root := Account{Name: "root"}
	for _, c := range []struct {
		who       Account
		dir, file fs.FileMode
		path      string
		refused   string
	}{
		{root, 0o755, 0o600, socket, ""},
		{root, 0o755, 0o060, socket, "may not be read and written"},
		{root, 0o755, 0o600, link, "symbolic link"},
		{root, 0o775, 0o600, socket, "may write to " + dir},
		{root, 0o757, 0o600, socket, "may write to " + dir},
		{root, 0o777 | fs.ModeSticky, 0o600, socket, "may write to " + dir},
		{stranger, 0o755, 0o660, socket, "may not be read and written"},
		{stranger, 0o755, 0o602, socket, "may not be read and written"},
		{stranger, 0o755, 0o606, socket, ""},
	} {
		chmod(t, socket, c.file)
		chmod(t, dir, c.dir)
		client := &Client{Account: c.who, Refuses: 0o022}
		err := client.trusts(c.path)
		switch {
		case c.refused == "": // but the directory for temporary files, above, may be open to all
			if err != nil && strings.Contains(err.Error(), top) {
				t.Errorf("%s, %o %o: %v", c.who.Name, c.dir, c.file, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.refused) || !errors.Is(err, ErrUnsafe):
			t.Errorf("%s, %o %o: %v, want %s", c.who.Name, c.dir, c.file, err, c.refused)
		}
		client.Refuses = 0
		if err := client.trusts(c.path); err != nil {
			t.Errorf("who trusts everybody refuses: %v", err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReach: a milter answers, something else does not, nobody does, and what cannot
// be read is said to be so.
func TestReach(t *testing.T) {
	c := &Client{Account: self(t)}
	dir, err := os.MkdirTemp("", "fm") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	for _, spec := range []string{"unix:" + path, "inet:127.0.0.1:0"} {
		e, err := socket.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		for say, want := range map[string]string{
			"\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x00": "",
			"220 mx.example.org ESMTP\r\n":                                      "does not answer as a milter",
			"":                                                                  "wait for the milter's greeting",
		} {
			ln, err := net.Listen(e.Network, e.Address)
			if err != nil {
				t.Fatal(err)
			}
			go speak(ln, say)
			m := Milter{Spec: spec, Network: e.Network, Address: ln.Addr().String()}
			how, err := c.Reach(t.Context(), m)
			if how != Tried || want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s says %q: %s, %v, want %q", spec, say, how, err, want)
			}
			ln.Close()
			if _, err := c.Reach(t.Context(), m); err == nil {
				t.Errorf("%s: reached though nobody listens", spec)
			}
		}
	}
	if _, err := c.Reach(t.Context(), Milter{Spec: "nonsense"}); err == nil {
		t.Error("nonsense was reached")
	}
}

// speak says something to the first who comes, when he has said something.
func speak(ln net.Listener, say string) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, len(offer))); err == nil {
		_, _ = io.WriteString(conn, say)
	}
}
