// Package mail keeps the messages beside it in order: its tests check that they
// are what README.md says of them. Other packages read the files.
package mail

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The index and the folders name the same files, with enough of both classes.
func TestIndexNamesEveryMessage(t *testing.T) {
	text, err := os.ReadFile("index")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	count := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var class, path string
		if n, err := fmt.Sscan(line, &class, &path); n != 2 || err != nil || filepath.Dir(path) != class {
			t.Errorf("index: %q is not CLASS CLASS/FILE", line)
		}
		listed[path]++
		count[class]++
	}
	for _, path := range messages(t) {
		if listed[path] != 1 {
			t.Errorf("%s: %d times in the index, want once", path, listed[path])
		}
		delete(listed, path)
	}
	for path := range listed {
		t.Errorf("%s: in the index, but not there", path)
	}
	if len(count) != 2 || count["ham"] < 80 || count["spam"] < 80 {
		t.Errorf("messages of each class: %v, want ham and spam, 80 each or more", count)
	}
}

// What only one class had, a filter could tell it by.
func TestBothClassesHaveAllKinds(t *testing.T) {
	kinds := []string{
		// charsets
		"utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-7", "iso-8859-9", "windows-1250", "windows-1251", "windows-1252", "windows-1255", "windows-1256",
		"koi8-r", "koi8-u", "tis-620", "gb2312", "gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-kr",
		// encodings, types of parts, signs of lists and newsletters
		"base64", "quoted-printable", "text/html", "text/calendar", "text/vcard", "application/zip", "application/pdf", "application/octet-stream", "image/", "multipart/alternative",
		"multipart/related", "message/delivery-status", "List-Id:", "display:none",
	}
	languages := map[string]map[string]bool{}
	missing := map[string][]string{}
	for _, class := range []string{"ham", "spam"} {
		languages[class] = map[string]bool{}
		var all []byte
		for _, path := range messages(t) {
			dir, file := filepath.Split(path)
			if dir != class+"/" {
				continue
			}
			languages[class][file[:2]] = true
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, bytes.ToLower(text)...)
		}
		for _, kind := range kinds {
			if !bytes.Contains(all, []byte(strings.ToLower(kind))) {
				missing[class] = append(missing[class], kind)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("a class has no %q", missing)
	}
	if !maps.Equal(languages["ham"], languages["spam"]) || len(languages["ham"]) < 20 {
		t.Errorf("languages of ham %v, of spam %v; want 20 or more, the same", languages["ham"], languages["spam"])
	}
}

// Nobody's name, host or address may end up in a test by accident.
func TestAddressesAreReserved(t *testing.T) {
	address := regexp.MustCompile(`[\w.+=-]+@([A-Za-z0-9.-]+\.[A-Za-z]+)`)
	link := regexp.MustCompile(`https?://([A-Za-z0-9.-]+)`)
	ip := regexp.MustCompile(`\[(?:IPv6:)?([0-9a-fA-F.:]+)\]`)
	seen := 0
	odd, err := filepath.Glob("odd/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(messages(t), odd) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("=\n"), nil) // soft line breaks of quoted-printable
		for _, m := range slices.Concat(address.FindAllSubmatch(text, -1), link.FindAllSubmatch(text, -1)) {
			seen++
			host := strings.TrimRight(string(m[1]), ".")
			if a, err := netip.ParseAddr(host); err == nil && reservedAddr(a) {
				continue
			}
			if !reservedName(host) {
				t.Errorf("%s: %s is not a reserved name", path, host)
			}
		}
		for _, m := range ip.FindAllSubmatch(text, -1) {
			if a, err := netip.ParseAddr(string(m[1])); err == nil && !reservedAddr(a) {
				t.Errorf("%s: %s is neither private nor for documentation", path, a)
			}
		}
	}
	if seen < 500 {
		t.Errorf("found %d addresses and links: the expressions miss them", seen)
	}
}

func messages(t *testing.T) []string {
	t.Helper()
	ham, err := filepath.Glob("ham/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	spam, err := filepath.Glob("spam/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(ham, spam)
}

// reservedName follows RFC 2606, section 2 and 3.
func reservedName(host string) bool {
	host = "." + strings.ToLower(host)
	return slices.ContainsFunc([]string{".example", ".invalid", ".example.org", ".example.com"},
		func(end string) bool { return strings.HasSuffix(host, end) })
}

// reservedAddr follows RFC 5737 and RFC 3849.
func reservedAddr(a netip.Addr) bool {
	if a.IsPrivate() || a.IsLoopback() {
		return true
	}
	return slices.ContainsFunc([]string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"},
		func(net string) bool { return netip.MustParsePrefix(net).Contains(a) })
}
