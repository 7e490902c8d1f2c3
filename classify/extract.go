package classify

import "io"

// Extract reads one stored message: CRLF or LF line ends, with or without an
// mbox From_ line.
func Extract(o Options, raw []byte) *Message {
	return NewStream(o).Stored(raw)
}

// Stored feeds a whole stored message to a Stream that was just Reset.
func (s *Stream) Stored(raw []byte) *Message {
	s.feeder.Feed(s, raw)
	return s.Finish()
}

// Read resets s and feeds it one stored message from r, without keeping it in
// memory. Only errors of r are returned, together with the message as far as
// it could be read.
func Read(s *Stream, r io.Reader) (*Message, error) {
	s.Reset()
	err := s.feeder.Read(s, r)
	return s.Finish(), err
}
