package classify_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/classify/attached"
)

// attachments are those of a message.
func attachments(t testing.TB, raw string) []attached.File {
	t.Helper()
	o := classify.DefaultOptions()
	o.Attachments = true
	return classify.Extract(o, []byte(raw)).Attachments
}

// attachedAs is a message with one attachment.
func attachedAs(contentType, disposition string, content []byte) string {
	m := "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee there.\n--b\nContent-Type: " + contentType + "\n"
	if disposition != "" {
		m += "Content-Disposition: " + disposition + "\n"
	}
	m += "Content-Transfer-Encoding: base64\n\n"
	for code := base64.StdEncoding.EncodeToString(content); code != ""; {
		n := min(len(code), 76)
		m += code[:n] + "\n"
		code = code[n:]
	}
	return m + "--b--\n"
}

func endings(list []attached.File) (out []string) {
	for _, a := range list {
		out = append(out, a.Ending)
	}
	return out
}

func TestAttachedNames(t *testing.T) {
	for _, tt := range []struct{ ct, disp, ending string }{
		{`application/octet-stream; name="a.exe"`, "", "exe"},
		{"application/octet-stream", "attachment; filename=A.EXE", "exe"},
		{"application/octet-stream", `attachment; filename="invoice.pdf.exe"`, "exe"},
		{"application/octet-stream", `attachment; filename="invoice.exe. . "`, "exe"},
		{"application/octet-stream", `attachment; filename="invoice.exe::$DATA"`, "exe"},
		{"application/octet-stream", `attachment; filename="C:\\tmp\\invoice.exe"`, "exe"},
		{"application/octet-stream", `attachment; filename="'invoice.exe'"`, "exe"},
		{"application/octet-stream", `attachment; filename="x.{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}"`, "clsid"},
		{"application/octet-stream", `attachment; filename*=utf-8'de'Rechnung%20%C3%BC.scr`, "scr"},
		{"application/octet-stream", `attachment; filename*0="Rechn"; filename*1="ung.js"`, "js"},
		{"application/octet-stream", `attachment; filename*1=".js"; filename*0="Rechnung.pdf"`, "js"},
		{"application/octet-stream", `attachment; filename*1*=%2ejs; filename*0*=koi8-r''%D3%DE%A3%D4`, "js"},
		{"application/octet-stream", `attachment; filename="=?utf-8?B?0YHRh9GR0YIuZXhl?="`, "exe"},              // счёт.exe
		{"application/octet-stream", `attachment; filename="=?gb2312?B?t6LGsQ==?= =?us-ascii?Q?.vbs?="`, "vbs"}, // 发票.vbs
		{"application/octet-stream", `attachment; filename="請求書.bat"`, "bat"},
		{"application/octet-stream", "attachment; filename=\"facture\u202efdp.exe\"", "exe"},
		{"application/octet-stream", "attachment; filename=\"فاتورة.exe\u200f\"", "exe"},
		{"application/octet-stream", `attachment; filename*=utf-8''x.exe%00.txt`, "txt exe"},
		{"application/octet-stream; name=a.exe", "attachment; filename=a.txt", "exe txt"}, // mail programs differ
		{"application/octet-stream", "attachment; filename=a.txt; filename*=utf-8''a.exe", "txt exe"},
		{"application/octet-stream", "attachment; filename=a.txt; filename=a.exe", "txt exe"},
		{"application/octet-stream", "attachment filename=a.exe", "exe"},
		{"application/octet-stream; name=" + strings.Repeat("a", 2000) + ".exe", "", "exe"},
		{"text/plain; name=a.cmd", "", "cmd"},
		{"message/partial; name=a.exe", "", "exe"},
		{"multipart/mixed; name=a.exe", "", "exe"}, // no boundary, so no parts
		{"application/octet-stream; name=README", "", ""},
		{"application/octet-stream; name=exe", "", ""},
		{"message/rfc822; name=\"about example.com\"", "", "none"},
		{"multipart/mixed; boundary=i; name=example.com", "", "none"},
		{"text/plain", "", "none"},
	} {
		got := strings.Join(endings(attachments(t, attachedAs(tt.ct, tt.disp, []byte("content")))), " ")
		list := attachments(t, attachedAs(tt.ct, tt.disp, []byte("content")))
		if got != strings.TrimSuffix(tt.ending, "none") || (tt.ending == "none") != (len(list) == 0) {
			t.Errorf("%s, %s: %+v, want %q", tt.ct, tt.disp, list, tt.ending)
		}
	}
}

