package mime_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"fanmill/classify/mime"
)

// languages have a few words each, and the charsets they were written in before
// UTF-8 and still are.
var languages = []struct {
	text     string
	charsets []string
}{
	{"尊敬的客户，您好！我公司可以开具各种发票，价格优惠，请与我们联系。", []string{"gb18030", "gbk"}},
	{"親愛的客戶，您好！我們公司可以提供免費的服務，請與我們聯絡。", []string{"big5"}},
	{"お客様各位、いつもご利用いただきありがとうございます。会議は来週の月曜日です。", []string{"shift_jis", "euc-jp", "iso-2022-jp"}},
	{"안녕하세요. 금요일 회의 자료를 보내 주시기 바랍니다. 감사합니다.", []string{"euc-kr"}},
	{"สวัสดีครับ ขอเชิญทุกท่านเข้าร่วมประชุมในวันจันทร์", []string{"windows-874"}},
	{"Здравствуйте, уважаемые коллеги! Приглашаем вас на семинар.", []string{"koi8-r", "windows-1251"}},
	{"السلام عليكم ورحمة الله. تقرر عقد الاجتماع يوم الثلاثاء", []string{"windows-1256"}},
	{"שלום לכולם, הפגישה תתקיים ביום שני בבוקר במשרד", []string{"windows-1255"}},
	{"Αγαπητοί γονείς, η εκδρομή θα γίνει την Παρασκευή", []string{"windows-1253"}},
	{"Sayın müşterimiz, toplantı salı günü saat üçte yapılacaktır, teşekkürler", []string{"windows-1254"}},
	{"Sehr geehrte Damen und Herren, größere Änderungen überprüfen wir für Sie", []string{"windows-1252", "iso-8859-1"}},
	{"Être ou ne pas être, c’est là que réside la difficulté à présent", []string{"windows-1252"}},
	{"Dzień dobry, proszę o przesłanie zaległej faktury za wrzesień", []string{"iso-8859-2", "windows-1250"}},
	{"Příští týden se sejdeme u řeky, děkuji", []string{"windows-1250"}},
}

func encoded(t *testing.T, text, charset string) string {
	t.Helper()
	e, err := htmlindex.Get(charset)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatalf("%s: %v", charset, err)
	}
	return out
}

func read(t *testing.T, contentType, body string) (text string, defects []string) {
	t.Helper()
	f := walk(wide, contentType, "base64", base64.StdEncoding.EncodeToString([]byte(body)))
	return strings.Join(f.texts, ""), f.defects
}

// TestCharsets has the label right, wrong and missing.
func TestCharsets(t *testing.T) {
	for _, l := range languages {
		for _, charset := range l.charsets {
			raw := encoded(t, l.text, charset)
			if got, defects := read(t, "text/plain; charset="+charset, raw); got != l.text || defects != nil {
				t.Errorf("%s: %q %q, want %q", charset, got, defects, l.text)
			}
			wrong := []string{"", "utf-8", "us-ascii", "x-nobody-knows", "iso-8859-1", "gb2312", "windows-1251"}
			for _, label := range wrong {
				_, same := read(t, "text/plain; charset="+label, raw)
				if same == nil && strings.HasPrefix(charset, "iso-8859-1") || similar(charset, label) {
					continue
				}
				got, defects := read(t, "text/plain; charset="+label, raw)
				if got != l.text {
					t.Errorf("%s labelled %q: %q, want %q", charset, label, got, l.text)
				}
				if charset != "iso-2022-jp" && len(defects) != 1 {
					t.Errorf("%s labelled %q: defects %q, want one", charset, label, defects)
				}
			}
			if got, defects := read(t, "text/plain; charset="+charset, l.text); got != l.text || !slices.Equal(defects, []string{"charset:wrong"}) && charset != "iso-2022-jp" {
				t.Errorf("UTF-8 labelled %s: %q %q", charset, got, defects)
			}
		}
	}
}

// similar tells of pairs that cannot be told apart, or of which one is the other.
func similar(charset, label string) bool {
	switch label {
	case "gb2312":
		return charset[:2] == "gb" || charset == "euc-kr" || charset == "euc-jp"
	case "iso-8859-1", "windows-1251":
		return strings.HasPrefix(charset, "windows-125") || strings.HasPrefix(charset, "iso-8859") || charset == "koi8-r"
	}
	return false
}

