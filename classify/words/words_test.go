package words_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	uax "github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"fanmill/classify/words"
)

var prefixes = map[words.Kind]string{
	words.Piece: "piece:", words.Sign: "sign:", words.URL: "url:", words.Mail: "mail:", words.Trick: "trick:",
}

func split(text string) (out []string) {
	var s words.Splitter
	s.Split([]byte(text), func(k words.Kind, w []byte, cut bool) {
		piece := prefixes[k] + string(w)
		if cut {
			piece += "..."
		}
		out = append(out, piece)
	})
	return out
}

type splitTest struct {
	in   string
	want []string
}

func check(t *testing.T, tests []splitTest) {
	t.Helper()
	for _, tt := range tests {
		if got := split(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q (%+q):\n got %q\nwant %q", tt.in, tt.in, got, tt.want)
		}
	}
}

func TestSplit(t *testing.T) {
	check(t, []splitTest{
		{"Hello, world.", []string{"Hello", "world"}},
		{"don't e.g. 3.14 1,000 a_b", []string{"don't", "e.g", "3.14", "1,000", "a_b"}},
		{"FREE!!! $$$ 100% off", []string{"FREE", "sign:!!!", "sign:$$$", "100", "sign:%", "off"}},
		{"see http://x.example/a?b=1, or (www.y.example).", []string{"see", "url:http://x.example/a?b=1", "or", "url:www.y.example", "sign:)."}},
		{"(http://x.example)(https://y.example/)", []string{"url:http://x.example", "sign:)(", "url:https://y.example/"}},
		{"<me@example.org>, \"you@example.com\"", []string{"mail:me@example.org", "mail:you@example.com"}},
		{"mailto:me@example.org,you@example.org; @ a@b", []string{"mail:me@example.org", "mail:you@example.org", "sign:@", "a", "sign:@", "b"}},
		{"日本語 中文", []string{"piece:日本", "piece:本語", "piece:中文"}},
		{"日本go言語", []string{"piece:日本", "go", "piece:言語"}},
		{strings.Repeat("x", 50), []string{strings.Repeat("x", 40) + "..."}},
		{strings.Repeat("ü", 41), []string{strings.Repeat("ü", 40) + "..."}},
		{strings.Repeat("विश्व", 7), []string{strings.Repeat("विश्व", 7)}},
		{"a\x00b\x7fc", []string{"a", "b", "c"}},
		{"\xff\xfe bad ok\xc3", []string{"bad", "ok"}},
		{"", nil},
	})
}

