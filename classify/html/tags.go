package html

// tag is what is known of an element. All that are not listed are inline.
type tag struct {
	id    tagID
	flags tagFlags
}

type tagFlags uint8

const (
	block    tagFlags = 1 << iota // parts words
	void                          // has no content
	quiet                         // inline, and nothing odd within a word
	rawText                       // content is neither markup nor shown
	endsP                         // ends an open p
	endsSame                      // ends an open one of the same name
)

type tagID uint8

const (
	tagOther tagID = iota
	tagEnded       // none
	tagA
	tagBody
	tagFont
	tagMeta
	tagStyle
	tagNoscript
	tagP
	tagTd
	tagTr
	tagDt
	tagTable
	tagNamed // those from here on have no name of their own
)

var tags = func() map[string]tag {
	m := map[string]tag{}
	next := tagNamed
	add := func(flags tagFlags, names ...string) {
		for _, name := range names {
			m[name] = tag{next, flags}
			next++
		}
	}
	add(block|endsP, "address", "article", "aside", "blockquote", "center", "dir", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
		"header", "main", "menu", "nav", "div", "ol", "pre", "section", "ul")
	add(block|endsSame, "li", "option")
	add(block, "button", "caption", "figcaption", "frameset", "head", "html", "legend", "map", "object", "optgroup", "select", "tbody", "tfoot", "thead", "video")
	add(block|void, "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "param")
	add(void|quiet, "wbr")
	add(0, "abbr", "b", "big", "cite", "code", "del", "em", "i", "ins", "kbd", "label", "mark", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var")
	add(block|rawText, "iframe", "noembed", "noframes", "script")
	add(block, "textarea", "title", "xmp", "plaintext")
	for name, t := range map[string]tag{
		"a": {tagA, quiet}, "body": {tagBody, block}, "font": {tagFont, 0}, "meta": {tagMeta, block | void}, "style": {tagStyle, block | rawText}, "noscript": {tagNoscript, block},
		"p": {tagP, block | endsP}, "td": {tagTd, block}, "th": {tagTd, block}, "tr": {tagTr, block}, "table": {tagTable, block | endsP},
		"dt": {tagDt, block | endsSame}, "dd": {tagDt, block | endsSame},
	} {
		m[name] = t
	}
	return m
}()
