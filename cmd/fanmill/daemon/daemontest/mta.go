package daemontest

import (
	"bytes"
	"fmt"
	"strings"

	gomilter "github.com/d--j/go-milter"
)

// Answer is what the milter told the MTA of one message.
type Answer struct {
	Action string // accept, discard, tempfail, reject 550 text...
	Fields []string
}

// Status returns the words of the verdict header, nil when there is none.
func (a Answer) Status() []string {
	for _, f := range a.Fields {
		if value, ok := strings.CutPrefix(f, "X-Fanmill-Status: "); ok {
			return strings.Fields(value)
		}
	}
	return nil
}

// String is the answer as lines of text.
func (a Answer) String() string {
	return strings.Join(append([]string{a.Action}, a.Fields...), "\n") + "\n"
}

// Deliver shows a message to the milter as an MTA would that got it from a
// client at 192.0.2.7.
func Deliver(network, address string, raw []byte, sender string, rcpts ...string) (Answer, error) {
	macros := gomilter.NewMacroBag()
	macros.Set(gomilter.MacroQueueId, "4QUEUE1D")
	macros.Set(gomilter.MacroMTAFQDN, "mx.example.org")
	s, err := gomilter.NewClient(network, address).Session(macros)
	if err != nil {
		return Answer{}, err
	}
	defer s.Close()
	if _, err := s.Conn("client.example.com", gomilter.FamilyInet, 40000, "192.0.2.7"); err != nil {
		return Answer{}, err
	}
	if _, err := s.Helo("client.example.com"); err != nil {
		return Answer{}, err
	}
	if _, err := s.Mail(sender, ""); err != nil {
		return Answer{}, err
	}
	for _, r := range rcpts {
		if act, err := s.Rcpt(r, ""); err != nil || act.StopProcessing() {
			return Answer{}, fmt.Errorf("recipient %s: %v (%w)", r, act, err)
		}
	}
	return content(s, raw)
}

func content(s *gomilter.ClientSession, raw []byte) (Answer, error) {
	if _, err := s.DataStart(); err != nil {
		return Answer{}, err
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	for _, line := range strings.Split(string(head), "\n") {
		name, value, _ := strings.Cut(line, ":")
		if _, err := s.HeaderField(name, value, nil); err != nil {
			return Answer{}, err
		}
	}
	if _, err := s.HeaderEnd(); err != nil {
		return Answer{}, err
	}
	mods, act, err := s.BodyReadFrom(bytes.NewReader(bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))))
	if err != nil {
		return Answer{}, err
	}
	out := Answer{Action: actionWord(act)}
	for _, m := range mods {
		if m.Type == gomilter.ActionInsertHeader || m.Type == gomilter.ActionAddHeader {
			out.Fields = append(out.Fields, m.HeaderName+":"+m.HeaderValue)
		}
	}
	return out, nil
}

func actionWord(a *gomilter.Action) string {
	switch a.Type {
	case gomilter.ActionAccept, gomilter.ActionContinue:
		return "accept"
	case gomilter.ActionDiscard:
		return "discard"
	case gomilter.ActionTempFail:
		return "tempfail"
	case gomilter.ActionReject:
		return "reject"
	}
	return fmt.Sprintf("reject %s", a.SMTPReply)
}
