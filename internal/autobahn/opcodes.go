package autobahn

import "time"

// opcodes returns the cases of group 4: frames with a reserved opcode (RFC 6455 section
// 5.2). Each requires the peer to fail the connection with 1002. An earlier message has
// been received and must be echoed; a peer that fails the connection before the echo is
// NON-STRICT.
func opcodes() []*Case {
	const content = "reserved opcode payload"
	return []*Case{
		{
			ID:          "4.1.1",
			Description: "A frame with opcode 3, the first that is reserved for data frames, without payload. The peer fails the connection with 1002.",
			Steps:       []Step{rawFrame(3, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.1.2",
			Description: "A frame with opcode 4, reserved for data frames, with a payload. The peer echoes nothing and fails the connection with 1002.",
			Steps:       []Step{rawFrame(4, content), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.1.3",
			Description: "A text message, a frame with opcode 5 without payload, a ping. The peer echoes the message, fails the connection with 1002, and sends no pong.",
			Steps:       []Step{textFrame(hello), rawFrame(5, ""), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(hello)), nonStrict()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.1.4",
			Description: "A text message, a frame with opcode 6 and the same payload, a ping. The peer echoes the message once and fails the connection with 1002.",
			Steps:       []Step{textFrame(hello), rawFrame(6, hello), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(hello)), nonStrict()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.1.5",
			Description: "A text message, a frame with opcode 7, the last that is reserved for data frames, and a ping, written byte by byte. The peer echoes the message and fails the connection with 1002.",
			Steps: []Step{
				textFrame(hello).chopped(1),
				rawFrame(7, hello).chopped(1),
				pingFrame("").chopped(1),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText(hello)), nonStrict()},
			Close:  failedByPeer(1002),
		},

		{
			ID:          "4.2.1",
			Description: "A frame with opcode 11, the first that is reserved for control frames, without payload. The peer fails the connection with 1002.",
			Steps:       []Step{rawFrame(11, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.2.2",
			Description: "A frame with opcode 12, reserved for control frames, with a payload. The peer fails the connection with 1002.",
			Steps:       []Step{rawFrame(12, content), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.2.3",
			Description: "A text message, a frame with opcode 13 without payload, a ping. The peer echoes the message, fails the connection with 1002, and sends no pong.",
			Steps:       []Step{textFrame(hello), rawFrame(13, ""), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(hello)), nonStrict()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.2.4",
			Description: "A text message, a frame with opcode 14 and the same payload, a ping. The peer echoes the message once and fails the connection with 1002.",
			Steps:       []Step{textFrame(hello), rawFrame(14, hello), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(hello)), nonStrict()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "4.2.5",
			Description: "A text message, a frame with opcode 15, the last that is reserved for control frames, and a ping, written byte by byte. The peer echoes the message and fails the connection with 1002.",
			Steps: []Step{
				textFrame(hello).chopped(1),
				rawFrame(15, hello).chopped(1),
				pingFrame("").chopped(1),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText(hello)), nonStrict()},
			Close:  failedByPeer(1002),
		},
	}
}