// TestLanguages has words of many scripts, none of which is in a dictionary.
func TestLanguages(t *testing.T) {
	check(t, []splitTest{
		{"Größe für die Übergrößen, z. B. 3,5 m²", []string{"Größe", "für", "die", "Übergrößen", "z", "B", "3,5", "m²"}},
		{"l’eau d'Évian : « déjà vu »", []string{"l'eau", "d'Évian", "déjà", "vu"}},
		{"Zażółć gęślą jaźń", []string{"Zażółć", "gęślą", "jaźń"}},
		{"İstanbul'da ışık", []string{"İstanbul'da", "ışık"}},
		{"Tiếng Việt: miễn phí", []string{"Tiếng", "Việt", "miễn", "phí"}},
		{"Привет, мир! Скидка 50%", []string{"Привет", "мир", "sign:!", "Скидка", "50", "sign:%"}},
		{"Καλημέρα, κόσμε", []string{"Καλημέρα", "κόσμε"}},
		{"שלום, עולם. תנ״ך", []string{"שלום", "עולם", "תנ״ך"}},
		{"مرحبا بالعالم، ٢٠٢٦", []string{"مرحبا", "بالعالم", "٢٠٢٦"}},
		{"می\u200cخواهم", []string{"میخواهم"}}, // the Persian zero-width non-joiner is no trick
		{"मुफ़्त ऋण प्राप्त करें।", []string{"मुफ़्त", "ऋण", "प्राप्त", "करें"}},
		{"Բարեւ աշխարհ", []string{"Բարեւ", "աշխարհ"}},
		{"გამარჯობა მსოფლიო", []string{"გამარჯობა", "მსოფლიო"}},
		{"您好，发票！优惠50%", []string{"piece:您好", "piece:发票", "sign:！", "piece:优惠", "50", "sign:%"}},
		{"免費貸款", []string{"piece:免費", "piece:費貸", "piece:貸款"}},
		{"無料でスタート。", []string{"piece:無料", "piece:料で", "piece:でス", "piece:スタ", "piece:ター", "piece:ート"}},
		{"ﾀﾞｳﾝﾛｰﾄﾞ", []string{"piece:ダウ", "piece:ウン", "piece:ンロ", "piece:ロー", "piece:ード"}}, // half-width kana
		{"대출을 한도 iPhone을 꼭", []string{"piece:대출", "piece:출을", "piece:한도", "iPhone", "piece:을", "piece:꼭"}},
		{"สวัสดี เงินกู้", []string{"piece:สวัส", "piece:วัสดี", "piece:เงิน", "piece:งินกู้"}},
		{"ການກູ້ຢືມ", []string{"piece:ການ", "piece:ານກູ້", "piece:ນກູ້ຢື", "piece:ກູ້ຢືມ"}},
		{"កម្ចីប្រាក់", []string{"piece:កម្ចីប្រា", "piece:ម្ចីប្រាក់"}},
		{"မြန်မာ", []string{"piece:မြန်မာ"}},
		{"😀👍🏽 ★★ ❤️", []string{"sign:😀", "sign:👍", "sign:🏽", "sign:★", "sign:★", "sign:❤"}},
		{"邮箱：me@example.org，网址http://x.example/a，电话", []string{"piece:邮箱", "mail:me@example.org", "piece:网址", "url:http://x.example/a", "piece:电话"}},
	})
}

// TestTricks has ways to write a word so that it looks the same, or is read the
// same, but has other bytes.
func TestTricks(t *testing.T) {
	check(t, []splitTest{
		{"V\u00adia\u200bgra", []string{"trick:zero-width", "trick:soft hyphen", "Viagra"}},
		{"Viа\u200dgra", []string{"trick:zero-width", "trick:mixed scripts", "Viagra"}},
		{"pay\ufeffpal \u2060", []string{"trick:zero-width", "paypal"}},
		{"кре\u200bдит", []string{"trick:zero-width", "кредит"}},
		{"\u202earbegaiv\u202c", []string{"trick:bidi override", "arbegaiv"}},
		{"Via\u200egra שלום\u200f", []string{"trick:bidi mark", "Viagra", "שלום"}},
		{"\u200c \u200c\u00a0\u200c \u034f\u200c", []string{"trick:invisible text"}},
		{"Ｖｉａｇｒａ ｗｗｗ．ｘ．example／ａ １００％", []string{"trick:full-width", "Viagra", "trick:full-width", "url:www.x.example/a", "trick:full-width", "100", "sign:%"}},
		{"𝐕𝐢𝐚𝐠𝐫𝐚 𝒱𝒾𝒶ℊ𝓇𝒶 Ⓥⓘⓐⓖⓡⓐ 🅥🅘🅐🅖🅡🅐 🆅🅸🅰🅶🆁🅰", append(
			slices.Repeat([]string{"trick:decorative letters", "Viagra"}, 3), slices.Repeat([]string{"trick:decorative letters", "VIAGRA"}, 2)...)},
		{"ᴠɪᴀɢʀᴀ ᵛⁱᵃᵍʳᵃ ⅴiagra", slices.Repeat([]string{"trick:decorative letters", "viagra"}, 3)},
		{"微信①②③", []string{"trick:decorative letters", "piece:微信", "123"}},
		{"Vіаgrа раypаl", []string{"trick:mixed scripts", "Viagra", "trick:mixed scripts", "paypal"}}, // Cyrillic і а р
		{"Ρaypal", []string{"trick:mixed scripts", "Paypal"}},                                         // Greek Ρ
		{"Зaрaбoтoк крeдит", []string{"trick:mixed scripts", "Заработок", "trick:mixed scripts", "кредит"}},
		{"USB-кабель iPhone'ом 3D-модель", []string{"USB", "кабель", "iPhone'ом", "3D", "модель"}},
		{"Москва сор 10км", []string{"Москва", "сор", "10км"}},
		{"V̶i̶a̶g̶r̶a̶ V̷iagra", []string{"trick:struck through", "Viagra", "trick:struck through", "Viagra"}},
		{"مـــجـــانـــي", []string{"trick:stretched", "مجاني"}},
		{"V i a g r a now", []string{"trick:letters apart", "Viagra", "now"}},
		{"F R E E  m o n e y!", []string{"trick:letters apart", "FREE", "trick:letters apart", "money", "sign:!"}},
		{"V\u00a0i\u00a0a\u00a0g\u00a0r\u00a0a", []string{"trick:letters apart", "Viagra"}},
		{"V.i.a.g.r.a C*i*a*l*i*s", []string{"trick:letters apart", "Viagra", "trick:letters apart", "Cialis"}},
		{"(V-i-a-g-r-a)", []string{"trick:letters apart", "Viagra"}},
		{"к р е д и т К.р.е.д.и.т", []string{"trick:letters apart", "кредит", "trick:letters apart", "Кредит"}},
		{"代 开 发 票", []string{"trick:letters apart", "piece:代开", "piece:开发", "piece:发票"}},
		{"代*开*发*票", []string{"trick:letters apart", "piece:代开", "piece:开发", "piece:发票"}},
		{"U.S.A. J.R.R.Tolkien I am a b c", []string{"U.S.A", "J.R.R.Tolkien", "I", "am", "a", "b", "c"}},
	})
}

