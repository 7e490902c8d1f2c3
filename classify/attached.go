package classify

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"

	"fanmill/classify/mime"
	"fanmill/classify/octets"
)

// Attachment is something attached to a message, or a file in an archive that is. Of
// those that are alike in Ending, Type and Kind only the first is told.
type Attachment struct {
	Name   string // as the sender gave it, decoded, the last 255 bytes of it; hostile: escape it
	Ending string // of the name, as a program that opens a file goes by it: "exe"
	Type   string // media type of the part, "" in an archive
	Kind   string // what it is by its first bytes, as the ending that goes with that; "" if nothing that can be run
	Inside bool   // of an archive
}

// String names it for a log: hostile, to be escaped.
func (a Attachment) String() string {
	name := a.Name
	if name == "" {
		name = a.Type
	}
	if a.Kind != "" && a.Kind != a.Ending {
		name += " (" + a.Kind + ")"
	}
	if a.Inside {
		name += " (in an archive)"
	}
	return name
}

// Bounds of what is told of a message's attachments.
const (
	attachmentsMax = 200 // that differ
	namesMax       = 50  // of one part
	attachedName   = 255 // bytes of a name
	zipTail        = 64 << 10
)

// attached gathers the attachments of a message. It gives no features.
type attached struct {
	on      bool
	list    []Attachment
	known   map[Attachment]bool // without their names
	decoder mime.FieldDecoder
	names   []string // of the part in hand
}

func (a *attached) reset() {
	a.list, a.names = nil, a.names[:0]
	clear(a.known)
}

// field takes a field of the message's header or a part's.
func (a *attached) field(name, value []byte) {
	if !a.on || len(a.names) > namesMax {
		return
	}
	switch string(name) {
	case "content-type", "content-disposition":
		a.names = append(a.names, mime.FileNames(value)...)
	}
}

// part takes what the fields said once they have ended. Enclosed messages and what is
// made of parts are no files, whatever they are called.
func (a *attached) part(t mime.Type) {
	if !a.on {
		return
	}
	names := a.names
	a.names = a.names[:0]
	if t.Multipart() && len(t.Boundary) > 0 || t.Message() || t.Report() {
		return
	}
	for _, name := range names {
		text, _ := a.decoder.Decode([]byte(name))
		a.named(text, Attachment{Type: t.Media})
	}
	if len(names) == 0 && t.Media != "text/plain" && t.Media != "text/html" {
		a.note(Attachment{Type: t.Media})
	}
}

// named notes something under a name. Programs that end a name at a NUL see another one
// than those that do not.
func (a *attached) named(name []byte, x Attachment) {
	name = name[max(0, len(name)-attachedName):]
	x.Name = strings.ToValidUTF8(string(name), "")
	x.Ending = fileEnding(x.Name)
	a.note(x)
	if first, _, ok := strings.Cut(x.Name, "\x00"); ok {
		x.Ending = fileEnding(first)
		a.note(x)
	}
}

func (a *attached) note(x Attachment) {
	alike := x
	alike.Name = ""
	if x.Ending == "" && x.Type == "" || a.known[alike] || len(a.list) == attachmentsMax {
		return
	}
	if a.known == nil {
		a.known = map[Attachment]bool{}
	}
	a.known[alike] = true
	a.list = append(a.list, x)
}

// data takes the start of a part that is no text, and of an archive the end.
func (a *attached) data(t mime.Type, head, end []byte) {
	if !a.on {
		return
	}
	a.content(t, head)
	if bytes.HasPrefix(head, []byte("PK")) {
		a.zipped(head, "PK\x03\x04", 30, 26)
		if end == nil {
			end = head
		}
		a.zipped(end, "PK\x01\x02", 46, 28)
	}
}

// text takes the start of a part that is text. What is shown with the message is no
// file: people write about scripts.
func (a *attached) text(t mime.Type, head []byte) {
	if a.on && (t.Name != "" || t.Disp == "attachment") {
		a.content(t, head)
	}
}

func (a *attached) content(t mime.Type, head []byte) {
	if kind := runnable(head); kind != "" {
		name := []byte(t.Name)
		text, _ := a.decoder.Decode(name[max(0, len(name)-attachedName):])
		a.named(text, Attachment{Type: t.Media, Kind: kind})
	}
}

// inside takes the name of a file in an archive.
func (a *attached) inside(name []byte) {
	if a.on {
		a.named(name, Attachment{Inside: true})
	}
}

// zipped notes the names in records of a zip archive: of its files, or of its central
// directory (PKWARE APPNOTE, sections 4.3.7 and 4.3.12). size is that of the record's
// fixed part, and length where in it that of the name stands. It goes on behind each
// record's fixed part, whatever lengths the record claims, so that none hides the next.
func (a *attached) zipped(b []byte, signature string, size, length int) {
	for {
		i := bytes.Index(b, []byte(signature))
		if i < 0 || len(b)-i < size {
			return
		}
		n := int(binary.LittleEndian.Uint16(b[i+length:]))
		b = b[i+size:]
		a.inside(octets.Cut(b, n))
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
