// Package milter is the door to the MTA: it takes SMTP transactions as the
// Sendmail mail filter protocol gives them, has each message scored and judged,
// and answers.
//
//	MTA --frames--> guard --> go-milter --> adapter --> session
//
// Package guard sits below the library as a net.Listener and net.Conn: it checks
// every frame before the library sees a byte of it; package socket binds what it
// listens on. adapter.go holds the library's callbacks, recovers in each of them and maps outcomes to replies.
// session.go and its neighbours know no type of the library: events in, outcome
// out. server.go binds sockets, starts, reloads and drains.
//
// # Rules of the protocol that the code rests on
//
// One answer per message: RCPT can refuse single recipients; at end of message
// there is one answer for all, but recipients can be deleted. Deleting the last
// one makes Postfix answer 250 and drop the mail, so it is never done. In
// Postfix an accept at RCPT ends all events of the message, so RCPT never
// answers accept.
//
// Replies: no-reply is negotiated for all events but RCPT and end of message
// (SMFIP_NR_*, version 6), which halves the CPU time. A skip could then not be
// sent; a skipped body could not be held whole anyway. So the body is always
// received to the end.
//
// Header fields: SMFIP_HDR_LEADSPC is negotiated, so values come with what
// stood behind the colon, and values that we insert must begin with a blank of
// their own (libmilter/docs/smfi_addheader.html). A field is deleted by changing
// it to an empty value; the index counts fields of the same name from 1, and
// Postfix renumbers after each deletion, so forged fields are counted while
// they stream in and deleted from the last to the first. InsertHeader at 0 lands
// above the MTA's own Received; several fields are inserted last first.
//
// Queue id: Postfix has one ({i}) from DATA on, Sendmail from MAIL on. For mail
// submitted by sendmail(1) Postfix invents CONNECT localhost, 127.0.0.1 and
// port 0 (MILTER_README); such mail must not be refused at RCPT.
//
// Events: Abort may come at any time, twice, and after the end of message; a
// connection carries any number of messages; QUIT_NC starts a new SMTP session.
//
//	event      allowed after          does
//	connect    -, quit_nc             new SMTP session: forgets client, drops message
//	helo       connect                remembers the name (again after STARTTLS)
//	mail       any                    drops the message in progress, begins one
//	rcpt       mail, rcpt             adds or refuses one recipient
//	header     rcpt, header           \  later ones spoil the message: 451 at its end
//	eoh        rcpt, header            > without mail: ignored
//	body       rcpt, header, eoh, body/
//	eom        any                    answers and ends the message; without mail 451
//	abort      any                    drops the message, keeps client and helo
//
// # Never both held and delivered, never neither
//
// A held message is complete on disk before the MTA hears the answer. The
// work at end of message runs beside the callback, which sends progress packets
// and watches the deadline. One atomic step decides between them: if the work
// gets to the hold first, a deadline that passes during the hold answers 451
// whatever on_error says; the sender's retry is then found in the spool by
// digest and envelope and answered as held. If the deadline comes first, the
// work may not hold any more. The same retry path covers an MTA that hangs up,
// and a daemon killed, between the hold and the answer.
//
// # Delays
//
// With unsure = "delay" a message is answered 451 and remembered by package delay, which
// tells at the retry how long ago that was. The table is looked at when the message is
// decided about, and told what came of it once that stands (delay.go): a 451 for all
// recipients is remembered for each; where some get or have held what others should
// wait for, those have it held, and nobody is waited for. So a message that comes again
// was given to nobody.
//
// A *Server and its *Settings may be used from any goroutine; a session belongs
// to the goroutine of its connection, a message to one goroutine at a time.
package milter
