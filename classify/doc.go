// Package classify is the pure core: it turns a message, fed in stages, into
// features, and features with a model's counts into a score, clues and a
// verdict. It does no I/O, knows no clock and no logger, and never fails: every
// byte string gets a score.
//
// A Stream reads a message (stream.go). It brings header fields and body to the
// canonical form (classify/canon), finds the client at the border (classify/received),
// and hands fields and the parts of the body (classify/mime) to an Extractor
// (classify/extract), which knows markup (classify/html), words (classify/words) and
// attachments (classify/attached). What comes out are stable 64-bit hashes, one for each
// distinct feature (classify/feature), and buckets of n-grams (classify/grams). A Scorer
// joins what a model's Counts say of them (score.go). The texts behind the hashes are
// recovered from the message only when somebody asks why (explain.go).
//
// A Stream or Scorer serves one goroutine at a time; Options, Message and the
// functions on them are plain values.
package classify
