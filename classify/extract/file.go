package extract

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
func (x *Extractor) dataFeatures(t mime.Type, head []byte) {
	kind := attached.Sniff(head)
	if kind == "" {
		return
	}
	x.set.AddString(pContent, kind)
	ending := ""
	if i := strings.LastIndexByte(t.Name, '.'); i >= 0 {
		ending = strings.ToLower(t.Name[i+1:])
	}
	switch said := t.Media[strings.IndexByte(t.Media, '/')+1:]; {
	case !attached.Fits(kind, ending):
		x.set.AddString(pContent, kind+" named ."+string(octets.Cut([]byte(ending), 8)))
	case said != "octet-stream" && !strings.HasPrefix(said, "x-") && !attached.Fits(kind, said):
		x.set.AddString(pContent, kind+" as "+string(octets.Cut([]byte(t.Media), words.MaxWord)))
	}
	switch kind {
	case "zip":
		x.zipNames(head)
	case "tnef":
		x.tnef(head)
	}
}

// endings gives the ending of a file's name, and the last two where there are more.
func (x *Extractor) endings(name []byte) {
	last := bytes.LastIndexByte(name, '.')
	if last < 0 {
		return
	}
	x.set.Add(pFileExt, octets.Cut(name[last:], 12))
	if two := bytes.LastIndexByte(name[:last], '.'); two >= 0 && last-two > 2 && last-two <= 5 && len(name)-last <= 6 {
		x.set.Add(pFileExt, name[two:])
	}
}

// zipNames gives names and endings of the files in an archive, and whether they are
// locked.
func (x *Extractor) zipNames(b []byte) {
	for name, encrypted := range attached.ZipEntries(b) {
		if encrypted {
			x.set.AddString(pInside, "encrypted")
		}
		name = octets.AppendLower(nil, octets.Cut(name, words.MaxWord*2))
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			x.set.Add(pInside, octets.Cut(name[dot:], 12))
		}
		x.set.Add(pInside, octets.Cut(name[bytes.LastIndexByte(name, '/')+1:], words.MaxWord))
	}
}

// tnef reads subject, text and file names of a winmail.dat as far as they stand
// in its start.
func (x *Extractor) tnef(b []byte) {
	for id, value := range attached.TNEF(b) {
		switch id {
		case attached.TNEFSubject, attached.TNEFBody:
			x.split.Split(x.decode(value, "tnef"), x.bodyWord)
		case attached.TNEFTitle:
			name := octets.AppendLower(nil, x.decode(octets.Cut(value, excerptMax), "tnef"))
			x.files.Inside(name)
			x.endings(name)
			x.words(name, pFile)
		}
	}
}
