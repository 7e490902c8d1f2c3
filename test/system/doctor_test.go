//go:build system

package system

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/test/harness"
)

// doctor runs `fanmill doctor` on the site and returns what its checks of one name
// found, a line each: level, text.
func (s *site) doctor(name string, args ...string) []string {
	s.t.Helper()
	mta := []string{"--json", "--postfix"}
	if s.Sendmail != nil {
		mta = append(mta, s.noPostfix(), "--sendmail", s.Sendmail.Cf())
	} else {
		mta = append(mta, s.Postfix.Etc())
	}
	out, err := s.Daemon.Run("doctor", append(mta, args...)...)
	if exit := new(harness.ExitError); err != nil && !(errors.As(err, &exit) && exit.Code == 1) {
		s.t.Fatalf("doctor: %v\n%s", err, out)
	}
	var page struct {
		Checks []struct{ Check, Level, Text string }
	}
	check(s.t, json.Unmarshal([]byte(out), &page))
	var lines []string
	for _, f := range page.Checks {
		if f.Check == name {
			lines = append(lines, f.Level+": "+f.Text)
		}
	}
	return lines
}

// noPostfix makes a Postfix configuration without services and returns its directory.
// (Where there is none postconf waits for a second before it says so, and as long
// where a file is new.)
func (s *site) noPostfix() string {
	s.t.Helper()
	dir := filepath.Join(s.files, "postfix")
	check(s.t, os.MkdirAll(dir, 0o755))
	for name, text := range map[string]string{"main.cf": "compatibility_level = 3.6\n", "master.cf": ""} {
		path, past := filepath.Join(dir, name), time.Now().Add(-time.Minute)
		check(s.t, os.WriteFile(path, []byte(text), 0o644))
		check(s.t, os.Chtimes(path, past, past))
	}
	return dir
}

// expect wants doctor to find one thing about the MTA, and a message to be answered
// as that lets expect.
func (s *site) expect(code int, level, text string) {
	s.t.Helper()
	found := s.doctor("MTA")
	if len(found) != 1 || !strings.HasPrefix(found[0], level+": ") || !strings.Contains(found[0], text) {
		s.t.Errorf("doctor says %q, want %s: ...%s", found, level, text)
	}
	if res := s.send(compose(ham, 1), to("doctor", code)); res.Final.Code != code {
		s.t.Errorf("a message got %v, want %d", res.Final, code)
	}
}

// What doctor says of the milter socket is what Postfix makes of it: with its own
// rights, and with smtpd in its chroot.
func TestDoctorAndPostfix(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{unix: true})
	socket := filepath.Join(s.Data, "milter.sock")
	s.expect(250, "ok", "tried as user postfix")
	check(t, os.Chmod(socket, 0o600))
	s.expect(451, "fault", "user postfix may not write to "+socket)
	check(t, os.Chmod(socket, 0o660))
	check(t, os.Chmod(s.Data, 0o750))
	s.expect(451, "fault", "user postfix may not enter "+s.Data)
	check(t, os.Chmod(s.Data, 0o755))
	check(t, s.Postfix.Set(map[string]string{"smtpd_milters": "inet:" + s.Listen}))
	if found := s.doctor("MTA"); len(found) != 1 || !strings.HasPrefix(found[0], "ok: Postfix smtpd") {
		t.Errorf("the port: %q", found)
	}
	check(t, s.Postfix.Set(map[string]string{"smtpd_milters": "inet:127.0.0.1:1", "non_smtpd_milters": "inet:" + s.Listen}))
	if found := s.doctor("MTA"); len(found) != 2 || !strings.HasPrefix(found[0], "ok: Postfix cleanup gets an answer") || !strings.Contains(found[1], "no MTA of this host names") {
		t.Errorf("another milter, and ours for local mail only: %q", found)
	}
}

func TestDoctorAndChroot(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{unix: true, chroot: true})
	s.expect(451, "fault", "does not see unix:"+filepath.Join(s.Data, "milter.sock"))

	inside := filepath.Join(s.Postfix.Spool(), "fanmill")
	check(t, os.Mkdir(inside, 0o755))
	s.restart(tree{"milter": {"listen": []string{"inet:" + s.Listen, "unix:" + filepath.Join(inside, "milter.sock")}}})
	check(t, s.Postfix.Set(map[string]string{"smtpd_milters": "unix:fanmill/milter.sock"}))
	s.eventually("Postfix to read its configuration again", func() bool {
		return s.send(compose(ham, 2), to("doctor", 2)).Final.Code == 250
	})
	s.expect(250, "ok", "chrooted to "+s.Postfix.Spool()+" gets an answer on unix:fanmill/milter.sock, tried as user postfix")
	check(t, os.Chmod(inside, 0o700))
	s.expect(451, "fault", "user postfix may not enter "+inside)
}

// Sendmail looks at the way to a socket before it uses it: doctor must find what it
// finds, as root and with the rights of another.
func TestDoctorAndSendmail(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"", "nobody"} {
		t.Run("as "+cmp.Or(user, "root"), func(t *testing.T) { testDoctorSendmail(t, user) })
	}
}

func testDoctorSendmail(t *testing.T, user string) {
	top := "/run/doctor" // Sendmail trusts nothing below a directory like /tmp
	dir := filepath.Join(top, "dir")
	socket := filepath.Join(dir, "milter.sock")
	check(t, os.MkdirAll(dir, 0o755))
	t.Cleanup(func() { check(t, os.RemoveAll(top)) })
	s := newSite(t, plan{server: sendmail, user: user, lines: filterLine("local:" + socket), stopped: true})
	s.restart(tree{"milter": {"listen": []string{"inet:" + s.Listen, "unix:" + socket}}})

	who := "tried as user " + cmp.Or(user, "root")
	asRoot := func(code int, level, text string) {
		t.Helper()
		if user != "" { // nobody is refused by the kernel
			code, level, text = 451, "fault", "may not write to "
		}
		s.expect(code, level, text)
	}
	asRoot(250, "ok", who)
	for _, c := range []struct {
		name string
		mode os.FileMode
		path string
		code int
		text string
	}{
		{"socket open to all", 0o666, socket, 250, who},
		{"directory open to its group", 0o775, dir, 451, "others than its owner may write to " + dir},
		{"directory open to all", 0o777 | os.ModeSticky, dir, 451, "others than its owner may write to " + dir},
		{"directory open to its owner", 0o755, dir, 250, who},
		{"directory above open to its group", 0o775, top, 451, "others than its owner may write to " + top},
		{"directory above open to its owner", 0o755, top, 250, who},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, os.Chmod(c.path, c.mode))
			level := "ok"
			if c.code != 250 {
				level = "fault"
			}
			s.expect(c.code, level, c.text)
		})
	}
	check(t, os.Rename(socket, socket+".real"))
	check(t, os.Symlink(socket+".real", socket))
	s.expect(451, "fault", "is a symbolic link")
	check(t, os.Rename(socket+".real", socket))
	check(t, os.Chmod(socket, 0o600))
	asRoot(250, "ok", who)

	check(t, s.Sendmail.Configure(strings.Replace(filterLine("inet:"+s.Listen), "F=T, ", "", 1)))
	check(t, s.MTA.Stop())
	check(t, s.MTA.Start(t.Context()))
	if found := s.doctor("MTA"); len(found) != 2 || !strings.HasPrefix(found[0], "ok: Sendmail gets an answer on inet:") || !strings.HasPrefix(found[1], "note: while fanmill is down, Sendmail lets mail through") {
		t.Errorf("a port, and no F=: %q", found)
	}
}
