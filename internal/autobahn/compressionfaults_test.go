package autobahn

import (
	"bytes"
	"strings"
)

// compressionFaults are faults in the negotiation of permessage-deflate and in the
// compressed messages.
var compressionFaults = []fault{
	{
		name:   "it does not support compression",
		habits: habits{compressing: compressing{declines: true}},
		caught: []catch{{deflated, Unimplemented, OK, both}},
	},
	{
		name:   "it does not offer to limit its window",
		role:   ClientRole,
		habits: offering("permessage-deflate"),
		caught: []catch{{"13.3-6.* W.1", Unimplemented, OK, both}},
	},
	{
		name:   "it offers a window of 4 KiB",
		role:   ClientRole,
		habits: offering("permessage-deflate; client_max_window_bits=12"),
		caught: []catch{{"13.4.* 13.6.*", Unimplemented, OK, both}},
	},
	{
		name:   "its offer has a duplicate parameter",
		role:   ClientRole,
		habits: offering("permessage-deflate; client_max_window_bits; client_max_window_bits"),
		caught: []catch{{deflated, Unimplemented, OK, both}},
	},
	{
		name:   "it offers a window of 16 bits",
		role:   ClientRole,
		habits: offering("permessage-deflate; client_max_window_bits=16"),
		caught: []catch{{deflated, Unimplemented, OK, both}},
	},
	{
		// Distances beyond 512 bytes need more than 512 bytes of messages, together or
		// each.
		name:   "its distances are up to 32 KiB with any negotiated window",
		habits: agreeing(func(a *agreement) { a.serverBits, a.clientBits = 15, 15 }),
		cases:  long,
		caught: []catch{{"13.3.2-18 13.5.4-18 13.7.4-18 W.1", Failed, WrongCode, both}},
	},
	{
		name:   "its distances are up to 1 KiB with a window of 512 bytes",
		habits: agreeing(func(a *agreement) { a.serverBits, a.clientBits = max(10, a.serverBits), max(10, a.clientBits) }),
		cases:  long,
		caught: []catch{{"13.3.2-18 13.5.4-18 13.7.4-18 W.1", Failed, WrongCode, both}},
	},
	{
		name:   "it keeps its window between messages without context takeover",
		habits: agreeing(func(a *agreement) { a.serverTakeover, a.clientTakeover = true, true }),
		cases:  long,
		caught: []catch{{"13.2.* 13.5-7.* W.2", Failed, WrongCode, both}},
	},
	{
		name: "it does not keep the window of earlier messages",
		habits: habits{compressing: compressing{thrift: true, agrees: func(a agreement) agreement {
			a.serverTakeover, a.clientTakeover = false, false
			return a
		}}},
		cases:  "12.1.4-5 13.*.4-5",
		caught: []catch{{"12.1.4-5 13.*.4-5", Failed, Failed, both}},
	},
	{
		name: "it keeps less than the negotiated window",
		habits: habits{compressing: compressing{thrift: true, agrees: func(a agreement) agreement {
			a.serverBits, a.clientBits = 9, 9
			return a
		}}},
		cases:  "12.1.4-8 13.*.4-8",
		caught: []catch{{"12.1.4-8 13.*.4-8", Failed, Failed, both}},
	},
	{
		name:   "its response lacks the requested window",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return strings.ReplaceAll(s, "; server_max_window_bits=9", "") }),
		caught: []catch{{"W.1", Failed, Failed, both}},
	},
	{
		name:   "its response lacks server_no_context_takeover",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return strings.ReplaceAll(s, "; server_no_context_takeover", "") }),
		caught: []catch{{"W.2", Failed, Failed, both}},
	},
	{
		name:   "its response has a larger window than requested",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return strings.ReplaceAll(s, "bits=9", "bits=10") }),
		caught: []catch{{"W.1", Failed, Failed, both}},
	},
	{
		name:   "its response has an unknown parameter",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + "; foo" }),
		caught: notOpen(deflated),
	},
	{
		name:   "its response has a window of 16 bits",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + "; client_max_window_bits=16" }),
		caught: notOpen(deflated),
	},
	{
		name:   "its response has a window without a value",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + "; client_max_window_bits" }),
		caught: notOpen(deflated),
	},
	{
		name:   "its response has a duplicate parameter",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + "; client_no_context_takeover; client_no_context_takeover" }),
		caught: notOpen(deflated),
	},
	{
		name:   "its response has a value for a parameter without one",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + "; client_no_context_takeover=1" }),
		caught: notOpen(deflated),
	},
	{
		name:   "its response accepts two offers",
		role:   ServerRole,
		habits: onExtensions(func(s string) string { return s + ", permessage-deflate" }),
		caught: notOpen(deflated),
	},
	{
		name: "it accepts permessage-deflate that was not offered",
		role: ServerRole,
		habits: habits{opening: opening{head: func(lines []string) []string {
			if strings.HasPrefix(lines[len(lines)-1], extensionsHeader) {
				return lines
			}
			return append(lines, extensionsHeader+permessageDeflate)
		}}},
		caught: notOpen("* -12.* -13.* -W.*"),
	},
	{
		name:   "it compresses without RSV1",
		habits: onFrames(func(f *peerFrame) { f.rsv = 0 }, Text, Binary),
		caught: []catch{
			{"12.1.* 12.4.* 13.* W.*", Failed, WrongCode, both}, // the result is not valid UTF-8
			{"12.2.* 12.3.* 12.5.*", Failed, OK, both},
		},
	},
	{
		name: "it sets RSV1 without compressing",
		habits: habits{
			compressing: compressing{uncompressed: true},
			frames:      onFrames(func(f *peerFrame) { f.rsv |= rsv1 }, Text, Binary).frames,
		},
		caught: []catch{
			{echoing, Failed, Unclean, both},
			{deflated, Failed, WrongCode, both},
			{brokenBehindEcho, Failed, Failed, both},
		},
	},
	{
		name:   "it sets RSV1 in each frame of a message",
		habits: habits{fragment: 500, frames: onFrames(func(f *peerFrame) { f.rsv |= rsv1 }, Continuation).frames},
		caught: []catch{{"1.1.6-8 1.2.6-8 9.1.* 9.2.* 10.1.1 12.*.4-11 13.*.4-11 W.*", Failed, Unclean, both}},
	},
	{
		name:   "its messages have the tail that must be removed",
		habits: onDeflated(func(p []byte) []byte { return append(bytes.Clone(p), "\x00\x00\xff\xff"...) }),
		caught: []catch{{deflated, Failed, WrongCode, both}},
	},
	{
		name:   "its compressed messages are truncated",
		habits: onDeflated(func(p []byte) []byte { return p[:len(p)-2] }),
		caught: []catch{{deflated, Failed, WrongCode, both}},
	},
	{
		// Each message begins with a match of three bytes at distance one.
		name:   "its distances exceed the history",
		habits: onDeflated(func([]byte) []byte { return []byte{0x02, 0x02, 0x00, 0x00} }),
		caught: []catch{{deflated, Failed, WrongCode, both}},
	},
}

// offering returns the habits of a client with these offers.
func offering(offers string) habits { return habits{compressing: compressing{offers: offers}} }

// agreeing returns the habits of a peer that compresses as if change had been
// negotiated.
func agreeing(change func(*agreement)) habits {
	return habits{compressing: compressing{agrees: func(a agreement) agreement {
		change(&a)
		return a
	}}}
}

// notOpen returns a catch for cases whose connection never opens.
func notOpen(cases string) []catch { return []catch{{cases, Failed, Failed, both}} }
