package attached

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"fanmill/classify/octets"
)

// runnable tells by its first bytes that a file is one that a system would run, as the
// ending such files have; "" for all others.
func runnable(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("MZ")) && bytes.IndexByte(octets.Cut(b, 64), 0) >= 0: // else it is text that begins so
		return "exe"
	case bytes.HasPrefix(b, []byte("\x7fELF")):
		return "elf"
	case machO(b):
		return "macho"
	case bytes.HasPrefix(b, []byte("L\x00\x00\x00\x01\x14\x02\x00")): // MS-SHLLINK, section 2.1
		return "lnk"
	case bytes.HasPrefix(b, []byte("ITSF")):
		return "chm"
	case bytes.HasPrefix(b, []byte("#!")):
		return interpreted(b)
	}
	return windowsText(b)
}

// machO knows the programs of macOS: of one kind of processor, or of several. The latter
// begin like a Java class, whose version (45 and up) stands where their number is.
func machO(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe:
		return true
	case 0xcafebabe:
		return binary.BigEndian.Uint32(b[4:]) < 45
	}
	return false
}

// shells are the interpreters whose scripts are told. Those of programming languages are
// not: people send each other such files.
var shells = strings.Fields("sh ash bash csh dash fish ksh tcsh zsh")

// interpreted tells by the first line, "#!/bin/sh" or "#!/usr/bin/env -S sh -e", that a
// script is one for a shell.
func interpreted(b []byte) string {
	line, _, _ := strings.Cut(string(octets.Cut(b[len("#!"):], 200)), "\n")
	for _, word := range strings.Fields(line) {
		name := word[strings.LastIndexByte(word, '/')+1:]
		if name == "env" || strings.HasPrefix(name, "-") || strings.Contains(name, "=") {
			continue
		}
		if slices.Contains(shells, name) {
			return "sh"
		}
		break
	}
	return ""
}

// windowsText knows files of Windows that are text.
func windowsText(b []byte) string {
	b = bytes.TrimLeft(octets.Cut(b, 200), "\xef\xbb\xbf \t\r\n")
	lower := string(octets.AppendLower(nil, octets.Cut(b, 20)))
	switch {
	case strings.HasPrefix(lower, "@echo off"):
		return "bat"
	case strings.HasPrefix(lower, "[internetshortcut]"):
		return "url"
	}
	return ""
}
