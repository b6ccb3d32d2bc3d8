package autobahn

import (
	"strconv"
	"strings"
	"time"
)

// pings returns the cases of group 2: pings, each of which requires a pong with the
// same payload, and unsolicited pongs (RFC 6455 sections 5.5.2 and 5.5.3).
func pings() []*Case {
	const (
		words  = "Hello, world!"
		octets = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff" // not valid as text
	)
	longest := strings.Repeat("\xfe", maxControlPayload)
	return []*Case{
		{
			ID:          "2.1",
			Description: "A ping without payload. The answer is a pong without payload.",
			Steps:       []Step{pingFrame(""), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(""))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.2",
			Description: "A ping with a few words. The answer is a pong with the same words.",
			Steps:       []Step{pingFrame(words), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(words))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.3",
			Description: "A ping with bytes that are not UTF-8, zeros among them. A payload of a ping is not text: the pong has it unchanged.",
			Steps:       []Step{pingFrame(octets), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(octets))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.4",
			Description: "A ping of 125 bytes, the most that a control frame may have. The pong has all of them.",
			Steps:       []Step{pingFrame(longest), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(longest))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.5",
			Description: "A ping of 126 bytes, one too many for a control frame (RFC 6455 section 5.5). No pong: the peer fails the connection, with 1002.",
			Steps:       []Step{pingFrame("\xfe").long(maxControlPayload + 1), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "2.6",
			Description: "A ping of 125 bytes, byte by byte. The peer collects it, and answers with one pong.",
			Steps:       []Step{pingFrame(longest).chopped(1), closeAfter(2 * time.Second)},
			Expect:      []Outcome{ok(gotPong(longest))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.7",
			Description: "A pong without payload that answers no ping, then a close frame. The peer passes over the pong, and closes in turn.",
			Steps:       []Step{pongFrame(""), closeFrame(1000, ""), closeAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.8",
			Description: "A pong with a payload that answers no ping, then a close frame. The peer passes over the pong, and closes in turn.",
			Steps:       []Step{pongFrame("unsolicited pong payload"), closeFrame(1000, ""), closeAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.9",
			Description: "A pong that answers no ping, then a ping with another payload. The one pong that comes back has the ping's.",
			Steps:       []Step{pongFrame("unsolicited pong payload"), pingFrame("ping payload"), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong("ping payload"))},
			Close:       closedBySuite(),
		},
		tenPings("2.10", "Ten pings, one right after the other, with a number each. Ten pongs come back, in the same order.", wholeFrames),
		tenPings("2.11", "Ten numbered pings as one stream of single bytes. Ten pongs come back, in the same order.", 1),
	}
}

// wholeFrames is the Step.Chop that does not split frames.
const wholeFrames = 0

// tenPings returns a case of ten pings, written in pieces of chop bytes.
func tenPings(id, description string, chop int) *Case {
	var steps []Step
	var pongs []Event
	for i := range 10 {
		p := "payload-" + strconv.Itoa(i)
		steps = append(steps, pingFrame(p).chopped(chop))
		pongs = append(pongs, gotPong(p))
	}
	return &Case{
		ID:          id,
		Description: description,
		Steps:       append(steps, closeAfter(3*time.Second)),
		Expect:      []Outcome{ok(pongs...)},
		Close:       closedBySuite(),
	}
}
