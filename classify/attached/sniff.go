package attached

import (
	"bytes"
	"strings"

	"fanmill/classify/octets"
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

// Sniff tells a file's type by its first bytes; "" if it is none of magic.
func Sniff(b []byte) string {
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

// Fits tells whether a type that Sniff told goes with a media subtype or an ending.
func Fits(kind, said string) bool {
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
