package classify_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

// worldTest is a message with features that must and must not be in it.
type worldTest struct {
	name string
	msg  string
	want []string
	not  []string
}

func checkWorld(t *testing.T, tests []worldTest) {
	t.Helper()
	for _, tt := range tests {
		texts := clueTexts(classify.DefaultOptions(), tt.msg)
		for _, w := range tt.want {
			if !slices.Contains(texts, w) {
				t.Errorf("%s: no feature %q in %q", tt.name, w, texts)
			}
		}
		for _, w := range tt.not {
			if slices.Contains(texts, w) {
				t.Errorf("%s: feature %q in %q", tt.name, w, texts)
			}
		}
	}
}

// page is a message of one HTML part.
func page(body string) string {
	return "Subject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n" + body + "\n"
}

// part is a message of a text and one more part.
func part(header, body string) string {
	return "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n--b\n" + header + "\n\n" + body + "\n--b--\n"
}

// file is a message with an attachment in base64.
func file(contentType, disposition string, content []byte) string {
	return part("Content-Type: "+contentType+"\nContent-Disposition: attachment"+disposition+"\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString(content))
}

func TestLanguagesOfMail(t *testing.T) {
	mail := func(subject, contentType, body string) string {
		return "Subject: " + subject + "\nMIME-Version: 1.0\nContent-Type: " + contentType + "\n\n" + body + "\n"
	}
	checkWorld(t, []worldTest{
		{
			"Chinese, GB2312", mail("=?gb2312?B?tPq/qrei?= =?gb2312?B?xrE=?=", "text/plain; charset=gb2312", "\xb4\xfa\xbf\xaa\xb7\xa2\xc6\xb1\xa3\xac13800138000"),
			[]string{"subject: 代开", "subject: 开发", "subject: 发票", "代开", "发票", "13800138000", "script: Han"},
			[]string{"票1"},
		},
		{"Chinese, cut within a character", mail("=?gb2312?B?tPq/qrc=?= =?gb2312?B?osax?=", "text/plain", "x"), []string{"subject: 代开", "subject: 发票"}, nil},
		{"Chinese, no label", mail("\xb4\xfa\xbf\xaa\xb7\xa2\xc6\xb1", "text/plain", "\xb4\xfa\xbf\xaa\xb7\xa2\xc6\xb1\xa3\xac\xd3\xc5\xbb\xdd"), []string{"subject: 发票", "优惠", "mime: charset:missing", "mime: subject:8bit"}, nil},
		{"Chinese, wrong label", mail("=?utf-8?B?tPq/qreixrE=?=", "text/plain; charset=iso-8859-1", "\xb4\xfa\xbf\xaa\xb7\xa2\xc6\xb1\xa3\xac\xd3\xc5\xbb\xdd\xa1\xa3"), []string{"subject: 发票", "优惠", "mime: charset:wrong"}, nil},
		{"Chinese, Big5", mail("=?big5?B?p0+2T7ZVtNo=?=", "text/plain; charset=big5", "\xa7\x4b\xb6\x4f\xb6\x55\xb4\xda"), []string{"免費", "貸款"}, nil},
		{"Japanese, ISO-2022-JP", mail("=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=", "text/plain; charset=iso-2022-jp", "\x1b$B2q5D\x1b(B"), []string{"subject: 会議", "会議", "script: Han"}, nil},
		{"Japanese, no label", mail("\x1b$B2q5D\x1b(B", "text/plain", "\x1b$B2q5D$N;qNA\x1b(B"), []string{"subject: 会議", "会議", "の資", "資料"}, nil},
		{"Japanese, Shift_JIS", mail("x", "text/plain; charset=shift_jis", "\x83\x8d\x81\x5b\x83\x93"), []string{"ロー", "ーン", "script: kana"}, nil},
		{"Korean, EUC-KR", mail("=?euc-kr?B?tOvD4g==?=", "text/plain; charset=ks_c_5601-1987", "\xb4\xeb\xc3\xe2\xc0\xbb"), []string{"subject: 대출", "대출", "출을", "script: Hangul"}, nil},
		{"Thai", mail("x", "text/plain; charset=tis-620", "\xe0\xa7\xd4\xb9\xa1\xd9\xe9"), []string{"เงิน", "งินกู้", "script: Thai"}, nil},
		{"Russian, KOI8-R", mail("=?koi8-r?Q?=EB=D2=C5=C4=C9=D4?=", "text/plain; charset=koi8-r", "\xeb\xd2\xc5\xc4\xc9\xd4 \xc2\xc5\xda"), []string{"subject: Кредит", "Кредит", "без", "script: Cyrillic"}, nil},
		{"Russian, windows-1251 labelled KOI8-R", mail("x", "text/plain; charset=koi8-r", "\xcf\xf0\xe8\xe3\xeb\xe0\xf8\xe0\xe5\xec \xed\xe0 \xf1\xe5\xec\xe8\xed\xe0\xf0 \xe2 \xcc\xee\xf1\xea\xe2\xe5"), []string{"Приглашаем", "семинар", "mime: charset:wrong"}, nil},
		{"Arabic", mail("x", "text/plain; charset=windows-1256", "\xe3\xd1\xcd\xc8\xc7 \xc8\xda\xe3"), []string{"مرحبا", "script: Arabic"}, nil},
		{"Hebrew", mail("x", "text/plain; charset=iso-8859-8-i", "\xf9\xec\xe5\xed"), []string{"שלום", "script: Hebrew"}, nil},
		{"Greek", mail("x", "text/plain; charset=iso-8859-7", "\xea\xe1\xeb\xe7\xec\xdd\xf1\xe1"), []string{"καλημέρα", "script: Greek"}, nil},
		{"Hindi", mail("=?utf-8?B?4KSu4KWB4KSr4KS84KWN4KSk?=", "text/plain; charset=utf-8", "मुफ़्त ऋण प्राप्त करें।"), []string{"subject: मुफ़्त", "मुफ़्त", "करें", "script: Indic"}, nil},
		{"Vietnamese, windows-1258", mail("x", "text/plain; charset=windows-1258", "Ti\xea\xecng Vi\xea\xf2t"), []string{"Tiếng", "Việt"}, nil},
		{"Turkish", mail("x", "text/plain; charset=iso-8859-9", "\xddstanbul \xfc\xe7 k\xfd\xfe"), []string{"İstanbul", "üç", "kış"}, nil},
		{"German in UTF-7", mail("x", "text/plain; charset=utf-7", "gr+APYA3w-er"), []string{"größer"}, nil},
		{"Polish, ISO-8859-2", mail("=?iso-8859-2?Q?zaleg=B3a?=", "text/plain; charset=iso-8859-2", "p\xb3atno\xb6\xe6"), []string{"subject: zaległa", "płatność"}, nil},
		{"French, decomposed", mail("x", "text/plain; charset=utf-8", "e\u0301te\u0301 l\u2019\u00e9t\u00e9"), []string{"été", "l'été"}, nil},
		{"markup that names its charset", mail("x", "text/html", "<meta charset=windows-1251>\xcf\xf0\xe8\xe2\xe5\xf2"), []string{"Привет"}, nil},
	})
}

func TestHiddenAndSplitWords(t *testing.T) {
	checkWorld(t, []worldTest{
		{
			"hidden words are no words of the text", page("Buy <div style='display:none'>meadow harvest погода 天気予報</div>now"),
			[]string{"Buy", "now", "hidden: meadow", "hidden: погода", "hidden: 天気", "html: hidden text: no display"},
			[]string{"meadow", "погода", "天気"},
		},
		{"white on white", page("<font color='#FFFFFF'>meadow</font> now"), []string{"hidden: meadow", "html: hidden text: same colour"}, []string{"meadow"}},
		{"tags within", page("V<b>ia</b>gra <b>c</b>ialis кре<i></i>дит"), []string{"Viagra", "cialis", "кредит", "html: word split by tags"}, nil},
		{"entities within", page("V&shy;ia&#8203;gra C&#105;al&#x69;s"), []string{"Viagra", "Cialis", "trick: soft hyphen", "trick: zero-width"}, nil},
		{"comment within", page("Vi<!-- x -->agra"), []string{"Viagra", "html: word split by a comment"}, nil},
		{"letters apart", "Subject: V.i.a.g.r.a\n\nC i a l i s\nк р е д и т\n", []string{"subject: Viagra", "Cialis", "trick: letters apart"}, []string{"subject: V.i.a.g.r.a"}},
		{"other letters", "Subject: =?utf-8?B?Vtn2cfc=?=\n\nVіаgrа 𝐂𝐢𝐚𝐥𝐢𝐬 ｃａｓｈ\n", []string{"Viagra", "Cialis", "cash", "trick: mixed scripts", "trick: decorative letters", "trick: full-width"}, nil},
		{"direction", "Subject: \u202eelbisiv\n\nx\n", []string{"trick: bidi override", "subject: elbisiv"}, nil},
	})
}

func TestLinks(t *testing.T) {
	shows := "odd link: text shows another site"
	checkWorld(t, []worldTest{
		{"text shows another", page("<a href='http://x.evil.example/?u=1'>https://www.bank.example/login</a>"), []string{shows, "link shows: bank.example", "link to host: x.evil.example"}, nil},
		{"a bare name", page("<a href='https://evil.example'><b>paypal.com</b></a>"), []string{shows, "link shows: paypal.com"}, nil},
		{"a name with www, and an address", page("<a href='https://192.0.2.1/x'>WWW.Bank.Example</a>"), []string{shows, "link shows: bank.example", "odd link: address"}, nil},
		{"a country's domains", page("<a href='https://b.example.co.uk'>https://other.example.co.uk</a><a href='https://other.co.uk'>www.site.co.uk</a>"), []string{shows, "link shows: site.co.uk"}, []string{"link shows: example.co.uk"}},
		{"the same site", page("<a href='https://click.bank.example/x'>www.bank.example</a> <a href='http://bank.example'>https://bank.example/a b</a>"), nil, []string{shows}},
		{"no host in the text", page("<a href='https://bank.example'>read the report.pdf</a><a href='https://bank.example'>v1.2.3</a><a href='https://bank.example'>invoice.pdf</a><a href='/x'>www.a.example</a>"), nil, []string{shows}},
		{"address", page("<a href='mailto:a@b.example?subject=x'>a@b.example</a>"), []string{"address in text: a@b.example", "link scheme: mailto"}, []string{shows, "odd link: user"}},
		{"data", page("<img src='data:image/png;base64,iVBORw0KGgo/abc+def'>"), []string{"link scheme: data", "odd link: image/png"}, []string{"link: abc"}},
		{"content id", page("<img src='cid:part1.0a1b2c@x.example'>"), []string{"link scheme: cid"}, []string{"link: part1"}},
		{"punycode", page("<a href='https://xn--pypal-4ve.example/'>x</a>"), []string{"odd link: punycode"}, nil},
		{"full-width in plain text", "Subject: x\n\n请访问ｈｔｔｐ：／／ｘ．ｅｘａｍｐｌｅ／ａ，谢谢\n", []string{"link to host: x.example", "谢谢", "trick: full-width"}, nil},
		{"Chinese around", "Subject: x\n\n网址http://x.example/a。邮箱a@x.example，谢谢\n", []string{"link to host: x.example", "link: a", "address in text: a@x.example"}, nil},
	})
}

func TestShapeOfBody(t *testing.T) {
	image := "\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n"
	related := "Subject: x\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
	checkWorld(t, []worldTest{
		{"image only", related + "<a href='http://x.example'><img src='cid:1'></a>" + image, []string{"message: image and few words", "attached: png"}, nil},
		{"image and a text", related + "<img src='cid:1'>" + strings.Repeat("one two three four five six ", 3) + image, nil, []string{"message: image and few words"}},
		{"linked image", page("<img src='http://x.example/a.png'>"), []string{"message: image and few words"}, nil},
		{"link only", page("Look: <a href='http://x.example'>here</a>"), []string{"message: link and few words"}, nil},
		{"link only, Chinese", page("请看<a href='http://x.example'>这里</a>"), []string{"message: link and few words"}, nil},
		{"empty", "Subject: x\n\n", []string{"message: no text"}, nil},
		{"words", "Subject: x\n\none two\n", nil, []string{"message: no text", "message: link and few words"}},
	})
}

func zipOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "content of %s", name)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tnef(attrs ...any) []byte {
	b := []byte("\x78\x9f\x3e\x22\x01\x00")
	for i := 0; i < len(attrs); i += 2 {
		value := attrs[i+1].(string) + "\x00"
		b = append(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(attrs[i].(int)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
		b = append(append(b, value...), 0, 0)
	}
	return b
}

func TestAttachments(t *testing.T) {
	locked := zipOf(t, "secret.js")
	locked[6] |= 1
	exe := []byte("MZ\x90\x00\x03\x00\x00\x00")
	checkWorld(t, []worldTest{
		{"PDF", file("application/pdf", `; filename="Rechnung.pdf"`, []byte("%PDF-1.7\n")), []string{"attached: pdf", "file type: .pdf", "file name: rechnung.pdf", "content type: application/pdf"}, []string{"attached: pdf named .pdf"}},
		{"program named as a PDF", file("application/pdf", `; filename="invoice.pdf"`, exe), []string{"attached: exe", "attached: exe named .pdf"}, nil},
		{"program as an image", file("image/png", "", exe), []string{"attached: exe as image/png"}, nil},
		{"two endings", file("application/octet-stream", `; filename="invoice.pdf.exe"`, exe), []string{"file type: .exe", "file type: .pdf.exe"}, []string{"attached: exe named .exe"}},
		{"two endings, the name in pieces", file("application/octet-stream", `; filename*0*=utf-8''%e5%8f%91%e7%a5%a8; filename*1=".pdf.js"`, []byte("x")), []string{"file type: .js", "file type: .pdf.js"}, nil},
		{"name turned round", file("application/octet-stream", "; filename*=utf-8''invoice%e2%80%aefdp.exe", exe), []string{"trick: bidi override", "file type: .exe"}, nil},
		{"name in GB2312", file("application/zip", `; filename="=?gb2312?B?t6LGsS56aXA=?="`, zipOf(t, "a.txt")), []string{"file name: 发票", "file type: .zip"}, nil},
		{"archive", file("application/zip", `; filename=a.zip`, zipOf(t, "x/Rechnung.PDF.js", "b.txt")), []string{"attached: zip", "in archive: .js", "in archive: rechnung.pdf.js", "in archive: .txt"}, []string{"in archive: encrypted"}},
		{"locked archive", file("application/octet-stream", `; filename=a.zip`, locked), []string{"in archive: encrypted", "in archive: .js"}, nil},
		{"Office with macros", file("application/vnd.openxmlformats-officedocument.wordprocessingml.document", `; filename=a.docx`, zipOf(t, "[Content_Types].xml", "word/vbaProject.bin")), []string{"attached: zip", "in archive: vbaproject.bin"}, []string{"attached: zip named .docx"}},
		{"old Office", file("application/msword", `; filename=a.doc`, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")), []string{"attached: ole"}, []string{"attached: ole named .doc", "attached: ole as application/msword"}},
		{"markup as a file", file("application/octet-stream", `; filename="Bank.HTML"`, []byte("<form action='http://x.example/p'>password <input type=password></form>")), []string{"password", "link to host: x.example", "file type: .html"}, nil},
		{"picture with links", file("image/svg+xml", "", []byte("<svg><a href='http://x.example/p'><text>click</text></a></svg>")), []string{"click", "link to host: x.example"}, nil},
		{"text as a file", file("text/csv; charset=koi8-r", `; filename=a.csv`, []byte("\xd0\xd2\xc9\xd7\xc5\xd4;1")), []string{"привет", "disposition: attachment", "file type: .csv"}, nil},
		{"winmail.dat", file("application/ms-tnef", `; filename=winmail.dat`, tnef(0x18004, "Quarterly figures", 0x2800c, "see the sheet", 0x18010, "Figures.xls")), []string{"attached: tnef", "Quarterly", "sheet", "file name: figures.xls", "file type: .xls"}, nil},
		{"winmail.dat, cut", file("application/ms-tnef", "", tnef(0x18004, "Quarterly", 0x2800c, "sheet")[:30]), []string{"attached: tnef", "Quarterly"}, []string{"sheet"}},
		{"unknown", file("application/octet-stream", "; filename=x.bin", []byte("\x01\x02\x03\x04 words")), []string{"file type: .bin"}, []string{"words"}},
	})
}

const calendar = `BEGIN:VCALENDAR
PRODID:-//Example//Calendar 1.0//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:0f3a9c1e-77@example.org
DTSTAMP:20260301T090000Z
SUMMARY;LANGUAGE=de:Besprechung\, Größe der Mühl
 e
DESCRIPTION:Zeile eins\nsiehe http://plan.example.org/a
LOCATION:Zimmer 4
ORGANIZER;CN="Anna Vogt: Leitung":mailto:anna@example.org
ATTENDEE;RSVP=TRUE:mailto:b@example.org
ATTENDEE:mailto:c@example.org
ATTENDEE:mailto:d@example.org
END:VEVENT
END:VCALENDAR
`

func TestCalendarsAndCards(t *testing.T) {
	card := "BEGIN:VCARD\nVERSION:3.0\nFN:陈伟\nORG:Mill Lane Ltd\nitem1.EMAIL;TYPE=work:wei@mill.example\nTEL;TYPE=cell:+86 138-0013-8000\nURL;VALUE=uri:http://mill.example/x\nPHOTO;ENCODING=b:AAAA\nEND:VCARD\n"
	checkWorld(t, []worldTest{
		{
			"invitation", part("Content-Type: text/calendar; method=REQUEST; charset=utf-8", calendar),
			[]string{
				"calendar: method REQUEST", "calendar: attendees 4", "calendar: prodid -//Example//Calendar 1.0//EN", "Besprechung", "Größe", "Mühle", "Zeile", "eins", "Zimmer",
				"address in text: anna@example.org", "Anna", "Leitung", "link to host: plan.example.org",
			},
			[]string{"BEGIN", "VEVENT", "DTSTAMP", "UID", "address in text: b@example.org", "Mühl"},
		},
		{"invitation as a file", file("application/octet-stream", "; filename=invite.ics", []byte(strings.ReplaceAll(calendar, "\n", "\r\n"))), []string{"calendar: method REQUEST", "Mühle"}, []string{"VEVENT"}},
		{"nobody invited", part("Content-Type: text/calendar", "BEGIN:VCALENDAR\nSUMMARY:Gratis crypto\nMETHOD:PUBLISH"), []string{"calendar: attendees 0", "calendar: method PUBLISH", "crypto"}, nil},
		{"address card", part("Content-Type: text/vcard; charset=utf-8", card), []string{"陈伟", "Mill", "address in text: wei@mill.example", "phone: 8613800138000", "link to host: mill.example"}, []string{"VCARD", "AAAA"}},
	})
}

func TestReports(t *testing.T) {
	report := "Subject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt could not be delivered.\n--b\n" +
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ghost@example.com\nAction: failed\nStatus: 5.1.1 (bad\n mailbox)\nDiagnostic-Code: smtp; 550 User unknown\n\n" +
		"--b\nContent-Type: text/rfc822-headers\n\nReceived: from a (b [192.0.2.1])\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nFrom: anna@example.org\n--b--\n"
	checkWorld(t, []worldTest{
		{
			"delivery status", report,
			[]string{"report: action failed", "report: status 5.1.1", "address in text: ghost@example.com", "unknown", "delivered", "Grüße", "content type: message/delivery-status", "content type: text/rfc822-headers"},
			[]string{"Received", "Action"},
		},
		{"read receipt", part("Content-Type: message/disposition-notification", "Disposition: manual-action/MDN-sent-manually; displayed\n"), []string{"report: disposition manual-action/mdn-sent-manually"}, nil},
		{"complaint", part("Content-Type: message/feedback-report", "Feedback-Type: abuse\nUser-Agent: x/1\n"), []string{"report: feedback-type abuse"}, nil},
	})
}
