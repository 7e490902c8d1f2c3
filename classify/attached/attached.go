// Package attached tells what is attached to a message: files under their names, with
// what they are by their first bytes, and the names in archives. A List notes all that a
// site's rules may refuse, whatever a sender does to hide it; the functions beside it
// serve features, which look at less.
package attached

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"

	"fanmill/classify/mime"
	"fanmill/classify/octets"
)

// File is something attached to a message, or a file in an archive that is. Of
// those that are alike in Ending, Type and Kind only the first is told.
type File struct {
	Name   string // as the sender gave it, decoded, the last 255 bytes of it; hostile: escape it
	Ending string // of the name, as a program that opens a file goes by it: "exe"
	Type   string // media type of the part, "" in an archive
	Kind   string // what it is by its first bytes, as the ending that goes with that; "" if nothing that can be run
	Inside bool   // of an archive
}

// String names it for a log: hostile, to be escaped.
func (f File) String() string {
	name := f.Name
	if name == "" {
		name = f.Type
	}
	if f.Kind != "" && f.Kind != f.Ending {
		name += " (" + f.Kind + ")"
	}
	if f.Inside {
		name += " (in an archive)"
	}
	return name
}

// Bounds of what is told of a message's attachments.
const (
	filesMax = 200 // that differ
	namesMax = 50  // of one part
	nameMax  = 255 // bytes of a name
)

// ZipTail is how much of an archive's end holds its listing, as a rule: what Data asks
// for.
const ZipTail = 64 << 10

// List gathers the attachments of a message. Unless On is set it notes nothing.
type List struct {
	On    bool
	Files []File // of the message in hand: not used again after Reset

	known   map[File]bool // without their names
	decoder mime.FieldDecoder
	names   []string // of the part in hand
}

// Reset forgets the message in hand.
func (l *List) Reset() {
	l.Files, l.names = nil, l.names[:0]
	clear(l.known)
}

// Field takes a field of the message's header or a part's.
func (l *List) Field(name, value []byte) {
	if !l.On || len(l.names) > namesMax {
		return
	}
	switch string(name) {
	case "content-type", "content-disposition":
		l.names = append(l.names, mime.FileNames(value)...)
	}
}

// Part takes what the fields said once they have ended. Enclosed messages and what is
// made of parts are no files, whatever they are called.
func (l *List) Part(t mime.Type) {
	if !l.On {
		return
	}
	names := l.names
	l.names = l.names[:0]
	if t.Multipart() && len(t.Boundary) > 0 || t.Message() || t.Report() {
		return
	}
	for _, name := range names {
		text, _ := l.decoder.Decode([]byte(name))
		l.named(text, File{Type: t.Media})
	}
	if len(names) == 0 && t.Media != "text/plain" && t.Media != "text/html" {
		l.note(File{Type: t.Media})
	}
}

// named notes something under a name. Programs that end a name at a NUL see another one
// than those that do not.
func (l *List) named(name []byte, x File) {
	name = name[max(0, len(name)-nameMax):]
	x.Name = strings.ToValidUTF8(string(name), "")
	x.Ending = fileEnding(x.Name)
	l.note(x)
	if first, _, ok := strings.Cut(x.Name, "\x00"); ok {
		x.Ending = fileEnding(first)
		l.note(x)
	}
}

func (l *List) note(x File) {
	alike := x
	alike.Name = ""
	if x.Ending == "" && x.Type == "" || l.known[alike] || len(l.Files) == filesMax {
		return
	}
	if l.known == nil {
		l.known = map[File]bool{}
	}
	l.known[alike] = true
	l.Files = append(l.Files, x)
}

// Data takes the start of a part that is no text, and of an archive the end.
func (l *List) Data(t mime.Type, head, end []byte) {
	if !l.On {
		return
	}
	l.content(t, head)
	if bytes.HasPrefix(head, []byte("PK")) {
		l.zipped(head, "PK\x03\x04", 30, 26)
		if end == nil {
			end = head
		}
		l.zipped(end, "PK\x01\x02", 46, 28)
	}
}

// Text takes the start of a part that is text. What is shown with the message is no
// file: people write about scripts.
func (l *List) Text(t mime.Type, head []byte) {
	if l.On && (t.Name != "" || t.Disp == "attachment") {
		l.content(t, head)
	}
}

func (l *List) content(t mime.Type, head []byte) {
	if kind := runnable(head); kind != "" {
		name := []byte(t.Name)
		text, _ := l.decoder.Decode(name[max(0, len(name)-nameMax):])
		l.named(text, File{Type: t.Media, Kind: kind})
	}
}

// Inside takes the name of a file in an archive.
func (l *List) Inside(name []byte) {
	if l.On {
		l.named(name, File{Inside: true})
	}
}

// zipped notes the names in records of a zip archive: of its files, or of its central
// directory (PKWARE APPNOTE, sections 4.3.7 and 4.3.12). size is that of the record's
// fixed part, and length where in it that of the name stands. It goes on behind each
// record's fixed part, whatever lengths the record claims, so that none hides the next.
func (l *List) zipped(b []byte, signature string, size, length int) {
	for {
		i := bytes.Index(b, []byte(signature))
		if i < 0 || len(b)-i < size {
			return
		}
		n := int(binary.LittleEndian.Uint16(b[i+length:]))
		b = b[i+size:]
		l.Inside(octets.Cut(b, n))
	}
}

// fileEnding returns what stands behind the last dot of a file's name, in lower case, as
// Windows goes by it: without the path, characters that nobody sees (such as those that
// turn the direction of writing: U+202E before "fdp.exe" shows it as "exe.pdf"), and dots
// and blanks at the end. A class identifier (".{3050f4d8-...}") is "clsid".
func fileEnding(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, name)
	const stream = "::$data" // the unnamed stream of NTFS: the file itself
	if n := len(name) - len(stream); n > 0 && strings.EqualFold(name[n:], stream) {
		name = name[:n]
	}
	name = strings.TrimRightFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`.'"`, r) })
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ""
	}
	ending := strings.ToLower(name[dot+1:])
	if strings.HasPrefix(ending, "{") && strings.HasSuffix(ending, "}") {
		return "clsid"
	}
	return strings.ToValidUTF8(ending[:min(len(ending), 40)], "")
}
