//go:build system

package system

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/test/harness"
)

// doctor runs `fanmill doctor` on the site and returns what its checks of one name
// found, a line each: level, text.
func (s *site) doctor(name string, args ...string) []string {
	s.t.Helper()
	out, err := s.Daemon.Run("doctor", append([]string{"--json", "--postfix", s.Postfix.Etc()}, args...)...)
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
