// Package autobahn is a conformance suite for WebSocket implementations: the 517 cases
// of the Autobahn test suite, in Go, in both roles.
//
// The suite is one side of a connection. The other side is the implementation under
// test, as an echo peer: it echoes each message with its type, answers pings, and takes
// part in the closing handshake. A [Case] defines the frames that the suite sends and
// the expected response; a [Result] is the outcome.
//
//   - As a fuzzing client, the suite tests servers: [Client].
//   - As a fuzzing server, it tests clients, which request the cases one by one:
//     [Server].
//
// [Cases] returns the cases, in groups with the suite's numbers, each with a
// description. [W] has additional cases.
//
// The package shares no code with the library of this module: it has its own frame
// codec, handshake and inflater, so that an error in one does not hide an error in the
// other. It runs over any net.Conn, also in a testing/synctest bubble.
package autobahn
