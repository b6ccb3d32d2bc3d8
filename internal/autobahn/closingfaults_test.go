package autobahn

import "strings"

// closingFaults are faults in the end of a connection.
var closingFaults = []fault{
	{
		name:   "it never closes",
		habits: habits{closes: closesNever},
		caught: []catch{
			{clean, OK, Unclean, both},
			{"7.1.3-5", Failed, Unclean, both}, // it continues
		},
	},
	{
		name:   "it closes TCP in place of its close frame",
		habits: habits{closes: closesTCPOnly},
		caught: []catch{{clean, OK, Unclean, both}},
	},
	{
		name:   "it closes late",
		habits: habits{lateClose: lateBy},
		caught: []catch{{clean, OK, Unclean, both}},
	},
	{
		name:   "it leaves TCP open",
		role:   ServerRole,
		habits: habits{closes: leavesTCPOpen},
		caught: []catch{{clean, OK, FailedByClient, both}},
	},
	{
		name:   "it sends messages before it replies to the close frame",
		habits: habits{closes: closesWhenQuiet},
		caught: []catch{{"7.1.3-5", Failed, OK, both}},
	},
	{
		// If the suite is the server, it closes TCP after the close frame.
		name:   "it sends messages after its close frame",
		habits: habits{closes: goesOnBehindClose},
		caught: []catch{{"7.1.3-5", Failed, OK, ServerRole}},
	},
	{
		name: "it sends its close frame twice",
		role: ServerRole,
		habits: habits{frames: func(f peerFrame) []peerFrame {
			if f.opcode == Close {
				return []peerFrame{f, f}
			}
			return []peerFrame{f}
		}},
		caught: []catch{{clean + broken + badClose, Failed, OK, both}},
	},
	{
		name:   "it sends a close frame in place of the first echo",
		habits: habits{closes: closesFirst},
		caught: []catch{
			{echoing, Failed, Failed, both},
			{brokenBehindEcho, NonStrict, WrongCode, both},
		},
	},
	{
		name:   "it closes TCP after the first echo",
		habits: habits{closes: dropsTCPFirst},
		caught: []catch{
			{dropUnlessEchoed + closeUnlessEchoed, OK, Unclean, both},
			{exchanged, Failed, Failed, both},
		},
	},
	{
		name:   "it closes TCP inside the first echo",
		habits: habits{closes: dropsTCPInFrame},
		caught: []catch{
			{echoing, Failed, Failed, both},
			{brokenBehindEcho, NonStrict, OK, both},
		},
	},
	{
		name:   "it closes with 1001",
		habits: closingWithout(1000, 1001),
		caught: []catch{
			{clean + "-7.*", OK, WrongCode, both},
			{"7.1.1-5 7.3.3-5 7.7.1", Failed, WrongCode, both},
		},
	},
	{
		name:   "it always closes with 1000",
		habits: onCloses(func([]byte) []byte { return closeOf(1000, "").payload }),
		caught: []catch{
			{broken, OK, WrongCode, both},
			{badClose, Failed, WrongCode, both},
		},
	},
	{
		name:   "it confuses 1002 and 1007",
		habits: closingWithout(1002, 1007, 1007, 1002),
		caught: []catch{
			{broken, OK, WrongCode, both},
			{badClose + "7.7.3 7.7.5 -7.5.1", Failed, WrongCode, both},
		},
	},
	{
		name:   "it closes with 1005",
		habits: onCloses(func([]byte) []byte { return closeOf(1005, "").payload }),
		caught: []catch{{clean + broken + badClose, Failed, WrongCode, both}},
	},
	{
		name:   "it closes with half a close code",
		habits: onCloses(func([]byte) []byte { return []byte{3} }),
		caught: []catch{{clean + broken + badClose, Failed, OK, both}},
	},
	{
		name:   "it closes with a reason that is not UTF-8",
		habits: onCloses(func([]byte) []byte { return closeOf(1000, "\xff").payload }),
		caught: []catch{
			{clean, Failed, OK, both},
			{broken + badClose, Failed, WrongCode, both},
		},
	},
	{
		name:   "its reasons are too long",
		habits: onCloses(func([]byte) []byte { return closeOf(1000, strings.Repeat("x", 124)).payload }),
		caught: brokenAll[:],
	},
	{
		name:   "its close frames are fragmented",
		habits: onFrames(func(f *peerFrame) { f.fin = false }, Close),
		caught: brokenAll[:],
	},
	{
		name:   "it accepts invalid close codes",
		habits: tolerating(ruleCode),
		caught: []catch{{"7.9.*", Failed, WrongCode, both}},
	},
	{
		name: "it treats half a close code as 1000",
		habits: habits{tolerates: []rule{ruleHalfCode}, frames: onCloses(func(payload []byte) []byte {
			if len(payload) == 0 {
				return closeOf(1000, "").payload
			}
			return payload
		}).frames},
		caught: []catch{
			{"3.7", OK, OK, both},
			{"7.3.2", Failed, WrongCode, both},
		},
	},
	{
		name:   "it accepts reasons that are not UTF-8",
		habits: tolerating(ruleReason),
		caught: []catch{{"7.5.1", Failed, WrongCode, both}},
	},
	{
		name:   "it fails the connection late",
		habits: habits{fails: failsLate},
		caught: []catch{
			{brokenFrames, OK, Failed, both},
			{badText, Failed, Failed, both},
			{"6.4.*", NonStrict, OK, both},
			{badClose, OK, FailedByClient, ServerRole},
		},
	},
	{
		name:   "it stops at a violation and sends nothing",
		habits: habits{fails: failsNever},
		caught: []catch{
			{brokenFrames, OK, Failed, both},
			{badText, Failed, Failed, both},
			{badClose, OK, FailedByClient, ServerRole},
		},
	},
	{
		// A frame of 256 KiB fills the TCP buffers. Timers end the other cases.
		name:   "it reads nothing",
		habits: habits{deaf: true},
		cases:  light + " -9.1.* -9.2.* 9.1.2",
		caught: []catch{
			{dropUnlessEchoed + badText, Failed, Failed, both},
			{closeUnlessEchoed + exchanged + pinging, Failed, Unclean, both},
			{"2.7-8" + goodClose, OK, Unclean, both},
			{brokenFrames, OK, Failed, both},
			{brokenBehindEcho, NonStrict, Failed, both},
			{badClose, OK, FailedByClient, ServerRole},
			{"9.1.2", Failed, Failed, both},
		},
	},
}

// closingWithout returns habits that replace close codes. codes has pairs of an
// original code and its replacement.
func closingWithout(codes ...int) habits {
	return onCloses(func(payload []byte) []byte {
		if code, _, err := parseClose(payload, nil); err == nil {
			for i := 0; i < len(codes); i += 2 {
				if code == codes[i] {
					return closeOf(codes[i+1], "").payload
				}
			}
		}
		return payload
	})
}
