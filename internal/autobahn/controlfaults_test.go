package autobahn

// controlFaults are faults in pings and pongs.
var controlFaults = []fault{
	{
		name:   "it sends no pongs",
		habits: habits{pongs: pongsNever},
		caught: []catch{{pinging, Failed, OK, both}},
	},
	{
		// RFC 6455 section 5.5.3 allows it, but the suite does not.
		name:   "it answers only the last ping",
		habits: habits{pongs: pongsToLast},
		caught: []catch{{"2.10-11 5.6-8 5.19-20", Failed, OK, both}},
	},
	{
		name:   "it answers pings after the message",
		habits: habits{pongs: pongsBehindMessage},
		caught: []catch{{"5.6-8 5.19-20", Failed, OK, both}},
	},
	{
		name:   "it answers pings late",
		habits: habits{pongs: pongsLate},
		caught: []catch{{"2.1-4 2.9 5.6-8 5.19-20", Failed, OK, both}},
	},
	{
		// One pong arrives before the timeout of the closing handshake.
		name:   "it answers pings after a long time",
		habits: habits{latePong: lateBy},
		caught: []catch{{"2.10-11 5.19-20", Failed, Unclean, both}},
	},
	{
		name:   "its pongs are empty",
		habits: onFrames(func(f *peerFrame) { *f = f.with(nil) }, Pong),
		caught: []catch{{pinging + "-2.1", Failed, OK, both}},
	},
	{
		name:   "its pongs are fragmented",
		habits: onFrames(func(f *peerFrame) { f.fin = false }, Pong),
		caught: []catch{{pinging, Failed, Unclean, both}},
	},
	{
		name:   "its pongs are too long",
		habits: onFrames(func(f *peerFrame) { *f = f.with(make([]byte, 126)) }, Pong),
		caught: []catch{{pinging, Failed, Unclean, both}},
	},
	{
		name:   "it accepts pings of 126 bytes",
		habits: tolerating(ruleControlLength),
		caught: []catch{
			{"2.5", Failed, Failed, both},
			{"7.3.6", Failed, WrongCode, both},
		},
	},
	{
		// The frames after the pong of 5.2 are another fault.
		name:   "it accepts fragmented control frames",
		habits: tolerating(ruleControlFin),
		caught: []catch{{"5.1", Failed, OK, both}},
	},
	{
		// RFC 6455 allows it, but cases with a fixed list of events do not.
		name:   "it sends a ping",
		habits: habits{greets: []peerFrame{{header: header{fin: true, opcode: Ping}, payload: []byte("hello")}}},
		caught: unasked,
	},
	{
		name:   "it sends an unsolicited pong",
		habits: habits{greets: []peerFrame{{header: header{fin: true, opcode: Pong}}}},
		caught: unasked,
	},
}

// unasked are the catches of a peer that sends unsolicited pings or pongs.
var unasked = []catch{
	{"2.* 5.3-8 5.19-20 6.1.* 6.2.*" + broken + badClose + goodClose, Failed, OK, both},
	{dropUnlessEchoed, Failed, Failed, both},
}
