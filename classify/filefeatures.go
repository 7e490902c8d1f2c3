package classify

import (
	"bytes"
	"strings"

	"fanmill/classify/attached"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// dataFeatures gives the type of a part by its first bytes, whether its header
// says another, and what the archives among them hold.
func (s *Stream) dataFeatures(t mime.Type, head []byte) {
	kind := attached.Sniff(head)
	if kind == "" {
		return
	}
	s.set.AddString(pContent, kind)
	ending := ""
	if i := strings.LastIndexByte(t.Name, '.'); i >= 0 {
		ending = strings.ToLower(t.Name[i+1:])
	}
	switch said := t.Media[strings.IndexByte(t.Media, '/')+1:]; {
	case !attached.Fits(kind, ending):
		s.set.AddString(pContent, kind+" named ."+string(octets.Cut([]byte(ending), 8)))
	case said != "octet-stream" && !strings.HasPrefix(said, "x-") && !attached.Fits(kind, said):
		s.set.AddString(pContent, kind+" as "+string(octets.Cut([]byte(t.Media), words.MaxWord)))
	}
	switch kind {
	case "zip":
		s.zipNames(head)
	case "tnef":
		s.tnef(head)
	}
}

// endings gives the ending of a file's name, and the last two where there are more.
func (s *Stream) endings(name []byte) {
	last := bytes.LastIndexByte(name, '.')
	if last < 0 {
		return
	}
	s.set.Add(pFileExt, octets.Cut(name[last:], 12))
	if two := bytes.LastIndexByte(name[:last], '.'); two >= 0 && last-two > 2 && last-two <= 5 && len(name)-last <= 6 {
		s.set.Add(pFileExt, name[two:])
	}
}

// zipNames gives names and endings of the files in an archive, and whether they are
// locked.
func (s *Stream) zipNames(b []byte) {
	for name, encrypted := range attached.ZipEntries(b) {
		if encrypted {
			s.set.AddString(pInside, "encrypted")
		}
		name = octets.AppendLower(nil, octets.Cut(name, words.MaxWord*2))
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			s.set.Add(pInside, octets.Cut(name[dot:], 12))
		}
		s.set.Add(pInside, octets.Cut(name[bytes.LastIndexByte(name, '/')+1:], words.MaxWord))
	}
}

// tnef reads subject, text and file names of a winmail.dat as far as they stand
// in its start.
func (s *Stream) tnef(b []byte) {
	for id, value := range attached.TNEF(b) {
		switch id {
		case attached.TNEFSubject, attached.TNEFBody:
			s.split.Split(s.decode(value, "tnef"), s.bodyWord)
		case attached.TNEFTitle:
			name := octets.AppendLower(nil, s.decode(octets.Cut(value, excerptMax), "tnef"))
			s.files.Inside(name)
			s.endings(name)
			s.words(name, pFile)
		}
	}
}
