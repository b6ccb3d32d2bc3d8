package autobahn

import "time"

// hello is the usual text of the suite's messages.
const hello = "Hello, world!"

// reservedBits returns the cases of group 3: frames with reserved bits that no
// extension defines (RFC 6455 section 5.2). Each requires the peer to fail the
// connection with 1002. An earlier message has been received and must be echoed; a peer
// that fails the connection before the echo is NON-STRICT.
func reservedBits() []*Case {
	return []*Case{
		{
			ID:          "3.1",
			Description: "A short text message with RSV3 set. The peer does not echo it and fails the connection with 1002.",
			Steps:       []Step{textFrame(hello).reserved(rsv3), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "3.2",
			Description: "A text message, one with RSV2 set, a ping. The peer echoes the first message, fails the connection with 1002 at the second, and sends no pong.",
			Steps:       []Step{textFrame(hello), textFrame(hello).reserved(rsv2), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(hello)), nonStrict()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "3.3",
			Description: "A text message, one with RSV2 and RSV3 set, a ping, each in its own write. The peer echoes the first message and fails the connection with 1002 at the second.",
			Steps: []Step{
				textFrame(hello).sync(),
				textFrame(hello).reserved(rsv2 | rsv3).sync(),
				pingFrame("").sync(),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText(hello)), nonStrict()},
			Close:  failedByPeer(1002),
		},
		{
			ID:          "3.4",
			Description: "A text message, one with RSV1 set, a ping, written byte by byte. RSV1 marks compressed messages, and compression was not negotiated: the peer echoes the first message and fails the connection with 1002 at the second.",
			Steps: []Step{
				textFrame(hello).chopped(1),
				textFrame(hello).reserved(rsv1).chopped(1),
				pingFrame("").chopped(1),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText(hello)), nonStrict()},
			Close:  failedByPeer(1002),
		},
		{
			ID:          "3.5",
			Description: "A short binary message with RSV1 and RSV3 set. The peer does not echo it and fails the connection with 1002.",
			Steps:       []Step{binaryFrame("\x00\xff\xfe\xfd\xfc\xfb\x00\xff").reserved(rsv1 | rsv3), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "3.6",
			Description: "A binary message with RSV1 and RSV2 set. The peer does not echo it and fails the connection with 1002.",
			Steps:       []Step{binaryFrame(hello).reserved(rsv1 | rsv2), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "3.7",
			Description: "A close frame with all three reserved bits set. The peer fails the connection with 1002.",
			Steps:       []Step{rawFrame(Close, "").reserved(rsv1 | rsv2 | rsv3), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
	}
}