func TestOtherEncodings(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("größer 发票")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, contentType, raw, want string }{
		{"UTF-7", "text/plain; charset=utf-7", "Hi Mom +Jjo--! +2D3ePQ- 1 +- 1 +AGEAYg. +", "Hi Mom ☺-! 😽 1 + 1 ab. "},
		{"UTF-7 of a unit alone", "text/plain; charset=utf-7", "+2D0-x +3j0-", "x �"},
		{"UTF-16 with a mark", "text/plain; charset=utf-16", utf16, "größer 发票"},
		{"UTF-16 without a label", "text/plain", utf16, "größer 发票"},
		{"UTF-16 that is none", "text/plain; charset=utf-16", "plain text", "plain text"},
		{"UTF-8 with a mark", "text/plain", "\xef\xbb\xbfabc", "abc"},
		{"HZ", "text/plain; charset=hz-gb-2312", "~{7\"F1~} ok", "发票 ok"},
		{"ISO-2022-JP, no label", "text/plain", "\x1b$B2q5D\x1b(B ok", "会議 ok"},
		{"ISO-2022-JP labelled UTF-8", "text/plain; charset=utf-8", "\x1b$B2q5D\x1b(B ok", "会議 ok"},
		{"GB18030 of four bytes labelled GB2312", "text/plain; charset=gb2312", "\xb7\xa2\xc6\xb1\x94\x39\xda\x33", "发票💩"},
		{"code page 850", "text/plain; charset=cp850", "gr\x81n", "grün"},
		{"code page 866", "text/plain; charset=cp866", "\x8f\xe0\xa8\xa2\xa5\xe2", "Привет"},
		{"UTF-8 with a bad byte", "text/plain; charset=utf-8", "ä ö ü ß ä ö ü ß ä \xe9 ö", "ä ö ü ß ä ö ü ß ä � ö"},
		{"text before what is none", "text/plain", "birka\xe7 dakika i\xe7inde art\xfdk" + strings.Repeat("\xff", 40) + "\xd3\x86+,\x7f\xf9\xd1", "birkaç dakika içinde artık" + strings.Repeat("ÿ", 40) + "Ó†+,\x7fùÑ"},
		{"markup that names its charset", "text/html", "<META http-equiv=Content-Type content=\"text/html; charset=KOI8-R\">\xf0\xd2\xc9\xd7\xc5\xd4", "<META http-equiv=Content-Type content=\"text/html; charset=KOI8-R\">Привет"},
		{"markup that names its charset, HTML 5", "text/html", "<meta charset=\"euc-kr\">\xb4\xeb\xc3\xe2", "<meta charset=\"euc-kr\">대출"},
	}
	for _, tt := range tests {
		if got, _ := read(t, tt.contentType, tt.raw); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestCutCharacters has text longer than what is kept of it, so that it is cut
// within characters.
func TestCutCharacters(t *testing.T) {
	for cut := range 8 {
		lim := mime.Limits{Head: 100 + cut, Tail: 50, Total: 1000, Parts: 1, Depth: 1}
		f := walk(lim, "text/plain; charset=utf-8", "", strings.Repeat("ä発😀", 40)+"\n")
		if len(f.defects) > 0 || len(f.texts) != 2 || strings.ContainsAny(strings.Join(f.texts, ""), "�Ã") {
			t.Errorf("cut after %d: %q %q", 100+cut, f.defects, f.texts)
		}
	}
}

// TestDetectIsBounded has text for which every charset is tried.
func TestDetectIsBounded(t *testing.T) {
	raw := strings.Repeat("\xb7\xa2\xc6\xb1\xd3\xc5\xbb\xdd", 1<<20)
	lim := mime.Limits{Head: 8 << 20, Total: 8 << 20, Parts: 1, Depth: 1}
	began := time.Now()
	f := walk(lim, "text/plain", "", raw)
	if took := time.Since(began); took > 5*time.Second || !strings.HasPrefix(f.texts[0], "发票优惠") {
		t.Errorf("took %v, read as %.40q", took, f.texts[0])
	}
}

func TestFileNames(t *testing.T) {
	tests := []struct{ disposition, want string }{
		{`attachment; filename="invoice.pdf"`, "invoice.pdf"},
		{`attachment; filename*=UTF-8''%e5%8f%91%e7%a5%a8.zip`, "发票.zip"},
		{`attachment; filename*0*=iso-8859-1'de'%DCbers; filename*1="icht.doc"`, "Übersicht.doc"},
		{`attachment; filename=plain.txt; filename*=utf-8''%C3%A4.txt`, "ä.txt"},
		{`attachment; filename*=koi8-r''%F3%DE%C5%D4.xls`, "Счет.xls"},
		{`attachment; filename*=%41.txt`, "A.txt"},
		{`attachment; filename*0=a; filename*1=b; filename*2=.js`, "ab.js"},
		{`attachment; filename=`, ""},
		{`attachment; filenames=x; filename*x=y`, "y"},
		{`attachment; filename="` + strings.Repeat("x", 2000) + `"`, ""},
	}
	for _, tt := range tests {
		var got string
		w := mime.New(wide, typeSink(func(ty mime.Type) { got = ty.Name }))
		w.Begin(mime.ParseType([]byte("multipart/mixed; boundary=b")), nil)
		for _, line := range []string{"--b", "Content-Disposition: " + tt.disposition, "", "x", "--b--"} {
			w.Line([]byte(line), true, true)
		}
		w.End()
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.disposition, got, tt.want)
		}
	}
}

// typeSink takes the types of parts only.
type typeSink func(mime.Type)

func (typeSink) PartField([]byte, []byte, bool) {}
func (f typeSink) PartType(t mime.Type)         { f(t) }
func (typeSink) Text(mime.Type, []byte, []byte) {}
func (typeSink) Data(_ mime.Type, _, _ []byte)  {}
func (typeSink) Defect(string)                  {}
