// Package control is the daemon's local door: HTTP with JSON answers on the
// unix socket DIR/control.sock. Commands are thin clients of it while a daemon
// runs on their data directory.
//
// # Requests
//
//	POST /v1/score?scope=S&clues=N&sources=M&path=P
//	                                        body: one message   -> ScoreReply
//	POST /v1/learn?scope=S&class=C&many=true
//	                                        body: one message   -> LearnReply   (C: ham, spam, forget)
//	POST /v1/settle?scope=S                                     -> training.Settled
//	POST /v1/undo?actor=A&source=S&scope=S&since=T&n=N&dry_run=true
//	                                                            -> UndoReply
//	GET  /v1/held?box=B&limit=N                                 -> {"held": [spool.Meta...]}
//	GET  /v1/held/{id}                                          -> Held
//	GET  /v1/held/{id}/message                                  -> the message as an mboxrd of one
//	POST /v1/held/{id}/{ham|spam|release|discard}?again=true    -> Decided
//	GET  /v1/stats?scope=S&days=N                               -> Stats
//	GET  /v1/status                                             -> Status
//	POST /v1/reload                                             -> Reloaded
//
// A message is sent as it is stored, with CRLF or LF line ends, with or without
// a From_ line; it is read as a stream and may have Options.MaxMessage bytes.
// Everything else in a request stands in its path and query, which together
// with the header fields may have 16 KiB. An answer other than 2xx carries
// {"error": {"code": C, "message": M, "hint": H}} with a code of the table in
// errors.go; the client turns the codes back into the sentinels there, so that
// errors.Is works across the socket.
//
// # Rights
//
// The kernel names the peer of every connection (SO_PEERCRED, SO_PEERGROUPS):
// root, the daemon's own user and the members of the administrating group may
// do everything. Everybody else who can reach the socket may score and learn in
// the scope that bears their own user name, and nothing more; leaving the scope
// out means that scope to them and the site to the others. The messages behind
// clues (sources) are the site's mail and not for them. Only root and the daemon's user
// may take back what others have decided. A peer that cannot be named
// is refused.
//
// # Concurrency
//
// A Server serves any number of requests at a time up to Options.MaxConns
// connections, so the services behind it must be safe for concurrent use. A
// Client is safe for concurrent use too.
package control
