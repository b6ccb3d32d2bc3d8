package bench

// The libraries that have a client's rows.
var (
	clients      = []string{Ours, "coder", "gorilla", "gws"}
	clientReads  = []string{Ours, Append, "coder", "gorilla", "gws"}
	notValidated = "gorilla does not validate text."
	memoryCopy   = "Memory is the limit: a client does not unmask, so the copy of the connection is nearly all of the time."
	onlyCopy     = "A client does not unmask: the copy of the connection alone is 0.57 × best on an Intel Xeon."
)

func clientReadsGroup() Group {
	return Group{
		Name:  "client-reads",
		Title: "A client reads",
		Words: "As a server reads, with unmasked frames. Each library dials with its own client; bhojpur's and coder's go through net/http. " +
			"bhojpur and gws validate text, coder and gorilla do not.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ClientReadBinary/16", "binary, 16 B", clientReads, faster(0.8, "gorilla"), appended(0.8, "gorilla")).limited(fourAtomics),
			row("ClientReadText/16", "text, 16 B", clientReads, faster(0.8, "gorilla"), appended(0.8, "gorilla")).limited(fourAtomics + " " + notValidated),
			row("ClientReadBinary/16384", "binary, 16 KiB", clientReads, faster(0.58, Best)).limited(onlyCopy),
			row("ClientReadBinary/1048576", "binary, 1 MiB", clientReads, faster(1, Best)).limited(memoryCopy),
			row("ClientReadText/1048576", "text, 1 MiB", clientReads, faster(1, "gorilla")).limited(notValidated),
			row("ClientReadBinaryTCP/16384", "binary, 16 KiB, TCP", clientReads, faster(1, Best)).limited(systemCalls),
			row("ClientReadBinaryTCP/1048576", "binary, 1 MiB, TCP", clientReads, faster(1, Best)).limited(systemCalls),
			row("ClientReadTextTCP/1048576", "text, 1 MiB, TCP", clientReads, faster(1, "gorilla")).limited(notValidated),
		},
	}
}

func clientWritesGroup() Group {
	const (
		fixed = "Two atomic operations take a quarter of the time, the masking key a sixth to an eighth: its bytes come from crypto/rand, " +
			"those of gorilla and gws from math/rand."
		masking = "The pass that masks takes two thirds of the time. It is limited by the first-level cache."
		memory  = "Memory is the limit: the pass that masks takes nine tenths of the time, and reads the message from the second-level cache, at 100 GB/s on an Intel Xeon."
	)
	return Group{
		Name:  "client-writes",
		Title: "A client writes",
		Words: "As a server writes, with masked frames. gorilla splits a message that is larger than its buffer of 4 KiB into frames. " +
			"The goals of the rows in memory are the ratios that were measured on two other machines, with Intel Xeons.",
		Units: []string{"ns/op", "calls/op", "allocs/op"},
		Rows: []Row{
			row("ClientWrite/16", "masked, 16 B", clients, faster(0.61, Best)).limited(fixed),
			row("ClientWrite/1024", "masked, 1 KiB", clients, faster(0.54, Best)).limited(fixed),
			row("ClientWrite/16384", "masked, 16 KiB", clients, faster(0.32, Best)).limited(masking),
			row("ClientWrite/1048576", "masked, 1 MiB", clients, faster(0.13, Best)).limited(memory),
			row("ClientWriteTCP/16384", "masked, 16 KiB, TCP", clients, faster(1, Best)).overTCP().limited(systemCalls),
			row("ClientWriteTCP/1048576", "masked, 1 MiB, TCP", clients, faster(1, Best)).overTCP().limited(systemCalls),
		},
	}
}

func clientEchoGroup() Group {
	return Group{
		Name:  "client-echo",
		Title: "100 clients",
		Words: "100 clients of a library send a message each over the loopback interface and wait for it; an operation is one such exchange. " +
			"The server is the same for all: it unmasks the payload in place and writes the frame back with one call.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ClientEcho/16", "echo, 16 B", clients, faster(1, Best)).limited(systemCalls),
			row("ClientEcho/1024", "echo, 1 KiB", clients, faster(1, Best)).limited(systemCalls),
			row("ClientEcho/16384", "echo, 16 KiB", clients, faster(1, Best)).limited(systemCalls),
		},
	}
}

func dialGroup() Group {
	return Group{
		Name:  "dial",
		Title: "A client dials",
		Words: "A handshake on a new connection in memory, whose other end answers it. The connection is closed outside of the measurement. " +
			"bhojpur and coder dial through net/http's client, with one http.Transport for all connections; gorilla and gws write the request themselves. " +
			"nethttp is the same request with net/http's client alone. " +
			"[performance.md](performance.md#a-dial) shows where the time goes.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{{
			Name: "Dial/memory", What: "dial in memory", Libraries: with(clients, "nethttp"), Goals: []Goal{faster(2.2, "gorilla")},
			Limit: "net/http's client alone takes 1.9 to 2.5 × the time of gorilla (the column nethttp), Dial itself 0.3 to 0.45 × more.",
		}},
	}
}

func idleClientGroup() Group {
	return Group{
		Name:  "idle-client",
		Title: "Idle clients",
		Words: "Bytes of heap and stack that a program holds for each client connection that waits for a message in a goroutine of its own, " +
			"after an echo of 136 B.",
		Units:  []string{"B/conn", "heap-B/conn", "stack-B/conn"},
		Rounds: idleRounds,
		Rows: []Row{{
			Name: "IdleClient/dialed", What: "an idle client", Libraries: clients, Goals: []Goal{{Unit: "heap-B/conn", Most: 4_000}},
		}},
	}
}
