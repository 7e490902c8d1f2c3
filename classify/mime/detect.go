package mime

import (
	"slices"
	"sync"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Text in a charset that nothing names, or that the name does not fit, is tried
// in each of a short list of charsets. The one in which it looks most like
// writing wins: each character costs the less the more often it is written.
// Costs are negative logarithms of rough probabilities in tenths of nats, so that
// those of one-byte and two-byte charsets can be compared. On subjects of six
// characters this is right nine times in ten; ports of the detectors of web
// browsers and of ICU, made for whole pages, were right in a third to two thirds.
const (
	costFirst = 22 // the most frequent letter; each after it one more
	costUpper = 20 // a capital, beside the letter's own cost
	costSign  = 50 // quotation marks, dashes, currencies and the like
	costOther = 85 // anything else that exists
	costBad   = 150

	costNext  = 23 // Latin: a letter with an accent next to another one
	costCase  = 25 // a capital after a small letter
	costMixed = 30 // other scripts: a letter next to one of ASCII

	costOften = 58  // two bytes: of the characters that make up half of all text
	costDaily = 90  // in the rows of everyday characters
	costRare  = 140 // any other that exists
	costKana  = 80  // one-byte kana
)

// sampleMax is how much text is tried.
const sampleMax = 1024

// reading is a way to read text.
type reading interface {
	encoding() encoding.Encoding
	cost(b []byte) int
}

// readings are tried in this order; the first of equal ones wins.
var readings = sync.OnceValue(func() []reading {
	return []reading{
		latin(charmap.Windows1252, 0, "éáüóäàíöèñçãêßåúâøõæëôîïùûœìò"),
		latin(charmap.Windows1250, 10, "ęąíłáěžčéřśýóšżůőöćúăńťźşţďňűîüâä"),
		latin(charmap.ISO8859_2, 12, "ęąíłáěžčéřśýóšżůőöćúăńťźşţďňűîüâä"),
		latin(charmap.Windows1254, 10, "ışüğçöâîû"),
		script(charmap.Windows1251, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїє"),
		script(charmap.KOI8R, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
		script(charmap.Windows1253, "αοιετσνηυρπκμλςωάίόέγδήχθφβύώξζψϊ"),
		script(charmap.Windows1255, "יוהלאמרתבשנםכדקעחפטגצןסזךףץ"),
		script(charmap.Windows1256, "اليمونرتبةعدسفهكقحجأصشطخىضزذثئإغءظؤآ،؟"),
		script(charmap.Windows874, "านรอกเงมยลวดท่ส้ตะัปบคหแิจีไ์ใพชขืโถุ็ูำผึซธศญณภษฐฟฝฤ"),
		pairs(simplifiedchinese.GB18030, twoByte{leads: [2]byte{0x81, 0xfe}, daily: [2]byte{0xb0, 0xd7}, low: 0x40, high: 0x80, dailyLow: 0xa1},
			"　，。、：！？的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日者意无力与长机十民第公此已工使情明性全三关点正业外将两高间由问很最重手应文体美相见利等产新月话合回特代内信表位次度任先通教提及员解名真入认平打电数安少报结务做接件计管期市资保费您请票"),
		pairs(traditionalchinese.Big5, twoByte{leads: [2]byte{0x81, 0xfe}, daily: [2]byte{0xa4, 0xc6}, low: 0x40, high: 0xa1, dailyLow: 0x40},
			"　，。、：！？的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作里用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心本前開但因只從想實日者意無力與長機十民第公此已工使情明性全三關點正業外將兩高間由問很最重手應文體美相見利等產新月話合回特代內信表位次度任先通教提及員解名真入認平打電數安少報結務做接件計管期市資保費您請"),
		pairs(japanese.ShiftJIS, twoByte{leads: [2]byte{0x81, 0xfc}, daily: [2]byte{0x81, 0x97}, low: 0x40, high: 0x80, dailyLow: 0x40, kana: true}, japaneseOften),
		pairs(japanese.EUCJP, twoByte{leads: [2]byte{0xa1, 0xfe}, daily: [2]byte{0xa1, 0xcf}, low: 0xff, high: 0xa1, dailyLow: 0xa1}, japaneseOften),
		pairs(korean.EUCKR, twoByte{leads: [2]byte{0x81, 0xfe}, daily: [2]byte{0xb0, 0xc8}, low: 0x41, high: 0x81, dailyLow: 0xa1},
			"　이다는에의을가고하지한로기도를은사서어인해자시대리정일수그아라나부전으안만있과보제여원들상스주성조국것동장경니게세구중요오선비진신용공관적미치우마연무모실위유었면개방화체생내드습당물발문음할합각했행분회금입차트직간학녕받께료"),
	}
})

const japaneseOften = "　、。のにはをたがでてとしれさいるなあうえおかきくけこせそちつひほまみむめもやゆよらりろわんっょだどじばございずーンスルトラリアイクレシドマフ" +
	"日本人年大一会国月事者自分社中上出生時行見方前後手合場部名金円様株式送信商品"

// detect returns the encoding in which a text looks most like writing, and what
// it costs in it.
func detect(sample []byte) (best encoding.Encoding, least int) {
	for i, r := range readings() {
		if n := r.cost(sample); i == 0 || n < least {
			best, least = r.encoding(), n
		}
	}
	return best, least
}

// doubtful is what text costs for each of its high bytes at most, if it is
// labelled right: nearly twice of what is usual.
const doubtful = 50

// misread tells whether a text looks much more like writing in another encoding
// than in the one it is said to be in, and in which.
func misread(said encoding.Encoding, sample []byte) (other encoding.Encoding, is bool) {
	all := readings()
	i := slices.IndexFunc(all, func(r reading) bool { return r.encoding() == said })
	if i < 0 {
		return nil, false
	}
	cost := all[i].cost(sample)
	if cost <= doubtful*countHigh(sample) {
		return nil, false
	}
	other, least := detect(sample)
	return other, other != said && 4*cost > 5*least+4*costBad
}

func countHigh(b []byte) (n int) {
	for _, c := range b {
		n += int(c >> 7)
	}
	return n
}

// oneByte is ASCII and one other script.
type oneByte struct {
	enc   *charmap.Charmap
	prior int  // cost of there being such text at all
	latin bool // its letters stand among those of ASCII
	costs [128]uint8
	kinds [128]letterKind
}

type letterKind uint8

const (
	noLetter letterKind = iota
	small               // or of a script that knows no other
	capital
)

func latin(enc *charmap.Charmap, prior int, often string) *oneByte {
	s := script(enc, often)
	s.prior, s.latin = prior, true
	return s
}

// script makes a reading of a charset whose letters are given in the order of
// their frequency.
func script(enc *charmap.Charmap, often string) *oneByte {
	const signs = "\u00a0§°·«»“”„‘’‚–—…€£¿¡ºª©®№"
	cost := map[rune]uint8{}
	for _, r := range signs {
		cost[r] = costSign
	}
	for i, r := range []rune(often) {
		cost[r] = costFirst + uint8(i)
		if u := unicode.ToUpper(r); u != r {
			cost[u] = cost[r] + costUpper
		}
	}
	s := &oneByte{enc: enc}
	for i := range s.costs {
		r := enc.DecodeByte(byte(i + 0x80))
		switch {
		case cost[r] > 0:
			s.costs[i] = cost[r]
		case r == unicode.ReplacementChar || r < 0xa0:
			s.costs[i] = costBad
		default:
			s.costs[i] = costOther
		}
		switch {
		case unicode.IsUpper(r):
			s.kinds[i] = capital
		case unicode.IsLetter(r):
			s.kinds[i] = small
		}
	}
	return s
}

func (s *oneByte) encoding() encoding.Encoding { return s.enc }

func (s *oneByte) cost(b []byte) int {
	sum := s.prior
	last, lastHigh := noLetter, false
	letters, others := 0, 0
	for i, c := range b {
		high := c >= 0x80
		if high && i > 0 && c == b[i-1] {
			continue // a row of one byte is a line, or nothing
		}
		k := asciiKind(c)
		if high {
			sum += int(s.costs[c-0x80])
			k = s.kinds[c-0x80]
			others++
		} else if k != noLetter {
			letters++
		}
		if k != noLetter && last != noLetter && (high || lastHigh) {
			switch {
			case last == small && k == capital:
				sum += costCase
			case s.latin && high && lastHigh:
				sum += costNext
			case !s.latin && high != lastHigh:
				sum += costMixed
			}
		}
		last, lastHigh = k, high
	}
	if !s.latin && letters > 3*others {
		sum += costMixed
	}
	return sum
}

func asciiKind(c byte) letterKind {
	switch {
	case c >= 'a' && c <= 'z':
		return small
	case c >= 'A' && c <= 'Z':
		return capital
	}
	return noLetter
}

// twoByte is ASCII and characters of two bytes.
type twoByte struct {
	enc      encoding.Encoding
	leads    [2]byte // range of the first byte
	daily    [2]byte // that of everyday characters
	low      byte    // the second byte is from low to 0x7e, or from high on
	high     byte
	dailyLow byte // the second byte of everyday characters is not below
	kana     bool // bytes 0xa1 to 0xdf are kana
	often    map[[2]byte]bool
}

func pairs(enc encoding.Encoding, d twoByte, often string) *twoByte {
	d.enc = enc
	d.often = map[[2]byte]bool{}
	e := enc.NewEncoder()
	for _, r := range often {
		if b, err := e.Bytes([]byte(string(r))); err == nil && len(b) == 2 {
			d.often[[2]byte(b)] = true
		}
	}
	return &d
}

func (d *twoByte) encoding() encoding.Encoding { return d.enc }

func (d *twoByte) cost(b []byte) int {
	sum := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			continue
		case d.kana && c >= 0xa1 && c <= 0xdf:
			sum += costKana
			continue
		case c < d.leads[0] || c > d.leads[1] || i+1 == len(b):
			sum += costBad
			continue
		}
		n := b[i+1]
		switch {
		case (n < d.low || n > 0x7e) && (n < d.high || n == 0xff):
			sum += costBad
			if n < 0x80 {
				continue
			}
			sum += costBad
		case d.often[[2]byte{c, n}]:
			sum += costOften
		case c >= d.daily[0] && c <= d.daily[1] && n >= d.dailyLow:
			sum += costDaily
		default:
			sum += costRare
		}
		i++
	}
	return sum
}
