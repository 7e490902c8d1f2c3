package maillog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// A log is mostly what is not asked for, so objects are not decoded: their fields are
// found, and those that are asked for are decoded one by one.

var errObject = errors.New("no JSON object of one line")

// eachField calls fn with each field of a JSON object, the key without quotes and the
// value as it stands. It asks for no more of JSON's grammar than it needs to find the
// fields.
func eachField(object []byte, fn func(key, value []byte)) error {
	b := bytes.TrimLeft(object[1:], " \t")
	for len(b) > 0 && b[0] == '"' {
		end := stringEnd(b)
		if end < 0 {
			return errEnd
		}
		key := b[1 : end-1]
		b = bytes.TrimLeft(b[end:], " \t")
		if len(b) == 0 || b[0] != ':' {
			return errObject
		}
		b = bytes.TrimLeft(b[1:], " \t")
		if end = valueEnd(b); end < 0 {
			return errEnd
		}
		fn(key, bytes.TrimRight(b[:end], " \t"))
		if b = b[end:]; b[0] == ',' {
			b = bytes.TrimLeft(b[1:], " \t")
		}
	}
	if len(b) == 0 || b[0] != '}' {
		return errObject
	}
	return nil
}

// stringEnd returns where the string in quotes ends that s begins with, -1 if it does
// not. JSON and slog's text form have the same rules for that.
func stringEnd(s []byte) int {
	for i := 1; i < len(s); {
		n := bytes.IndexByte(s[i:], '"')
		if n < 0 {
			break
		}
		i += n + 1
		slashes := i - 2
		for s[slashes] == '\\' {
			slashes-- // ends at the quote in front, at the latest
		}
		if (i-2-slashes)%2 == 0 {
			return i
		}
	}
	return -1
}

// valueEnd returns the place of the comma or brace behind the value that s begins with,
// -1 if there is none.
func valueEnd(s []byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			n := stringEnd(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// unquote returns what a value says: a string, of JSON or of slog's text form; a
// list of bytes; or another value as it stands. What cannot be read is returned as it
// stands too, and is no word that anybody asks for.
func unquote(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' && value[0] != '[' {
		return value
	}
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	var list []byte
	var text string
	switch {
	case value[0] == '[' && json.Unmarshal(value, &list) == nil:
		return list
	case json.Unmarshal(value, &text) == nil:
		return []byte(text)
	}
	if text, err := strconv.Unquote(string(value)); err == nil {
		return []byte(text)
	}
	return value
}
