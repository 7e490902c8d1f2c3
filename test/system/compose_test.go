//go:build system

package system

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is what a composed message is to a filter trained on composed ones.
type kind uint8

const (
	ham kind = iota
	spam
	unsure // half its words from either side
	novel  // unsure too: words never seen before, so that one lesson decides
)

func (k kind) String() string { return [...]string{"ham", "spam", "unsure", "novel"}[k] }

var words = [2][]string{
	strings.Fields(`agenda archive bicycle branch budget chapter compiler concert council debugger
		deployment draft editor excursion footnote garden grammar harbour kernel lecture library
		maintainer manuscript meadow minutes module museum notebook orchestra outline parser patch
		pharmacy professor proposal rehearsal release reviewer roadmap sailing schedule seminar
		sequence specification spreadsheet stairs station syllabus teacher telescope thesis thread
		ticket timetable translation upstream violin weather workshop yoghurt`),
	strings.Fields(`bargain billions bonus cash casino cheapest cialis claim congratulations credit
		debt discount discreet dollars earnings enlarge exclusive fortune freebie gamble guaranteed
		hottest income inheritance instant investment jackpot lender limited loans lottery lowest
		luxury million miracle mortgage offshore overnight payday pharma pills prescription prize
		profits promotion refinance rebate replica rolex savings shipping singles stocks sweepstakes
		unlimited urgent viagra vouchers weightloss winner wire`),
}

// compose writes message number n of a kind. The same kind and number give the
// same bytes; messages of different numbers share nothing but the vocabulary.
func compose(k kind, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(k), uint64(n)))
	picked := 0
	pick := func() string {
		picked++
		if k == novel {
			return fmt.Sprintf("nonce%dword%d", n, r.IntN(1000))
		}
		list := words[0]
		if k == spam || k == unsure && picked%2 == 0 {
			list = words[1]
		}
		return list[r.IntN(len(list))]
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Someone %[1]d <someone%[1]d@host%[1]d.example>\n", n)
	fmt.Fprintf(&b, "To: list@test.invalid\nDate: Mon, 5 Jan 2026 10:%02d:%02d +0000\n", n/60%60, n%60)
	fmt.Fprintf(&b, "Message-ID: <%d.%d@host%d.example>\n", n, k, n)
	fmt.Fprintf(&b, "Subject: %s %s\n\n", pick(), pick())
	for line := range 12 {
		fmt.Fprintf(&b, "%s %s %s", pick(), pick(), pick())
		if line%4 == 3 {
			fmt.Fprintf(&b, " n%dl%d", n, line)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// nearCopy is message n of a kind with another id, date and a few other words.
func nearCopy(k kind, n int) []byte {
	data := bytes.ReplaceAll(compose(k, n), fmt.Appendf(nil, "<%d.%d@", n, k), fmt.Appendf(nil, "<copy.%d.%d@", n, k))
	return append(bytes.ReplaceAll(data, []byte("2026 10:"), []byte("2026 11:")), "sent once more\n"...)
}
