package autobahn

import "time"

// fragments returns the cases of group 5: messages in several frames, control frames
// between them, and frames out of order (RFC 6455 section 5.4).
func fragments() []*Case {
	cases := controlFragments()
	cases = append(cases, twoFragments()...)
	cases = append(cases, nothingToContinue()...)
	cases = append(cases, wrongOrder()...)
	return append(cases, fiveFragments()...)
}

func controlFragments() []*Case {
	return []*Case{
		{
			ID:          "5.1",
			Description: "A ping without FIN, and a continuation. Control frames must not be fragmented: the peer fails the connection with 1002 and sends no pong.",
			Steps:       []Step{pingFrame("fragment1").more(), continuation("fragment2"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.2",
			Description: "A pong without FIN, and a continuation. Control frames must not be fragmented: the peer fails the connection with 1002.",
			Steps:       []Step{pongFrame("fragment1").more(), continuation("fragment2"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
	}
}

func twoFragments() []*Case {
	return []*Case{
		{
			ID:          "5.3",
			Description: "A text message in two frames. The peer echoes it as one message.",
			Steps:       []Step{textFrame("fragment1").more(), continuation("fragment2"), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotText("fragment1fragment2"))},
			Close:       closedBySuite(),
		},
		{
			ID:          "5.4",
			Description: "A text message in two frames, each in its own write. The peer echoes it as one message.",
			Steps:       []Step{textFrame("fragment1").more().sync(), continuation("fragment2").sync(), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotText("fragment1fragment2"))},
			Close:       closedBySuite(),
		},
		{
			ID:          "5.5",
			Description: "A text message in two frames, written byte by byte. The peer echoes it as one message.",
			Steps:       []Step{textFrame("fragment1").more().chopped(1), continuation("fragment2").chopped(1), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotText("fragment1fragment2"))},
			Close:       closedBySuite(),
		},
		{
			ID:          "5.6",
			Description: "A text message in two frames, and a ping between them. The peer sends the pong at once and then echoes the message.",
			Steps:       []Step{textFrame("fragment1").more(), pingFrame("ping payload"), continuation("fragment2"), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong("ping payload"), gotText("fragment1fragment2"))},
			Close:       closedBySuite(),
		},
		{
			ID:          "5.7",
			Description: "A text message in two frames with a ping between them, each frame in its own write. The peer sends the pong and then echoes the message.",
			Steps: []Step{
				textFrame("fragment1").more().sync(),
				pingFrame("ping payload").sync(),
				continuation("fragment2").sync(),
				closeAfter(time.Second),
			},
			Expect: []Outcome{ok(gotPong("ping payload"), gotText("fragment1fragment2"))},
			Close:  closedBySuite(),
		},
		{
			ID:          "5.8",
			Description: "A text message in two frames with a ping between them, written byte by byte. The peer sends the pong and then echoes the message.",
			Steps: []Step{
				textFrame("fragment1").more().chopped(1),
				pingFrame("ping payload").chopped(1),
				continuation("fragment2").chopped(1),
				closeAfter(time.Second),
			},
			Expect: []Outcome{ok(gotPong("ping payload"), gotText("fragment1fragment2"))},
			Close:  closedBySuite(),
		},
	}
}

func nothingToContinue() []*Case {
	const lost = "non-continuation payload"
	return []*Case{
		{
			ID:          "5.9",
			Description: "A continuation with FIN outside of a message, then a text message. The peer fails the connection with 1002 at the first frame and echoes nothing.",
			Steps:       []Step{continuation(lost), textFrame(hello), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.10",
			Description: "A continuation with FIN outside of a message, then a text message, each in its own write. The peer fails the connection with 1002 at the first frame.",
			Steps:       []Step{continuation(lost).sync(), textFrame(hello).sync(), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.11",
			Description: "A continuation with FIN outside of a message, then a text message, written byte by byte. The peer fails the connection with 1002 at the first frame.",
			Steps:       []Step{continuation(lost).chopped(1), textFrame(hello).chopped(1), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.12",
			Description: "A continuation without FIN outside of a message, then a text message. The peer fails the connection with 1002 at the first frame.",
			Steps:       []Step{continuation(lost).more(), textFrame(hello), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.13",
			Description: "A continuation without FIN outside of a message, then a text message, each in its own write. The peer fails the connection with 1002 at the first frame.",
			Steps:       []Step{continuation(lost).more().sync(), textFrame(hello).sync(), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "5.14",
			Description: "A continuation without FIN outside of a message, then a text message, written byte by byte. The peer fails the connection with 1002 at the first frame.",
			Steps:       []Step{continuation(lost).more().chopped(1), textFrame(hello).chopped(1), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
	}
}

func wrongOrder() []*Case {
	return []*Case{
		{
			ID: "5.15",
			Description: "A text message in two frames, then a continuation without FIN outside of a message, then a text message." +
				" The peer echoes the first message and fails the connection with 1002 at the third frame. Without the echo the verdict is NON-STRICT.",
			Steps: []Step{
				textFrame("fragment1").more(),
				continuation("fragment2"),
				continuation("fragment3").more(),
				textFrame("fragment4"),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText("fragment1fragment2")), nonStrict()},
			Close:  failedByPeer(1002),
		},
		{
			ID: "5.16",
			Description: "Twice: a continuation without FIN outside of a message, the first frame of a text message, its last frame." +
				" The peer fails the connection with 1002 at the very first frame and echoes nothing.",
			Steps: []Step{
				continuation("fragment1").more(),
				textFrame("fragment2").more(),
				continuation("fragment3"),
				continuation("fragment1").more(),
				textFrame("fragment2").more(),
				continuation("fragment3"),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok()},
			Close:  failedByPeer(1002),
		},
		{
			ID: "5.17",
			Description: "Twice: a continuation with FIN outside of a message, the first frame of a text message, its last frame." +
				" The peer fails the connection with 1002 at the very first frame and echoes nothing.",
			Steps: []Step{
				continuation("fragment1"),
				textFrame("fragment2").more(),
				continuation("fragment3"),
				continuation("fragment1"),
				textFrame("fragment2").more(),
				continuation("fragment3"),
				dropAfter(time.Second),
			},
			Expect: []Outcome{ok()},
			Close:  failedByPeer(1002),
		},
		{
			ID:          "5.18",
			Description: "The first frame of a text message, then the first frame of another one. Messages must not be interleaved: the peer fails the connection with 1002.",
			Steps:       []Step{textFrame("fragment1").more(), textFrame("fragment2"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
	}
}

func fiveFragments() []*Case {
	steps := []Step{
		textFrame("fragment1").more(),
		continuation("fragment2").more(),
		pingFrame("pongme 1!"),
		wait(time.Second),
		continuation("fragment3").more(),
		continuation("fragment4").more(),
		pingFrame("pongme 2!"),
		continuation("fragment5"),
	}
	var alone []Step
	for _, step := range steps {
		if step.Do == SendFrame {
			step = step.sync()
		}
		alone = append(alone, step)
	}
	come := ok(gotPong("pongme 1!"), gotPong("pongme 2!"), gotText("fragment1fragment2fragment3fragment4fragment5"))
	return []*Case{
		{
			ID: "5.19",
			Description: "A text message in five frames: a ping after the second, a pause of a second, a ping after the fourth." +
				" The peer sends each pong at once and then echoes the message.",
			Steps:  append(steps, closeAfter(time.Second)),
			Expect: []Outcome{come},
			Close:  closedBySuite(),
		},
		{
			ID: "5.20",
			Description: "As 5.19, each frame in its own write." +
				" The peer sends two pongs and then echoes the message.",
			Steps:  append(alone, closeAfter(time.Second)),
			Expect: []Outcome{come},
			Close:  closedBySuite(),
		},
	}
}
