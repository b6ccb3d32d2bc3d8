package autobahn

import "time"

// kosme is a Greek word. Its letters have two bytes, except the second, which has
// three: an omicron with oxia, the old form of its accent.
const kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

// textUTF8 returns the cases of 6.1 to 6.4: text in several frames, and how early
// invalid UTF-8 is detected (RFC 6455 section 8.1).
func textUTF8() []*Case {
	const (
		umlauts   = "Hello-µ@ßöäüàá-UTF-8!!"
		surrogate = kosme + "\xed\xa0\x80" + "edited" // contains U+D800
	)
	cases := emptyFragments()
	cases = append(cases,
		echoed("6.2.1", "A text message with letters of one and two bytes, in one frame. The peer echoes it.",
			textMessage(umlauts), closeAfter(time.Second)),
		&Case{
			ID:          "6.2.2",
			Description: "The text of 6.2.1 in two frames, split between two letters. The peer echoes it as one message.",
			Steps:       []Step{textFrame("Hello-µ@ßöä").more(), continuation("üàá-UTF-8!!"), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(umlauts))},
			Close:       closedBySuite(),
		},
		echoed("6.2.3", "The text of 6.2.1 in frames of one byte, which split letters: the message must be UTF-8, a single frame need not be. The peer echoes it.",
			textMessage(umlauts).fragmented(1), closeAfter(time.Second)),
		echoed("6.2.4", "A Greek word, with letters of two and three bytes, in frames of one byte. The peer echoes it.",
			textMessage(kosme).fragmented(1), closeAfter(time.Second)),
		&Case{
			ID:          "6.3.1",
			Description: "Text with ED A0 80 in the middle, an encoded surrogate of UTF-16. The peer does not echo it and fails the connection with 1007.",
			Steps:       []Step{textMessage(surrogate), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       notUTF8(),
		},
		&Case{
			ID:          "6.3.2",
			Description: "The text of 6.3.1 in frames of one byte, so that no single frame shows the error. The peer fails the connection with 1007.",
			Steps:       []Step{textMessage(surrogate).fragmented(1), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       notUTF8(),
		},
	)
	return append(cases, failFast()...)
}

// emptyFragments returns the cases of 6.1.
func emptyFragments() []*Case {
	return []*Case{
		echoed("6.1.1", "An empty text message. The peer echoes it.",
			textFrame(""), closeAfter(time.Second)),
		{
			ID:          "6.1.2",
			Description: "A text message in three empty frames. The peer echoes one empty message.",
			Steps:       []Step{textFrame("").more(), continuation("").more(), continuation(""), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(""))},
			Close:       closedBySuite(),
		},
		{
			ID:          "6.1.3",
			Description: "A text message in three frames, of which the first and the last are empty. The peer echoes the text of the second.",
			Steps: []Step{
				textFrame("").more(),
				continuation("middle frame payload").more(),
				continuation(""),
				closeAfter(time.Second),
			},
			Expect: []Outcome{ok(gotText("middle frame payload"))},
			Close:  closedBySuite(),
		},
	}
}

// failFast returns the cases of 6.4. In each, the text is a prefix of valid UTF-8 until
// the first pause ends, and not after the next bytes.
func failFast() []*Case {
	early := ok(gotTimeout("A"))
	late := nonStrict(gotTimeout("A"), gotTimeout("B"))
	return []*Case{
		{
			ID: "6.4.1",
			Description: "Text in three frames, with pauses between: a Greek word, then F4 90 80 80, which is beyond U+10FFFF, then more." +
				" The peer fails the connection with 1007 at the second frame. If it waits for the third, the verdict is NON-STRICT.",
			Steps: []Step{
				textFrame(kosme).more(),
				wait(time.Second).tagged("A"),
				continuation("\xf4\x90\x80\x80").more(),
				wait(time.Second).tagged("B"),
				continuation("edited"),
				dropAfter(time.Second),
			},
			Expect: []Outcome{early, late},
			Close:  notUTF8(),
		},
		{
			ID: "6.4.2",
			Description: "As 6.4.1, but the frames end inside the character: F4 can begin a character, F4 90 cannot." +
				" The peer fails the connection with 1007 at the second frame. If it waits for the third, the verdict is NON-STRICT.",
			Steps: []Step{
				textFrame(kosme + "\xf4").more(),
				wait(time.Second).tagged("A"),
				continuation("\x90").more(),
				wait(time.Second).tagged("B"),
				continuation("\x80\x80edited"),
				dropAfter(time.Second),
			},
			Expect: []Outcome{early, late},
			Close:  notUTF8(),
		},
		{
			ID: "6.4.3",
			Description: "The text of 6.4.1 in one frame that arrives in three parts, with pauses between." +
				" The peer fails the connection with 1007 at the second part. If it waits for the end of the frame, the verdict is NON-STRICT.",
			Steps: []Step{
				beginText(len(kosme) + 10),
				frameBytes(kosme),
				wait(time.Second).tagged("A"),
				frameBytes("\xf4\x90\x80\x80"),
				wait(time.Second).tagged("B"),
				frameBytes("edited"),
				endMessage(),
				dropAfter(time.Second),
			},
			Expect: []Outcome{early, late},
			Close:  notUTF8(),
		},
		{
			ID: "6.4.4",
			Description: "The text of 6.4.2 in one frame that arrives in three parts, split inside the character, with pauses between." +
				" The peer fails the connection with 1007 at the byte 90. If it waits for the end of the frame, the verdict is NON-STRICT.",
			Steps: []Step{
				beginText(len(kosme) + 10),
				frameBytes(kosme + "\xf4"),
				wait(time.Second).tagged("A"),
				frameBytes("\x90"),
				wait(time.Second).tagged("B"),
				frameBytes("\x80\x80edited"),
				endMessage(),
				dropAfter(time.Second),
			},
			Expect: []Outcome{early, late},
			Close:  notUTF8(),
		},
	}
}

// notUTF8 is the closing after invalid UTF-8. Only the peer may end the connection.
func notUTF8() Closing {
	return Closing{Codes: []int{1007}, WrongSideFails: true}
}

// textPatience is the timeout of the cases of 6.5 to 6.23.
const textPatience = 500 * time.Millisecond

// validText returns a case of text that must be echoed.
func validText(id, p, description string) *Case {
	return echoed(id, description+" The peer echoes it.", textMessage(p), dropAfter(textPatience))
}

// invalidText returns a case of text that must not be echoed.
func invalidText(id, p, description string) *Case {
	return &Case{
		ID:          id,
		Description: description + " The peer fails the connection with 1007.",
		Steps:       []Step{textMessage(p), dropAfter(textPatience)},
		Expect:      []Outcome{ok()},
		Close:       notUTF8(),
	}
}
