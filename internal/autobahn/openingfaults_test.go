package autobahn

// openingFaults are faults in the opening handshake. Others are in the tests of the
// handshake.
var openingFaults = []fault{
	{name: "it sends no response", role: ServerRole, habits: habits{opening: opening{head: func([]string) []string { return nil }}}, caught: notOpen("*")},
	{name: "its response has status 200", role: ServerRole, habits: without("HTTP/", "HTTP/1.1 200 OK"), caught: notOpen("*")},
	{name: "its response has the accept key of another request", role: ServerRole, habits: without("Sec-WebSocket-Accept:", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), caught: notOpen("*")},
	{name: "it accepts a subprotocol that was not offered", role: ServerRole, habits: withLine("Sec-WebSocket-Protocol: chat"), caught: notOpen("*")},
	{name: "it accepts an unknown extension", role: ServerRole, habits: withLine(extensionsHeader + "x-foo"), caught: notOpen("*")},
	{name: "its request has no key", role: ClientRole, habits: without("Sec-WebSocket-Key:"), caught: notOpen("*")},
	{name: "its request has an old version", role: ClientRole, habits: without("Sec-WebSocket-Version:", "Sec-WebSocket-Version: 8"), caught: notOpen("*")},
}
