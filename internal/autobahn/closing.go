package autobahn

import (
	"strconv"
	"strings"
	"time"
)

// closings returns the cases of group 7: the closing handshake, frames after the close
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
			Description: "A text message. After the echo the suite closes with 1000. The peer replies with 1000 or no code.",
			Steps:       []Step{textFrame(greeting), dropAfter(time.Second)},
			Expect:      []Outcome{ok(gotText(greeting))},
			Close:       answered(1000),
		},
		{
			ID:          "7.1.2",
			Description: "Two close frames, the first with 1000, the second without payload. The peer replies to the first and ignores the second.",
			Steps:       []Step{closeFrame(1000, ""), rawFrame(Close, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.3",
			Description: "A close frame, then a ping. The peer replies to the close frame and sends no pong.",
			Steps:       []Step{closeFrame(1000, ""), pingFrame(""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.4",
			Description: "A close frame, then a text message. The peer replies to the close frame and does not echo the message.",
			Steps:       []Step{closeFrame(1000, ""), textFrame(greeting), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.1.5",
			Description: "The first frame of a text message, a close frame, the last frame of the message. The peer replies to the close frame and echoes nothing.",
			Steps:       []Step{textFrame("fragment1").more(), closeFrame(1000, ""), continuation("fragment2"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID: "7.1.6",
			Description: "A text message of 256 KiB, a short one, a close frame, a ping, without pauses." +
				" The peer may or may not echo the messages before it reads the close frame: the verdict is always INFORMATIONAL.",
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
			Description: "A close frame without payload. The peer replies with 1000 or no code.",
			Steps:       []Step{closeFrame(NoCode, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.2",
			Description: "A close frame with a payload of one byte, half a close code. The peer replies with 1002, or closes TCP.",
			Steps:       []Step{closeFrame(NoCode, "a"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       refused(1002).byStep(),
		},
		{
			ID:          "7.3.3",
			Description: "A close frame with code 1000 and no reason. The peer replies with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, ""), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.4",
			Description: "A close frame with code 1000 and a short reason. The peer replies with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, "Hello World!"), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.5",
			Description: "A close frame with code 1000 and a reason of 123 bytes, the maximum. The peer replies with 1000 or no code.",
			Steps:       []Step{closeFrame(1000, strings.Repeat("*", longest)), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       answered(1000).byStep(),
		},
		{
			ID:          "7.3.6",
			Description: "A close frame with code 1000 and a reason of 124 bytes, which makes the payload one byte too long. The peer replies with 1002, or closes TCP.",
			Steps:       []Step{closeFrame(1000, strings.Repeat("*", longest+1)), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       refused(1002).byStep(),
		},
		{
			ID:          "7.5.1",
			Description: "A close frame with code 1000 and a reason that is not UTF-8: it contains ED A0 80, an encoded surrogate. The peer replies with 1007 or 1002, or closes TCP.",
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
	return codeCases("7.7.", " The peer replies with the same code, 1000 or no code.",
		func(code int) Closing { return answered(1000, code) },
		closeCode{1000, "normal closure"},
		closeCode{1001, "going away"},
		closeCode{1002, "protocol error"},
		closeCode{1003, "unsupported data"},
		closeCode{1007, "invalid payload, such as text that is not UTF-8"},
		closeCode{1008, "policy violation"},
		closeCode{1009, "message too big"},
		closeCode{1010, "an extension is missing in the response of the server"},
		closeCode{1011, "internal error"},
		closeCode{3000, "the first for libraries and frameworks, which register them"},
		closeCode{3999, "the last for libraries and frameworks, which register them"},
		closeCode{4000, "the first for private use"},
		closeCode{4999, "the last for private use"},
	)
}

// invalidCodes returns the cases of 7.9: codes that an endpoint must not send.
func invalidCodes() []*Case {
	return codeCases("7.9.", " The peer replies with 1002, or closes TCP.",
		func(int) Closing { return refused(1002) },
		closeCode{0, "below all valid codes"},
		closeCode{999, "the last below all valid codes"},
		closeCode{1004, "reserved without a meaning"},
		closeCode{1005, "which means a missing code in APIs and must not be sent"},
		closeCode{1006, "which means a missing close frame in APIs and must not be sent"},
		closeCode{1016, "reserved for the protocol and not assigned"},
		closeCode{1100, "reserved for the protocol"},
		closeCode{2000, "reserved for later versions and extensions of the protocol"},
		closeCode{2999, "the last that is reserved for the protocol"},
	)
}

// codesBeyond returns the cases of 7.13: codes that RFC 6455 section 7.4.2 does not
// define.
func codesBeyond() []*Case {
	cases := codeCases("7.13.", " RFC 6455 does not define it: the verdict is always INFORMATIONAL.",
		func(code int) Closing { return Closing{BySuite: true, Codes: []int{1000, code, 1002}}.byStep() },
		closeCode{5000, "the first above those for private use"},
		closeCode{65535, "the maximum of two bytes"},
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
