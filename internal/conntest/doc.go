// Package conntest creates connections under test with raw peers of package rawpeer, in
// both roles, and has the assertions that the test suites share.
//
//   - [ForBothRoles], [OverTCP] and [ForReadWays] run a test for server and client.
//   - [GoDial], [AcceptedWith] and [DialedWith] are for tests of the handshake.
//   - The functions whose names begin with Want and Must fail the test.
package conntest
