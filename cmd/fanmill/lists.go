package main

import (
	"fmt"

	"fanmill/config"
	"fanmill/policy"
)

// maxListWarnings bounds how many lines of one list are named one by one.
const maxListWarnings = 20

// readLists reads the plain text lists that the rules name. A line that is wrong is passed
// over, and warned about: mail does not wait for somebody's typing mistake.
func readLists(file *config.Config) (lists map[string]*policy.List, warnings config.Problems, err error) {
	lists = map[string]*policy.List{}
	for _, path := range file.ListFiles() {
		text, err := config.ReadText(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read list: %w", err)
		}
		list, errs := policy.ParseList(text)
		lists[path] = list
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

func clipped(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
