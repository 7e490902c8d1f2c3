package extract

// scripts are told apart by the first two bytes of a word in UTF-8: a site that
// never had Korean mail learns from one message what to think of it. Latin, and
// scripts that few write mail in, have none.
var scripts = [...]struct {
	first, last uint16
	name        string
}{
	{0xcdb0, 0xcfbf, "Greek"},
	{0xd080, 0xd4af, "Cyrillic"},
	{0xd4b0, 0xd68f, "Armenian"},
	{0xd690, 0xd7bf, "Hebrew"},
	{0xd880, 0xdbbf, "Arabic"},
	{0xe0a4, 0xe0b7, "Indic"},
	{0xe0b8, 0xe0b9, "Thai"},
	{0xe0ba, 0xe0bb, "Lao"},
	{0xe180, 0xe181, "Burmese"},
	{0xe182, 0xe183, "Georgian"},
	{0xe184, 0xe187, "Hangul"},
	{0xe19e, 0xe19f, "Khmer"},
	{0xe381, 0xe383, "kana"},
	{0xe390, 0xe9bf, "Han"},
	{0xeab0, 0xed9e, "Hangul"},
}

// script gives the script of a word.
func (x *Extractor) script(w []byte) {
	if w[0] >= 0xcd && len(w) >= 2 {
		x.scriptOf(w)
	}
}

func (x *Extractor) scriptOf(w []byte) {
	lead := uint16(w[0])<<8 | uint16(w[1])
	for i, sc := range scripts {
		if lead >= sc.first && lead <= sc.last {
			if seen := uint32(1) << i; x.counts.scripts&seen == 0 {
				x.counts.scripts |= seen
				x.set.AddString(pScript, sc.name)
			}
			return
		}
	}
}
