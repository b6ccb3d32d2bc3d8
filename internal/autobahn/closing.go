package autobahn

import (
	"strconv"
	"strings"
	"time"
)

// closings returns the cases of group 7: the closing handshake, frames behind the close
// frame, valid and invalid close frames, and each kind of close code (RFC 6455 sections
// 5.5.1, 7.1 and 7.4).
func closings() []*Case {
	cases := afterClose()
	cases = append(cases, closePayloads()...)
	cases = append(cases, validCodes()...)
	cases = append(cases, invalidCodes()...)
	return append(cases, codesBeyond()...)
}

// answered is the closing after a valid close frame of the suite. The peer's close
// frame has one of the codes, or none.
func answered(codes ...int) Closing {
	return Closing{BySuite: true, Codes: codes, Clean: true, WrongCodeFails: true}
}

// refused is the closing after an invalid close frame of the suite. The peer sends one
// of the codes for the violation, or closes TCP.
func refused(codes ...int) Closing {
	return Closing{BySuite: true, Codes: codes, WrongCodeFails: true}
}

// byStep leaves the closing to the case's steps.
func (c Closing) byStep() Closing {
	c.NotAutomatic = true
	return c
}

func afterClose() []*Case {
	const greeting = "Hello World!"
	return []*Case{
		{
			ID:          "7.1.1",
			Description: "A text message; when it is back, the suite closes with 1000. The peer answers with 1000, or no code.",
			Steps:       []Step{textFrame(greeting), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(greeting))},
			Close:       answered(1000),
		},
		{
			ID:          "7.1.2",
			Description: "Two close frames, the first with 1000, the second empty. The peer answers the first, and has no use for the second.",
			Steps:       []Step{closeFrame(1000, ""), rawFrame(Close, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.3",
			Description: "A close frame, then a ping. The peer closes in turn, and sends no pong.",
			Steps:       []Step{closeFrame(1000, ""), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.4",
			Description: "A close frame, then a text message. The peer closes in turn, and sends nothing back.",
			Steps:       []Step{closeFrame(1000, ""), textFrame(greeting), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.5",
			Description: "A text message's first frame, a close frame, the message's last frame. The peer closes in turn; there is no message.",
			Steps:       []Step{textFrame("fragment1").more(), closeFrame(1000, ""), continuation("fragment2"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID: "7.1.6",
			Description: "A text message of 256 KiB, a short one, a close frame, a ping, all without a pause." +
				" Whether the peer gets to answer the messages before it reads the close frame is left open: nothing is judged.",
			Steps: []Step{
				textFrame("BAsd7&jh23").long(256 << 10),
				textFrame(greeting),
				closeFrame(1000, ""),
				pingFrame(""),
				dropAfter(time.Second),
			},
			Expect:        []Outcome{ok(gotText(greeting)), nonStrict()},
			Close:         closedBySuite().byStep(),
			Informational: true,
		},
	}
}

// closePayloads returns the cases of 7.3 and 7.5. A close frame has at most 125 bytes
// of payload, two of which are the code.
func closePayloads() []*Case {
	const longest = maxControlPayload - 2
	return []*Case{
		{
			ID:          "7.3.1",
			Description: "A close frame without payload. The peer closes in turn, with 1000 or no code.",
			Steps:       []Step{closeFrame(NoCode, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.2",
			Description: "A close frame of one byte, half a close code. The peer answers with 1002, or drops TCP.",
			Steps:       []Step{closeFrame(NoCode, "a"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       refused(1002).byStep(),
		},
		{
			ID:          "7.3.3",
			Description: "A close frame with code 1000 and no reason. The peer closes in turn, with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.4",
			Description: "A close frame with code 1000 and a short reason. The peer closes in turn, with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, "Hello World!"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.5",
			Description: "A close frame with code 1000 and a reason of 123 bytes, the longest. The peer closes in turn, with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, strings.Repeat("*", longest)), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.6",
			Description: "A close frame with code 1000 and a reason of 124 bytes, which makes the payload too long by one. The peer answers with 1002, or drops TCP.",
			Steps:       []Step{closeFrame(1000, strings.Repeat("*", longest+1)), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       refused(1002).byStep(),
		},
		{
			ID:          "7.5.1",
			Description: "A close frame with code 1000 and a reason that is not UTF-8: it has ED A0 80 in it, a surrogate. The peer answers with 1007 or 1002, or drops TCP.",
			Steps:       []Step{closeFrame(1000, kosme+"\xed\xa0\x80edited"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       refused(1002, 1007).byStep(),
		},
	}
}

// A closeCode is a close code with a description.
type closeCode struct {
	code    int
	meaning string
}

// validCodes returns the cases of 7.7: codes that an endpoint may send.
func validCodes() []*Case {
	return codeCases("7.7.", " The peer closes in turn, with the same code, 1000 or none.",
		func(code int) Closing { return answered(1000, code) },
		closeCode{1000, "a normal end"},
		closeCode{1001, "going away"},
		closeCode{1002, "a protocol error"},
		closeCode{1003, "a type of message that is not accepted"},
		closeCode{1007, "a payload that does not fit its type, as text that is not UTF-8"},
		closeCode{1008, "a policy was violated"},
		closeCode{1009, "a message too big"},
		closeCode{1010, "an extension is missing from the server's answer"},
		closeCode{1011, "an unexpected condition at the server"},
		closeCode{3000, "the first of those that are registered for libraries and frameworks"},
		closeCode{3999, "the last of those that are registered for libraries and frameworks"},
		closeCode{4000, "the first for private use"},
		closeCode{4999, "the last for private use"},
	)
}

// invalidCodes returns the cases of 7.9: codes that an endpoint must not send.
func invalidCodes() []*Case {
	return codeCases("7.9.", " The peer answers with 1002, or drops TCP.",
		func(int) Closing { return refused(1002) },
		closeCode{0, "below all codes"},
		closeCode{999, "the last below all codes"},
		closeCode{1004, "reserved, and without a meaning"},
		closeCode{1005, "by which programs say that there was no code, and which is never sent"},
		closeCode{1006, "by which programs say that there was no close frame, and which is never sent"},
		closeCode{1016, "which the protocol keeps for itself, and has not assigned"},
		closeCode{1100, "from the middle of what the protocol keeps for itself"},
		closeCode{2000, "from what the protocol keeps for later versions and extensions"},
		closeCode{2999, "the last of what the protocol keeps for itself"},
	)
}

// codesBeyond returns the cases of 7.13: codes that RFC 6455 section 7.4.2 does not
// define.
func codesBeyond() []*Case {
	cases := codeCases("7.13.", " The RFC does not say whether it may be sent: nothing is judged.",
		func(code int) Closing { return Closing{BySuite: true, Codes: []int{1000, code, 1002}}.byStep() },
		closeCode{5000, "the first above those for private use"},
		closeCode{65535, "the highest that fits into two bytes"},
	)
	for _, c := range cases {
		c.Informational = true
	}
	return cases
}

// codeCases returns cases of a close frame with a code and no reason, numbered after
// prefix.
func codeCases(prefix, right string, end func(code int) Closing, codes ...closeCode) []*Case {
	var cases []*Case
	for i, c := range codes {
		cases = append(cases, &Case{
			ID:          prefix + strconv.Itoa(i+1),
			Description: "A close frame with code " + strconv.Itoa(c.code) + ", " + c.meaning + "." + right,
			Steps:       []Step{closeFrame(c.code, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       end(c.code),
		})
	}
	return cases
}
