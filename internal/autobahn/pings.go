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
			Description: "A ping without payload. The peer sends a pong without payload.",
			Steps:       []Step{pingFrame(""), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(""))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.2",
			Description: "A ping with a text. The peer sends a pong with the same payload.",
			Steps:       []Step{pingFrame(words), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(words))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.3",
			Description: "A ping with bytes that are not UTF-8, including zeros. The peer sends a pong with the same payload.",
			Steps:       []Step{pingFrame(octets), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(octets))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.4",
			Description: "A ping with 125 bytes, the maximum of a control frame. The peer sends a pong with the same payload.",
			Steps:       []Step{pingFrame(longest), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong(longest))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.5",
			Description: "A ping with 126 bytes, one too many for a control frame (RFC 6455 section 5.5). The peer sends no pong and fails the connection with 1002.",
			Steps:       []Step{pingFrame("\xfe").long(maxControlPayload + 1), dropAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       failedByPeer(1002),
		},
		{
			ID:          "2.6",
			Description: "A ping with 125 bytes, written byte by byte. The peer sends one pong with the same payload.",
			Steps:       []Step{pingFrame(longest).chopped(1), closeAfter(2 * time.Second)},
			Expect:      []Outcome{ok(gotPong(longest))},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.7",
			Description: "An unsolicited pong without payload, then a close frame. The peer ignores the pong and replies to the close frame.",
			Steps:       []Step{pongFrame(""), closeFrame(1000, ""), closeAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.8",
			Description: "An unsolicited pong with a payload, then a close frame. The peer ignores the pong and replies to the close frame.",
			Steps:       []Step{pongFrame("unsolicited pong payload"), closeFrame(1000, ""), closeAfter(time.Second)},
			Expect:      []Outcome{ok()},
			Close:       closedBySuite(),
		},
		{
			ID:          "2.9",
			Description: "An unsolicited pong, then a ping with another payload. The peer sends one pong, with the payload of the ping.",
			Steps:       []Step{pongFrame("unsolicited pong payload"), pingFrame("ping payload"), closeAfter(time.Second)},
			Expect:      []Outcome{ok(gotPong("ping payload"))},
			Close:       closedBySuite(),
		},
		tenPings("2.10", "Ten numbered pings without pauses. The peer sends ten pongs in the same order.", wholeFrames),
		tenPings("2.11", "Ten numbered pings, written byte by byte. The peer sends ten pongs in the same order.", 1),
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
