// Package rawpeer lets tests exchange raw frames with a WebSocket implementation. It
// implements RFC 6455 independently and imports no WebSocket package.
//
//   - [Pipe] is an in-memory stream that behaves as TCP does, with fault injection.
//   - [Frame] is a frame, valid or invalid, with its encoding.
//   - [Peer] exchanges frames on a net.Conn, as client or server, and fails the
//     test if it receives anything except what the test expects.
//   - [ServeHandshake] and [ClientHandshake] perform the opening handshake first.
//   - [Listen], [HTTPClient], [Serve], [Accepted] and [Dialed] run the code
//     under test on such streams, inside net/http.
//   - [AcceptedOn] and [DialedOn] do so without net/http's server and transport,
//     which are too slow for a fuzzer; [Decode] returns the expected messages.
//   - [Go] runs a call that blocks; [LeakCheck] finds goroutines that remain.
//
// # In a bubble
//
// Everything but the loopback network works in a testing/synctest bubble: it blocks
// only on channels, sync.Cond and timers. Create a stream, a listener and a peer in the
// bubble that uses them, with the bubble's *testing.T.
//
// A bubble must end without goroutines. The test's cleanup, which runs in the bubble,
// ends what this package starts: the server, its connections, and the peer's
// connection. The test closes the connection under test.
package rawpeer
