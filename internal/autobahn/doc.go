// Package autobahn is a conformance suite for WebSocket implementations: the
// 517 cases of the Autobahn test suite, in Go, in both roles.
//
// The suite plays one side of a connection. On the other is the implementation
// under test, as an echo peer: it sends each message back with its type,
// answers pings, and takes part in the closing handshake. A [Case] says what
// the suite sends and what it has to get back; a [Result] says how it went.
//
//   - As a fuzzing client, the suite tests servers: [Client].
//   - As a fuzzing server, it tests clients, which ask for the cases one by one:
//     [Server].
//
// [Cases] has the cases, in groups as the suite numbers them, each with a
// description. [W] are cases of our own beside them.
//
// Nothing here shares code with the library that this module is: the package
// has its own frame codec, its own handshake and its own inflater, or both
// could be wrong alike. It runs over any net.Conn, in a testing/synctest bubble
// too.
package autobahn
