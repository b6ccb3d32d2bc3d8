package autobahn

import "bytes"

// framingFaults are faults in messages and their frames.
var framingFaults = []fault{
	{
		name:   "it echoes nothing",
		habits: habits{echoes: func(echoMessage) []echoMessage { return nil }},
		caught: []catch{
			{dropUnlessEchoed, Failed, Failed, both},
			{closeUnlessEchoed + exchanged, Failed, OK, both},
			{brokenBehindEcho, NonStrict, OK, both},
		},
	},
	{
		name:   "it echoes text as binary",
		habits: onEchoes(func(m *echoMessage) { m.binary = true }),
		caught: []catch{
			{dropUnlessEchoed + "-1.2.*", Failed, Failed, both},
			{closeUnlessEchoed + "9.7.* 12.1.* 12.4.* 13.* W.* -9.2.*", Failed, OK, both},
			{brokenBehindEcho, Failed, OK, both},
		},
	},
	{
		// The cases of group 12 that detect it send data that is not UTF-8.
		name:   "it echoes binary as text",
		habits: onEchoes(func(m *echoMessage) { m.binary = false }),
		cases:  light + " -12.2.* -12.3.*",
		caught: []catch{
			{"1.2.1", Failed, Failed, both},
			{"1.2.2-8 9.2.* 9.8.* 12.5.*", Failed, WrongCode, both},
		},
	},
	{
		name: "it echoes no empty messages",
		habits: habits{echoes: func(m echoMessage) []echoMessage {
			if len(m.payload) == 0 {
				return nil
			}
			return []echoMessage{m}
		}},
		caught: []catch{
			{"1.1.1 1.2.1", Failed, Failed, both},
			{"6.1.1-2 9.7.1", Failed, OK, both},
		},
	},
	{
		name:   "it truncates messages after 65,535 bytes",
		habits: onEchoes(func(m *echoMessage) { m.payload = m.payload[:min(len(m.payload), 0xffff)] }),
		cases:  long,
		caught: []catch{
			{"1.1.7-8 1.2.7-8 10.1.1", Failed, Failed, both},
			{"9.1.1 9.2.1 12.*.9-10 12.*.14-18 13.*.9-10 13.*.14-18", Failed, OK, both},
		},
	},
	{
		// Group 9 does not compare bytes.
		name: "it changes the last byte",
		habits: onEchoes(func(m *echoMessage) {
			if m.payload = bytes.Clone(m.payload); len(m.payload) > 0 {
				m.payload[len(m.payload)-1] ^= 1
			}
		}),
		caught: []catch{
			{dropUnlessEchoed + "-1.1.1 -1.2.1", Failed, Failed, both},
			{"5.3-8 5.19-20 6.1.3 6.2.*" + deflated + brokenBehindEcho, Failed, OK, both},
		},
	},
	{
		name:   "it echoes twice",
		habits: habits{echoes: func(m echoMessage) []echoMessage { return []echoMessage{m, m} }},
		caught: []catch{{dropUnlessEchoed + closeUnlessEchoed + deflated + brokenBehindEcho, Failed, OK, both}},
	},
	{
		// An echo that arrives after a timer is not counted.
		name:   "it echoes late",
		habits: habits{late: lateBy},
		caught: []catch{
			{"1.1.1-5 1.2.1-5 7.1.1" + goodText, Failed, Failed, both},
			{brokenBehindEcho, NonStrict, Failed, both},
			{"9.7.* 9.8.*", Failed, Unclean, both},
		},
	},
	{
		name:   "it loses the last frame of each message",
		habits: habits{losesLast: true},
		caught: []catch{
			{"5.3-8 5.15 5.19-20 6.2.2", Failed, OK, both},
			{"10.1.1 12.*.11 13.*.11", Failed, Failed, both},
		},
	},
	{
		name:   "it treats each frame as a message",
		habits: habits{piecewise: true},
		caught: []catch{
			{"5.3-8 5.15 5.18-20 6.1.2-3 6.2.2 6.4.1-2 7.1.5", Failed, OK, both},
			{"6.2.3-4 10.1.1 12.*.11 13.*.11", Failed, Failed, both},
		},
	},
	{
		name:   "each of its fragments begins a message",
		habits: habits{fragment: 500, frames: onFrames(func(f *peerFrame) { f.opcode = Text }, Continuation).frames},
		caught: []catch{{"1.1.6-8 1.2.6-8 9.1.* 9.2.* 10.1.1 12.*.4-11 13.*.4-11 W.*", Failed, Unclean, both}},
	},
	{
		name:   "its messages begin with a continuation",
		habits: onFrames(func(f *peerFrame) { f.opcode = Continuation }, Text, Binary),
		caught: brokenEchoes,
	},
	{
		name:   "its messages have a reserved opcode",
		habits: onFrames(func(f *peerFrame) { f.opcode = 3 }, Text, Binary),
		caught: brokenEchoes,
	},
	{
		name:   "its messages have RSV2",
		habits: onFrames(func(f *peerFrame) { f.rsv |= rsv2 }, Text, Binary),
		caught: brokenEchoes,
	},
	{
		name:   "its frames have lengths of 8 bytes",
		habits: onFrames(func(f *peerFrame) { f.long = true }),
		caught: brokenAll,
	},
	{
		name:   "its masking is that of the other role",
		habits: onFrames(func(f *peerFrame) { f.masked = !f.masked }),
		caught: brokenAll,
	},
	{
		name:   "it ignores reserved bits",
		habits: tolerating(ruleRSV),
		caught: []catch{{"3.1-6", Failed, Failed, both}},
	},
	{
		name:   "it ignores reserved opcodes",
		habits: tolerating(ruleOpcode),
		caught: []catch{
			{"4.1.1-2 4.2.1-2", OK, Failed, both},
			{"4.1.3-5 4.2.3-5", Failed, Failed, both},
		},
	},
	{
		name:   "it ignores continuations outside of messages",
		habits: tolerating(ruleContinuation),
		caught: []catch{{"5.9-17", Failed, Failed, both}},
	},
	{
		name:   "it accepts a message inside another one",
		habits: tolerating(ruleNested),
		caught: []catch{{"5.18", Failed, Failed, both}},
	},
	{
		name:   "it accepts text that is not UTF-8",
		habits: habits{checks: checksNothing},
		caught: []catch{{badText, Failed, Failed, both}},
	},
	{
		name:   "it validates text at the end of the frame",
		habits: habits{checks: checksFrames},
		caught: []catch{{"6.4.3-4", NonStrict, OK, both}},
	},
	{
		name:   "it validates text at the end of the message",
		habits: habits{checks: checksMessages},
		caught: []catch{{"6.4.*", NonStrict, OK, both}},
	},
	{
		name:   "it sends the first message",
		habits: habits{greets: []peerFrame{{header: header{fin: true, opcode: Text}, payload: []byte("hello")}}},
		caught: []catch{
			{broken + badClose + goodClose + exchanged + closeUnlessEchoed + "2.*", Failed, OK, both},
			{dropUnlessEchoed, Failed, Failed, both},
		},
	},
}

// brokenEchoes are the catches of a peer whose messages violate a rule.
var brokenEchoes = []catch{
	{echoing, Failed, Unclean, both},
	{brokenBehindEcho, Failed, Failed, both},
}

// brokenAll are the catches of a peer whose frames all violate a rule.
var brokenAll = []catch{
	{clean, Failed, Unclean, both},
	{broken, Failed, Failed, both},
	{badClose, Failed, OK, both},
}
