// Package delay remembers which messages their senders were asked to send again
// later, so that a message is delayed once and decided when it comes again.
//
// A message to one recipient is known by a Key: a hash of its body, of the fields
// From, Date, Subject and Message-ID, of its sender without what changes from try
// to try, and of the recipient. What the MTA or another host on the way adds makes
// no difference, nor does the client: large senders try again from another host.
//
//	first sight      asked to come again, remembered       New
//	before Min       asked again, the clock goes on         Early
//	from Min to Max  decided; so is each later copy         Due
//	from Max on      forgotten: as at first sight           New
//	table is full    cannot be asked to come again          NoRoom
//
// The table is in memory. A goroutine writes it to a file some seconds after it has
// changed, and Close does; nothing else touches the disk. What was remembered in the
// last seconds before a crash is delayed a second time.
//
// The file is fanmill's own: a line with its format, the entries with the oldest
// first (key, 16 bytes; time of first sight, 8 bytes, nanoseconds of Unix time, most
// significant byte first; flags, 1 byte), and the CRC-32C of all that, 4 bytes. One
// that is damaged is reported and begun anew: that delays mail twice at worst.
//
// A Table may be used from any goroutine; a Print belongs to one at a time.
package delay
