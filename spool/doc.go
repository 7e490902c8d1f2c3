// Package spool keeps held messages on disk until a moderator decides, so that
// a message for which the MTA was told "250, discarded" is never lost, never
// held twice and never both held and delivered.
//
// # Layout
//
//	DIR/unsure DIR/spam   held messages, ID.msg and ID.json each
//	DIR/copy              copies of messages that were let through unscored
//	DIR/tmp               drafts and claims, each locked (flock) by its process
//	DIR/journal           what was decided: JSON lines, append-only
//	DIR/lock              flock that orders the writers of all processes
//
// Directories are 2770, messages 0640, journal and locks 0660: members of the
// spool's group may decide. An id is 16 characters [0-9a-z], the first nine of
// them the time in milliseconds, so that names sort by age.
//
// # ID.msg
//
// One message of an mbox file in the mboxrd manner, LF line ends:
//
//	From SENDER Mon Jan  2 15:04:05 2006
//	Return-Path: <SENDER>
//	Received: from HELO (NAME [ADDR])
//		by OWNHOST (fanmill) id ID; Mon, 02 Jan 2006 15:04:05 +0000
//
// then the fields as the MTA gave them, an empty line and the body. From the
// fields on, every line that begins with any number of '>' and "From " has one
// '>' more than it had. CRLF became LF; a CR that stands alone stays. The file
// always ends in LF (ID.json says when the message did not), so a shell's
// `cat *.msg` with an empty line between is a mailbox. A release takes all of
// this back and yields the original bytes. A bare LF, which SMTP forbids
// (RFC 5321 section 2.3.8) and no MTA hands to a milter, comes back as CRLF.
//
// # ID.json
//
// The fields of Meta, and what JSON or the file cannot carry: "no_newline",
// "raw_sender" and "raw_recipients" (base64, for addresses that are not UTF-8).
// Fields are only added: "log_odds", "explanation" and the "place" of a clue are
// missing where an older version held the message.
//
// # Holding
//
// ID.json and ID.msg are written in tmp and fsynced; then, under the lock, the
// journal gets its line "held", both are renamed (ID.msg last: the commit
// point) and the directory is fsynced, all before Hold returns. After an error
// nothing of it stays. A file whose fsync failed is removed and never synced
// again: the kernel may have dropped its pages and would report success. A
// kill before the rename leaves a journal line without a file, which counts as
// not held; a kill after it leaves a message that Seen finds.
//
// # States
//
//	          Hold             BeginRelease               2xx
//	unknown --------> held ------------------> releasing ------> released
//	                   ^  \                      |  |  \
//	                   |   \ Discard      refused|  |   \ taken into a queue
//	                   +----\--------------------+  |    +-----> queued
//	                         \                      | no answer, or the
//	                          v          Discard    v process was killed
//	                       discarded <-----------  doubt --ForceRelease--> releasing
//
// The journal is the truth of these states, the directory of what is held.
//
//   - held: Seen answers Held for the same digest, sender and recipients, and
//     SeenPart names the recipients of a larger transaction.
//   - releasing: written and fsynced before the hand-over begins. Seen answers
//     Releasing for the digest and any of the recipients being released, in one
//     transaction or in several. The sender is not compared, for the next hop
//     may rewrite it (SRS, canonical maps). The message goes out with a token,
//     and SeenRelease knows it by that where its digest has changed: the client
//     is another one now, which moves the border of the canonical form, and the
//     next hop may have added fields.
//   - doubt: the next hop may or may not have the message (it was lost sight of
//     after the final dot, or the releasing process was killed between the 2xx
//     and the journal). Release is at-least-once: the message lies in the spool
//     as before, but BeginRelease answers ErrInDoubt and only ForceRelease
//     sends it again. Seen still answers Releasing, since the next hop's
//     queue may hold the first copy. The price: a late retry of the original
//     in this state passes too.
//   - queued: as released, but handed to a command that queues first and lets
//     the MTA's filters see it later. Seen answers Releasing, never Decided,
//     else our own release would be dropped as a late retry.
//   - released, discarded: tombstones. Seen answers Decided, so that a client's
//     late retry is dropped. They live for TombstoneAge. What was released and
//     comes back with its token and its digest is our own, from a next hop that
//     queues, and SeenRelease lets it pass.
//
// When only some recipients were accepted the rest goes back to held or doubt;
// Get and List then name the rest, while retries are still known by the
// original recipients. Messages in copy/ were delivered: Seen ignores them.
//
// # Concurrency
//
// A *Spool is safe for concurrent use, and any number of processes may have the
// same directory open. Each keeps the journal's content in memory and compares
// the journal's size and identity (one stat) before it answers from there; a
// rewritten journal (compaction) is a new file and is read anew. Writers of all
// processes take the lock in turn for about the length of two fsyncs. A line
// torn by a killed writer is not read, and cut off by the next writer. A Draft
// and a MessageWriter belong to one goroutine.
package spool
