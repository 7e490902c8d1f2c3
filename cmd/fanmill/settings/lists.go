package settings

import (
	"fmt"

	"fanmill/config"
	"fanmill/policy/authresults"
	"fanmill/policy/senders"
)

// maxListWarnings bounds how many lines of one list are named one by one.
const maxListWarnings = 20

// readLists reads the plain text lists that the rules name. A line that is wrong is passed
// over, and warned about: mail does not wait for somebody's typing mistake.
func readLists(file *config.Config, in *inputs) (lists map[string]*senders.List, warnings config.Problems, err error) {
	lists = map[string]*senders.List{}
	for _, path := range file.ListFiles() {
		text, err := in.read(path, config.MaxTextFile)
		if err != nil {
			return nil, nil, fmt.Errorf("read list: %w", err)
		}
		list, errs := senders.Parse(string(text))
		lists[path] = list
		in.list(path, list.Len())
		for i, e := range errs {
			if i == maxListWarnings {
				warnings = append(warnings, config.Problem{File: path, Line: e.Line, Text: fmt.Sprintf("and %d more lines are passed over", len(errs)-i)})
				break
			}
			warnings = append(warnings, config.Problem{
				File: path, Line: e.Line, Text: fmt.Sprintf("%q %v", clipped(e.Text, 80), e.Err),
				Hint: "the line is passed over; write an address, a domain or a regular expression (RE2)",
			})
		}
	}
	return lists, warnings, nil
}

// PassedOver returns the lines of lists that are passed over, each with the reason.
func (s *Settings) PassedOver() (list []string) {
	for _, p := range s.Warnings {
		list = append(list, p.Error())
	}
	return list
}

// Unverified says that welcome senders are believed on their word, "" where they are not.
func (s *Settings) Unverified() string {
	if s.Policy.WelcomeAuth != authresults.Present || len(s.Policy.Believed) > 0 || !s.Rules.Welcomes() {
		return ""
	}
	return "welcome senders are not verified, and a From field is easily forged: name the host that checks SPF and DKIM in classify.authserv_ids"
}

func clipped(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