// samples are words whose letters have more than one normal form.
var samples = []string{
	"Größe", "déjà", "Zażółć", "İstanbul", "Tiếng Việt", "ничей йод ёлка", "κόσμε Ϊ", "שָׁלוֹם", "آب أحمد", "क़लम ड़", "대출을", "がぎぐ パピプ", "Å Ω", "ﬁn", "ﷲ",
}

func TestNormalForms(t *testing.T) {
	for _, text := range samples {
		want := split(norm.NFC.String(text))
		for _, form := range []norm.Form{norm.NFD, norm.NFKC, norm.NFKD} {
			if got := split(form.String(text)); !slices.Equal(got, want) && !strings.ContainsAny(text, "ﬁﷲ") {
				t.Errorf("%q as %+q: %q, as NFC %q", text, form.String(text), got, want)
			}
		}
		for _, w := range want {
			if !norm.NFC.IsNormalString(w) {
				t.Errorf("%q gives %+q", text, w)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom(nil, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Mn, unicode.Hangul, unicode.Devanagari, unicode.Thai)).Draw(t, "text")
		if got, want := split(norm.NFD.String(text)), split(norm.NFC.String(text)); !slices.Equal(got, want) {
			t.Fatalf("%+q: NFD gives %q, NFC %q", text, got, want)
		}
	})
}

