package main

import (
	"bytes"
	"fmt"
	"strings"

	gomilter "github.com/d--j/go-milter"
)

// answer is what the milter told the MTA of one message.
type answer struct {
	action string // accept, discard, tempfail, reject 550 text...
	fields []string
}

// status returns the words of the verdict header, nil when there is none.
func (a answer) status() []string {
	for _, f := range a.fields {
		if value, ok := strings.CutPrefix(f, "X-Fanmill-Status: "); ok {
			return strings.Fields(value)
		}
	}
	return nil
}

// String is the answer as lines of text.
func (a answer) String() string {
	return strings.Join(append([]string{a.action}, a.fields...), "\n") + "\n"
}

// deliver shows a message to the milter as an MTA would that got it from a
// client at 192.0.2.7.
func deliver(network, address string, raw []byte, sender string, rcpts ...string) (answer, error) {
	macros := gomilter.NewMacroBag()
	macros.Set(gomilter.MacroQueueId, "4QUEUE1D")
	macros.Set(gomilter.MacroMTAFQDN, "mx.example.org")
	s, err := gomilter.NewClient(network, address).Session(macros)
	if err != nil {
		return answer{}, err
	}
	defer s.Close()
	if _, err := s.Conn("client.example.com", gomilter.FamilyInet, 40000, "192.0.2.7"); err != nil {
		return answer{}, err
	}
	if _, err := s.Helo("client.example.com"); err != nil {
		return answer{}, err
	}
	if _, err := s.Mail(sender, ""); err != nil {
		return answer{}, err
	}
	for _, r := range rcpts {
		if act, err := s.Rcpt(r, ""); err != nil || act.StopProcessing() {
			return answer{}, fmt.Errorf("recipient %s: %v (%w)", r, act, err)
		}
	}
	return content(s, raw)
}

func content(s *gomilter.ClientSession, raw []byte) (answer, error) {
	if _, err := s.DataStart(); err != nil {
		return answer{}, err
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	for _, line := range strings.Split(string(head), "\n") {
		name, value, _ := strings.Cut(line, ":")
		if _, err := s.HeaderField(name, value, nil); err != nil {
			return answer{}, err
		}
	}
	if _, err := s.HeaderEnd(); err != nil {
		return answer{}, err
	}
	mods, act, err := s.BodyReadFrom(bytes.NewReader(bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))))
	if err != nil {
		return answer{}, err
	}
	out := answer{action: actionWord(act)}
	for _, m := range mods {
		if m.Type == gomilter.ActionInsertHeader || m.Type == gomilter.ActionAddHeader {
			out.fields = append(out.fields, m.HeaderName+":"+m.HeaderValue)
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

// split parts an address as the configuration writes it.
func split(spec string) (network, address string) {
	if path, ok := strings.CutPrefix(spec, "unix:"); ok {
		return "unix", path
	}
	return "tcp", strings.TrimPrefix(spec, "inet:")
}
