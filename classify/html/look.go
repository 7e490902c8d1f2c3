package html

// reason is why text is not seen.
type reason uint8

const (
	shown reason = iota
	noDisplay
	invisible
	tiny
	sameColour
	outside
	reasonEnd
)

var reasonNames = [reasonEnd]string{
	noDisplay: "hidden text: no display", invisible: "hidden text: invisible", tiny: "hidden text: tiny", sameColour: "hidden text: same colour",
	outside: "hidden text: outside",
}

// look is how text appears where the reader stands.
type look struct {
	hidden    reason // noDisplay or outside: nothing within can undo it
	invisible bool
	tiny      bool
	text, bg  colour
}

// defaultLook is that of a page. The colour of its text is not known, as long as
// the markup does not say: a style sheet may.
var defaultLook = look{text: unknown, bg: white}

func (l *look) reason() reason {
	switch {
	case l.hidden != shown:
		return l.hidden
	case l.invisible:
		return invisible
	case l.tiny:
		return tiny
	case near(l.text, l.bg):
		return sameColour
	}
	return shown
}

// effect is what an element changes of its look.
type effect struct {
	sets  look
	mask  effectMask
	image bool // has a picture behind it
	empty bool // is given no height or width
	clips bool // shows nothing outside of its room
}

type effectMask uint8

const (
	setsHidden effectMask = 1 << iota
	setsInvisible
	setsTiny
	setsText
	setsBg
)

func (e *effect) hide(why reason)  { e.sets.hidden, e.mask = why, e.mask|setsHidden }
func (e *effect) invisible(b bool) { e.sets.invisible, e.mask = b, e.mask|setsInvisible }
func (e *effect) tiny(b bool)      { e.sets.tiny, e.mask = b, e.mask|setsTiny }
func (e *effect) text(c colour)    { e.sets.text, e.mask = c, e.mask|setsText }

// background sets the colour behind text; with a picture it is not known.
func (e *effect) background(c colour) {
	switch {
	case e.image:
		c = unknown
	case c == transparent:
		return
	}
	e.sets.bg, e.mask = c, e.mask|setsBg
}

func (e *effect) picture() {
	e.image = true
	e.background(unknown)
}

// join adds the changes of another effect.
func (e *effect) join(o effect) {
	e.sets = o.over(e.sets)
	e.mask |= o.mask
	e.image = e.image || o.image
}

// over returns a look with the changes.
func (e *effect) over(l look) look {
	if e.mask&setsHidden != 0 {
		l.hidden = e.sets.hidden
	}
	if e.mask&setsInvisible != 0 {
		l.invisible = e.sets.invisible
	}
	if e.mask&setsTiny != 0 {
		l.tiny = e.sets.tiny
	}
	if e.mask&setsText != 0 {
		l.text = e.sets.text
	}
	if e.mask&setsBg != 0 {
		l.bg = e.sets.bg
	}
	return l
}
