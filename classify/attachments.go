package classify

import (
	"bytes"
	"encoding/binary"
	"strings"

	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// magic are the first bytes of files, with the name we give their type.
var magic = []struct{ start, name string }{
	{"%PDF-", "pdf"},
	{"PK\x03\x04", "zip"},
	{"PK\x05\x06", "zip"},
	{"Rar!\x1a\a", "rar"},
	{"7z\xbc\xaf\x27\x1c", "7z"},
	{"\x1f\x8b", "gzip"},
	{"MSCF", "cab"},
	{"MZ", "exe"},
	{"\x7fELF", "elf"},
	{"\xca\xfe\xba\xbe", "java"},
	{"L\x00\x00\x00\x01\x14\x02\x00", "lnk"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"},
	{"{\\rt", "rtf"},
	{"\x89PNG", "png"},
	{"\xff\xd8\xff", "jpeg"},
	{"GIF8", "gif"},
	{"BM", "bmp"},
	{"RIFF", "riff"},
	{"II*\x00", "tiff"},
	{"MM\x00*", "tiff"},
	{"\x78\x9f\x3e\x22", "tnef"},
	{"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "onenote"},
	{"ID3", "mp3"},
	{"OggS", "ogg"},
	{"#!", "script"},
}

// sniff tells a file's type by its first bytes; "" if it is none of magic.
func sniff(b []byte) string {
	for _, m := range magic {
		if len(b) >= len(m.start) && string(b[:len(m.start)]) == m.start {
			return m.name
		}
	}
	b = bytes.TrimLeft(octets.Cut(b, 200), "\xef\xbb\xbf \t\r\n")
	if len(b) > 5 && b[0] == '<' {
		switch lower := string(octets.AppendLower(nil, octets.Cut(b, 14))); {
		case strings.HasPrefix(lower, "<html"), strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<script"):
			return "html"
		}
	}
	return ""
}

// fits are the pieces of a media type, or the endings of a name, that go with a
// type; types that are not listed go with any.
var fits = map[string]string{
	"pdf": "pdf", "rar": "rar", "7z": "7z", "exe": "exe dosexec msdownload dll scr com sys msi", "png": "png", "jpeg": "jpeg jpg jpe", "gif": "gif", "rtf": "rtf msword doc",
	"zip":  "zip office openxml opendocument ms- docx xlsx pptx docm xlsm odt ods odp epub jar java apk android xpi kmz pages numbers key",
	"ole":  "doc word xls excel ppt powerpoint msi msg outlook ole ms- office vsd visio pub mpp dot pps",
	"gzip": "gz tar tgz", "html": "htm xml svg", "tnef": "tnef dat",
}

// dataFeatures gives the type of a part by its first bytes, whether its header
// says another, and what the archives among them hold.
func (s *Stream) dataFeatures(t mime.Type, head []byte) {
	kind := sniff(head)
	if kind == "" {
		return
	}
	s.set.word(pContent, kind)
	ending := ""
	if i := strings.LastIndexByte(t.Name, '.'); i >= 0 {
		ending = strings.ToLower(t.Name[i+1:])
	}
	switch said := t.Media[strings.IndexByte(t.Media, '/')+1:]; {
	case !goes(kind, ending):
		s.set.word(pContent, kind+" named ."+string(octets.Cut([]byte(ending), 8)))
	case said != "octet-stream" && !strings.HasPrefix(said, "x-") && !goes(kind, said):
		s.set.word(pContent, kind+" as "+string(octets.Cut([]byte(t.Media), words.MaxWord)))
	}
	switch kind {
	case "zip":
		s.zipNames(head)
	case "tnef":
		s.tnef(head)
	}
}

// goes tells whether a type goes with a media subtype or an ending.
func goes(kind, said string) bool {
	pieces, known := fits[kind]
	if !known || said == "" {
		return true
	}
	for piece := range strings.SplitSeq(pieces, " ") {
		if strings.Contains(said, piece) {
			return true
		}
	}
	return false
}

// endings gives the ending of a file's name, and the last two where there are more.
func (s *Stream) endings(name []byte) {
	last := bytes.LastIndexByte(name, '.')
	if last < 0 {
		return
	}
	s.set.feature(pFileExt, octets.Cut(name[last:], 12))
	if two := bytes.LastIndexByte(name[:last], '.'); two >= 0 && last-two > 2 && last-two <= 5 && len(name)-last <= 6 {
		s.set.feature(pFileExt, name[two:])
	}
}

// entriesMax bounds the files of an archive that are looked at.
const entriesMax = 8

// zipNames gives the endings of the files in an archive, as far as their headers
// stand in its start (PKWARE APPNOTE, section 4.3.7), and whether they are locked.
func (s *Stream) zipNames(b []byte) {
	const header = 30
	for range entriesMax {
		i := bytes.Index(b, []byte("PK\x03\x04"))
		if i < 0 || len(b)-i < header {
			return
		}
		b = b[i:]
		if b[6]&1 != 0 {
			s.set.word(pInside, "encrypted")
		}
		n := int(binary.LittleEndian.Uint16(b[26:]))
		name := octets.Cut(b[header:], n)
		b = b[header+len(name):]
		name = octets.AppendLower(nil, octets.Cut(name, words.MaxWord*2))
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			s.set.feature(pInside, octets.Cut(name[dot:], 12))
		}
		s.set.feature(pInside, octets.Cut(name[bytes.LastIndexByte(name, '/')+1:], words.MaxWord))
	}
}

// Attributes of TNEF, the form that Outlook wraps messages in (MS-OXTNEF, 2.1.3).
const (
	tnefSubject = 0x00018004
	tnefBody    = 0x0002800c
	tnefTitle   = 0x00018010 // of an attachment
)

// tnef reads subject, text and file names of a winmail.dat as far as they stand
// in its start.
func (s *Stream) tnef(b []byte) {
	const signature, header, sum = 6, 9, 2
	for b = b[min(signature, len(b)):]; len(b) > header; {
		id := binary.LittleEndian.Uint32(b[1:])
		n := int(min(binary.LittleEndian.Uint32(b[5:]), 1<<30))
		value := bytes.TrimRight(octets.Cut(b[header:], n), "\x00")
		switch id {
		case tnefSubject, tnefBody:
			s.split.Split(s.decode(value, "tnef"), s.bodyWord)
		case tnefTitle:
			name := octets.AppendLower(nil, s.decode(octets.Cut(value, excerptMax), "tnef"))
			s.files.inside(name)
			s.endings(name)
			s.words(name, pFile)
		}
		b = b[min(header+n+sum, len(b)):]
	}
}