// TestFollowsUnicode compares words with those of a library that has all rules
// of UAX 29, for scripts that part words by spaces. Left out are the signs that
// make links, and apostrophes and hyphens that fold changes.
func TestFollowsUnicode(t *testing.T) {
	alphabets := map[string]string{
		"ASCII": "abZ19._':;,-!$ ", "Latin": "aéß1._':·,- ", "Cyrillic": "абЯё1._,: ", "Greek": "αβΩ1.,·: ", "Arabic": "ابت١٢،.: ", "Hebrew": "אבג1.,:״ ",
		"Devanagari": "कखगि१.,:। ", "Georgian": "აბგ1.,: ",
	}
	for name, alphabet := range alphabets {
		runes := []rune(alphabet)
		rapid.Check(t, func(t *rapid.T) {
			// Letters apart are joined, and marks belong to letters only.
			plain := func(s string) bool { return !apart(s) && !oddMark.MatchString(s) }
			text := rapid.StringOfN(rapid.RuneFrom(runes), 0, 30, -1).Filter(plain).Draw(t, name)
			var want []string
			for seg := uax.FromString(text); seg.Next(); {
				if strings.ContainsFunc(seg.Value(), isWordRune) {
					want = append(want, seg.Value())
				}
			}
			got := slices.DeleteFunc(split(text), func(w string) bool { return strings.HasPrefix(w, "sign:") })
			if !slices.Equal(got, want) {
				t.Fatalf("%q: %q, the library says %q", text, got, want)
			}
		})
	}
}

var oddMark = regexp.MustCompile(`[.,:]\p{M}`)

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_'
}

// apart tells whether a text has letters that stand alone in a row.
func apart(text string) bool {
	return slices.ContainsFunc(split(text), func(w string) bool { return w == "trick:letters apart" })
}

// TestLinear has text for each byte of which all the rest could be searched.
func TestLinear(t *testing.T) {
	for _, piece := range []string{
		"a ", "a.", "a.b", "@", "a@", "a@b.c", ".@", "www.", `www.ab"`, "://", "a://", "a://b ", "\u0301", "a\u0301", "\u200b", "\u200c ", "аa", "аz", "Ｖ", "①", "ﷺ", "발", "\u1112",
		"ส", "\u0e31", "\u1039က", "日*", "_", "'", ".", "\xff", "\xe5\x8f", "ﾀﾞ", "\u0336",
	} {
		var s words.Splitter
		text := []byte(strings.Repeat(piece, 512<<10/len(piece)))
		began := time.Now()
		s.Split(text, func(words.Kind, []byte, bool) {})
		took := time.Since(began)
		t.Logf("%+q: %v", piece, took)
		if took > 10*time.Second {
			t.Errorf("%+q: 512 kB took %v", piece, took)
		}
	}
}

// FuzzSplit looks for text that panics, or gives a word with blanks or bytes that
// are no UTF-8.
func FuzzSplit(f *testing.F) {
	for _, text := range append(samples, "V.i.a.g.r.a V i a g r a", "http://x.example/，a@b.example", "\xff\u200b\u0336Ｖ① \u1039က", "ﷺ") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s words.Splitter
		s.Split([]byte(text), func(k words.Kind, w []byte, cut bool) {
			if len(w) == 0 || !utf8.Valid(w) && k != words.URL {
				t.Fatalf("%+q: kind %d %+q", text, k, w)
			}
			if (k == words.Word || k == words.Piece) && strings.ContainsFunc(string(w), unicode.IsSpace) {
				t.Fatalf("%+q: blank in %+q", text, w)
			}
		})
	})
}

func BenchmarkSplit(b *testing.B) {
	for name, text := range map[string]string{
		"English": "It's a fine day, and we will see what the (new) house looks like at 10:30. ",
		"German":  "Es ist ein schöner Tag, und wir werden sehen, wie das „neue“ Häuschen um 10:30 aussieht. ",
		"Russian": "Сегодня хороший день, и мы посмотрим, как выглядит «новый» дом в 10:30. ",
		"Chinese": "今天天气很好，我们十点半去看看（新）房子是什么样子。",
		"Thai":    "วันนี้อากาศดี เราจะไปดูบ้านหลังใหม่ตอนสิบโมงครึ่ง ",
		"tricks":  "Ｖｉａｇｒａ Vіаgrа V\u200bi\u00adagra V i a g r a 𝐕𝐢𝐚𝐠𝐫𝐚 ",
	} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(strings.Repeat(text, 6000/len(text)+1))
			var s words.Splitter
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				s.Split(raw, func(words.Kind, []byte, bool) {})
			}
		})
	}
}
