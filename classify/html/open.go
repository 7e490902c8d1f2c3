package html

// element is an open one, with the look outside of it.
type element struct {
	t      tag
	before look
}

// depthMax bounds the elements that are kept; deeper ones are only counted.
const depthMax = 256

// begin opens an element.
func (r *Reader) begin(t tag, e effect) {
	switch {
	case t.flags&void != 0:
		return
	case len(r.open) == depthMax:
		r.deeper++
		return
	}
	r.open = append(r.open, element{t, r.look})
	r.look = e.over(r.look)
}

// end closes the innermost element of a name, and those left open within it. An
// inline one does not close blocks that were begun within it, but its look ends.
func (r *Reader) end(t tag) {
	if r.deeper > 0 {
		r.deeper--
		return
	}
	crossed := false
	for i := len(r.open) - 1; i >= 0; i-- {
		el := &r.open[i]
		switch {
		case el.t.id == t.id && crossed && t.flags&block == 0:
			r.look = el.before
			el.t = tag{id: tagEnded}
			for j := i + 1; j < len(r.open); j++ {
				r.open[j].before = el.before
			}
			return
		case el.t.id == t.id:
			r.closeTo(i)
			return
		case el.t.id == tagTable:
			return // nothing outside of a table is ended by what is in it
		}
		crossed = crossed || el.t.flags&block != 0
	}
}

// closeTo closes the elements from number i on.
func (r *Reader) closeTo(i int) {
	r.look = r.open[i].before
	r.open = r.open[:i]
}

// imply closes elements whose end tag may be left out before this start tag.
func (r *Reader) imply(t tag) {
	if t.flags&block == 0 {
		return
	}
	for i := len(r.open) - 1; i >= 0; i-- {
		open := r.open[i].t
		switch {
		case open.id == tagTable:
			return
		case t.id == tagTd || t.id == tagTr:
			if open.id == tagTr && t.id == tagTd {
				return
			}
			if open.id == tagTd || open.id == tagTr {
				r.closeTo(i)
			}
		case open.flags&block != 0:
			if open.id == tagP && t.flags&endsP != 0 || open.id == t.id && open.flags&endsSame != 0 {
				r.closeTo(i)
			}
			return
		}
	}
}
