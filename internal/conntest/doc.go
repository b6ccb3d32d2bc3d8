// Package conntest makes connections under test, each with a raw peer of package
// rawpeer, in both roles, and has the assertions that the test suites share.
//
//   - [ForBothRoles], [OverTCP] and [ForReadWays] run one test for server and
//     client.
//   - [GoDial], [AcceptedWith] and [DialedWith] are for tests of the handshake.
//   - The functions that begin with Want and Must fail the test.
package conntest