// A message may be an attachment as a whole, and may enclose others.
func TestAttachedElsewhere(t *testing.T) {
	for raw, want := range map[string]string{
		"Content-Type: application/x-msdownload\nContent-Disposition: attachment; filename=a.exe\n\nMZ\n":                                  "exe",
		"Content-Disposition: attachment; filename=a.exe\n\nMZ\n":                                                                          "exe",
		"Content-Type: message/rfc822\n\nSubject: x\nContent-Type: image/png; name=a.pif\n\nx\n":                                           "pif",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nContent-Type: x/y; name=a.pif\n\nx\n--b--\n":    "pif",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: x/y;\n name=a.txt\nContent-Type: x/y;\n name=a.hta\n\nx\n--b--\n": "txt hta",
	} {
		if got := strings.Join(endings(attachments(t, raw)), " "); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestAttachedKinds(t *testing.T) {
	pe := append([]byte("MZ\x90\x00\x03\x00\x00\x00\x04"), make([]byte, 100)...)
	for _, tt := range []struct {
		ct, content, kind string
	}{
		{"application/pdf; name=a.pdf", string(pe), "exe"},
		{"text/plain; name=a.txt", string(pe), "exe"},
		{"application/octet-stream", "MZ is the code of Mozambique\nand it goes on for more than sixty-four bytes, as text does\n", ""},
		{"image/png", "\x7fELF\x02\x01\x01\x00", "elf"},
		{"image/png", "\xcf\xfa\xed\xfe\x07\x00\x00\x01", "macho"},
		{"image/png", "\xca\xfe\xba\xbe\x00\x00\x00\x02", "macho"},
		{"image/png", "\xca\xfe\xba\xbe\x00\x00\x00\x34", ""}, // a Java class
		{"application/pdf", "L\x00\x00\x00\x01\x14\x02\x00\x00", "lnk"},
		{"application/pdf", "ITSF\x03", "chm"},
		{"application/x-foo", "#!/bin/sh\nrm x\n", "sh"},
		{"application/x-foo", "#! /usr/bin/env -S LANG=C bash -e\n", "sh"},
		{"application/x-foo", "#!/usr/bin/env python3\nprint()\n", ""},
		{"text/plain; name=notes", "#!/bin/sh\n", "sh"},
		{"text/plain", "#!/bin/sh\nshown with the message\n", ""},
		{"application/x-foo", "\xef\xbb\xbf\r\n@Echo Off\r\ndel x\r\n", "bat"},
		{"application/x-foo", "[InternetShortcut]\r\nURL=file://x\r\n", "url"},
		{"application/pdf; name=a.exe", "%PDF-1.4\n", ""},
		{"application/x-foo", "#!", ""},
		{"application/x-foo", "M", ""},
		{"application/x-foo", "", ""},
	} {
		var kinds []string
		for _, a := range attachments(t, attachedAs(tt.ct, "", []byte(tt.content))) {
			if a.Kind != "" {
				kinds = append(kinds, a.Kind)
			}
		}
		if got := strings.Join(kinds, " "); got != tt.kind {
			t.Errorf("%s, %q: %q, want %q", tt.ct, tt.content, got, tt.kind)
		}
	}
}

// archiveOf is an archive of files with so many bytes each that cannot be compressed.
func archiveOf(t testing.TB, method uint16, size int, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	seed := uint32(1)
	noise := make([]byte, size)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = byte(seed >> 24)
	}
	for _, name := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if _, err := f.Write(noise); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAttachedArchives(t *testing.T) {
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("dir/page-%d.txt", i)
	}
	nested := archiveOf(t, zip.Store, 10, "inner.js")
	var outer bytes.Buffer
	w := zip.NewWriter(&outer)
	f, _ := w.CreateHeader(&zip.FileHeader{Name: "outer.zip", Method: zip.Store})
	_, _ = f.Write(nested)
	_ = w.Close()
	for name, tt := range map[string]struct {
		content []byte
		want    []string // of what is inside
	}{
		"one":                   {archiveOf(t, zip.Deflate, 10, "Rechnung.pdf.EXE"), []string{"exe"}},
		"in directories":        {archiveOf(t, zip.Deflate, 10, "a.exe/", "b/c.scr"), []string{"scr"}},
		"of Windows":            {archiveOf(t, zip.Deflate, 10, `b\счёт.scr`), []string{"scr"}},
		"behind other files":    {archiveOf(t, zip.Deflate, 3000, "a.txt", "b.txt", "c.txt", "d.txt", "e.vbs"), []string{"txt", "vbs"}},
		"behind 300 kB":         {archiveOf(t, zip.Store, 300_000, "a.dat", "b.hta"), []string{"dat", "hta"}},
		"just too long":         {archiveOf(t, zip.Store, 3990, "a.dat", "b.hta"), []string{"dat", "hta"}},
		"after 500 others":      {archiveOf(t, zip.Deflate, 100, append(many, "z.jse")...), []string{"txt", "jse"}},
		"an archive in it":      {outer.Bytes(), []string{"zip", "js"}}, // the inner one is stored as it is
		"with garbage before":   {append([]byte("PK"), archiveOf(t, zip.Deflate, 10, "a.exe")...), []string{"exe"}},
		"without its directory": {archiveOf(t, zip.Deflate, 10, "a.exe")[:45], []string{"exe"}},
		"empty":                 {archiveOf(t, zip.Deflate, 10), nil},
		"a name beyond the end": {[]byte("PK\x03\x04" + strings.Repeat("\xff", 26) + "a.exe"), []string{"exe"}},
	} {
		var got []string
		for _, a := range attachments(t, attachedAs("application/zip; name=a.zip", "", tt.content)) {
			if a.Inside {
				got = append(got, a.Ending)
			} else if a.Ending != "zip" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// What is noted of attachments changes nothing of what scores.
func TestAttachmentsAreNoFeatures(t *testing.T) {
	for _, raw := range []string{
		sample,
		attachedAs("application/zip; name=a.zip", "", archiveOf(t, zip.Store, 50_000, "a.dat", "b.hta")),
		attachedAs("application/zip; name=a.zip", "", archiveOf(t, zip.Store, 10, "a.exe")),
		attachedAs("image/png; name=a.png", "attachment; filename=a.exe", make([]byte, 200_000)),
	} {
		o := classify.DefaultOptions()
		without := classify.Extract(o, []byte(raw))
		o.Attachments = true
		with := classify.Extract(o, []byte(raw))
		if !slices.Equal(with.Features, without.Features) || !slices.Equal(with.Grams, without.Grams) || with.Digest != without.Digest {
			t.Errorf("%.60q: other features", raw)
		}
		if without.Attachments != nil {
			t.Errorf("%.60q: attachments though nobody asked", raw)
		}
	}
}

func TestAttachmentsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=b\n\n")
	for i := range 400 {
		fmt.Fprintf(&b, "--b\nContent-Type: x/y; name=\"%s.e%d\"\n\nx\n", strings.Repeat("ü", 1000), i)
	}
	list := attachments(t, b.String())
	if len(list) != 200 {
		t.Errorf("%d attachments are told", len(list))
	}
	for _, a := range list {
		if len(a.Name) > 255 || len(a.Ending) > 40 {
			t.Fatalf("%+v", a)
		}
	}
	alike := strings.Repeat("--b\nContent-Type: x/y; name=a.txt\n\nx\n", 400)
	if list := attachments(t, "Content-Type: multipart/mixed; boundary=b\n\n"+alike+"--b\nContent-Type: x/y; name=a.exe\n\nx\n"); len(list) != 2 {
		t.Errorf("%+v", list)
	}
}
