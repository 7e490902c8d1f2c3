// Package headers owns the verdict headers: what they are called, how their
// values read, which arriving ones must go, and how they are put into a stored
// message without touching any other byte.
//
// A family is the set of fields one filter writes, so that rules made for that
// filter keep working:
//
//	fanmill       X-Fanmill-Status: unsure score=0.4312 id=0f3k...
//	spambayes     X-Spambayes-Classification: ham; 0.02
//	dspam         X-DSPAM-Result, -Confidence, -Probability, -Signature, -Reclassified
//	bogofilter    X-Bogosity: Spam, tests=bogofilter, spamicity=0.999999, version=fanmill
//	spamassassin  X-Spam-Flag, -Status, -Score, -Level
//	stars         X-Spam-Level
//
// With clues there are X-Fanmill-Clues, X-Spambayes-Evidence and X-DSPAM-Factors too.
//
// A message that could not be scored carries the fanmill field only (first word
// "unscored"): the other families have no word for it, and no word is safer
// than a wrong one.
//
// Fields of all these families that arrive from outside are forged and are
// removed (IsVerdict), whichever families are switched on.
//
// Everything here is pure and safe for concurrent use; InsertTop is the only
// function that does I/O, on what it is given.
package headers
