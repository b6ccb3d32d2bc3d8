// Package rawpeer lets tests talk to a WebSocket implementation in raw frames.
// It implements RFC 6455 independently and imports no WebSocket package.
//
//   - [Pipe] is a stream in memory that behaves as TCP does, with faults.
//   - [Frame] is a frame, right or wrong, and its bytes.
//   - [Peer] speaks frames on a net.Conn, as client or server, and fails the
//     test when what comes is not what the test wants.
//   - [ServeHandshake] and [ClientHandshake] open the connection before that.
//   - [Listen], [HTTPClient], [Serve], [Accepted] and [Dialed] run the code
//     under test on such streams, with net/http around it.
//   - [AcceptedOn] and [DialedOn] do so without net/http's server and transport,
//     which a fuzzer has no time for; [Decode] says what has to be read then.
//   - [Go] runs a call that blocks; [LeakCheck] finds goroutines that stayed.
//
// # In a bubble
//
// Everything works in a testing/synctest bubble, where waiting costs no time:
// nothing but the loopback network waits otherwise than on channels, conditions
// and timers. Make a stream, a listener and a peer in the bubble that uses
// them, with the bubble's *testing.T.
//
// A bubble must end without goroutines. What this package starts ends in the
// test's cleanup, which runs in the bubble: the server, its connections, and
// the peer's connection. The test closes the connection under test.
package rawpeer
