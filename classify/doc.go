// Package classify is the pure core: it turns a message, fed in stages, into
// features, and features with a model's counts into a score, clues and a
// verdict. It does no I/O, knows no clock and no logger, and never fails: every
// byte string gets a score.
//
// A Stream reads a message. Its header fields and body pass through the
// canonical form (canon.go), the part walk and decoding (classify/mime), markup
// (classify/html) and word splitting (classify/words), and come out as stable
// 64-bit hashes, one for each distinct feature. A Scorer joins what a model's
// Counts say of them (score.go). The texts behind the hashes are recovered from
// the message only when somebody asks why (explain.go).
//
// A Stream or Scorer serves one goroutine at a time; Options, Message and the
// functions on them are plain values.
package classify
