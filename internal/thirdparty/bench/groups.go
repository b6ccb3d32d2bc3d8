package bench

// Group is the rows that make a chapter of the page, and a chart.
type Group struct {
	Name  string // in file names
	Title string
	Words string // how it is measured, in Markdown
	// Units are those of which there is a table, the first first.
	Units []string
	Rows  []Row
}

// Row is one kind of work.
type Row struct {
	Name      string // of its benchmark, without the library
	What      string
	Libraries []string
	Goals     []Goal
}

var (
	everyone   = []string{Ours, "coder", "gorilla", "gws", "gobwas"}
	compresses = []string{Ours, "coder", "gorilla", "gws"}
	prepares   = []string{Ours, "gorilla", "gws"}
	texts      = []string{Ours, "bhojpur-AppendRead", "coder", "gorilla", "gws", "gobwas"}
	reads      = []string{Ours, "bhojpur-AppendRead", "bhojpur-Read", "coder", "gorilla", "gws", "gobwas"}
)

// with returns libraries and others.
func with(libraries []string, others ...string) []string {
	return append(libraries[:len(libraries):len(libraries)], others...)
}

func faster(times float64, of string) Goal { return Goal{Unit: "ns/op", Times: times, Of: of} }

func row(name, what string, libraries []string, goals ...Goal) Row {
	return Row{name, what, libraries, append(goals, Goal{Unit: "allocs/op"})}
}

// Groups returns what is measured by this package's benchmarks and, last, by the
// command idle.
func Groups() []Group {
	return []Group{readsGroup(), writesGroup(), compressionGroup(), sharedGroup(), upgradeGroup(), echoGroup(), idleGroup()}
}

func readsGroup() Group {
	return Group{
		Name:  "reads",
		Title: "A server reads",
		Words: "A connection in memory gives masked frames, as many bytes as are asked for, " +
			"at a cost that does not depend on where a buffer begins. " +
			"bhojpur, coder and gorilla read each message through its reader into the program's own slice; bhojpur-AppendRead is `AppendRead` into that, bhojpur-Read is `Read`, " +
			"which allocates what it returns. gws hands its own buffer to its handler. gobwas reads the header from a bufio.Reader, " +
			"the payload into the program's slice and unmasks it there; text goes through wsutil, which validates. " +
			"bhojpur, gws and gobwas validate text, coder and gorilla do not. bare copies the bytes and does not look at them.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ReadBinary/16", "binary, 16 B", reads, faster(0.8, Best)),
			row("ReadBinary/1024", "binary, 1 KiB", reads, faster(0.8, Best)),
			row("ReadBinary/16384", "binary, 16 KiB", reads, faster(0.8, Best)),
			row("ReadBinary/1048576", "binary, 1 MiB", with(reads, "bare"), faster(0.95, Best)),
			row("ReadASCII/16384", "ASCII text, 16 KiB", texts, faster(0.7, "gws")),
			row("ReadASCII/1048576", "ASCII text, 1 MiB", texts, faster(1, "coder")),
			row("ReadMixed/1048576", "multi-byte text, 1 MiB", texts, faster(0.1, "gws")),
		},
	}
}

func writesGroup() Group {
	once := Goal{Unit: "calls/op", Most: 1}
	return Group{
		Name:  "writes",
		Title: "A server writes",
		Words: "A connection in memory takes everything and counts the calls; a vectored write counts as one for each of its slices, " +
			"as there is no system call in it here. gorilla writes with WriteMessage. gobwas writes header and payload with a call each, " +
			"which costs nothing in memory. bhojpur and gws check that text is UTF-8, the others do not.",
		Units: []string{"ns/op", "calls/op", "allocs/op"},
		Rows: []Row{
			row("WriteBinary/16", "binary, 16 B", everyone, faster(1, "gorilla"), once),
			row("WriteBinary/1024", "binary, 1 KiB", everyone, faster(1, "gorilla"), once),
			row("WriteBinary/1048576", "binary, 1 MiB", everyone, faster(1, "gorilla")),
			row("WriteText/16", "text, 16 B", everyone, faster(1.2, "gorilla")),
			row("WriteText/1024", "text, 1 KiB", everyone, faster(1.2, "gorilla")),
		},
	}
}

func compressionGroup() Group {
	wire := func(times float64) Goal { return Goal{Unit: "wire-B/op", Times: times, Of: "coder"} }
	return Group{
		Name:  "compression",
		Title: "Fresh messages are compressed",
		Words: "JSON documents of random orders, 512 different ones in turn, with context takeover offered as browsers do. " +
			"coder and gws agree to it with their own settings, gorilla always compresses each message by itself. " +
			"gobwas leaves compression to the program and has no row. On 1,000 connections each writes one message, then the next one does.",
		Units: []string{"ns/op", "wire-B/op", "allocs/op"},
		Rows: []Row{
			row("WriteFresh/1024", "one connection, 1 KiB", compresses, faster(0.6, "coder"), wire(1.05)),
			row("WriteFresh/16384", "one connection, 16 KiB", compresses, faster(0.6, "coder"), wire(1.05)),
			row("WriteFreshHub/1024", "1,000 connections, 1 KiB", compresses, faster(0.75, Best), wire(1.05)),
		},
	}
}

func sharedGroup() Group {
	return Group{
		Name:  "messages",
		Title: "Compressed messages are read, prepared ones written",
		Words: "What is read are binary messages, each compressed by itself, within a window of 4 KiB: JSON documents where nothing else is said. " +
			"gorilla inflates with compress/flate, gws with klauspost/compress. " +
			"A prepared message is a JSON document of 4 KiB that goes to 1,000 connections one after the other; an operation is one of these. " +
			"gws hands it to goroutines, one for each connection, and is waited for after each thousand. coder has no prepared messages.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ReadDeflated/16", "read deflated, 16 B", compresses, faster(0.8, Best)),
			row("ReadDeflated/1024", "read deflated, 1 KiB", compresses, faster(0.9, Best)),
			row("ReadDeflated/16384", "read deflated, 16 KiB", compresses, faster(1, Best)),
			row("ReadDeflated/1048576", "read deflated, 1 MiB", compresses, faster(1, Best)),
			row("ReadDeflated/text/16384", "read deflated, 16 KiB of repetitive text", compresses, faster(0.9, "gorilla")),
			row("ReadDeflated/byte/32768", "read deflated, 32 KiB of one byte", compresses, faster(1, "gorilla")),
			row("Prepared/plain", "prepared", prepares, faster(1, "gorilla")),
			row("Prepared/deflated", "prepared, deflated", prepares, faster(1, "gorilla")),
		},
	}
}

func upgradeGroup() Group {
	return Group{
		Name:  "upgrade",
		Title: "A request is upgraded",
		Words: "A whole request through net/http's server on a connection in memory, with the headers that have to be there: " +
			"accept, parse, upgrade in the handler, close. What net/http allocates is in the figures. " +
			"Through middleware, the status goes through a writer that notes it.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			{"Upgrade/nethttp", "upgrade through net/http", everyone,
				[]Goal{faster(1, "gorilla"), {Unit: "allocs/op", Most: 50}}},
			{"Upgrade/middleware", "upgrade through middleware", []string{Ours, "coder"}, []Goal{faster(1, "coder")}},
		},
	}
}

func echoGroup() Group {
	echoes := with(everyone, "bare")
	return Group{
		Name:  "echo",
		Title: "On the loopback interface",
		Words: "16 goroutines write 125 B each on one TCP connection; gorilla and gobwas get the mutex that they need. " +
			"Echo: 100 clients send a message each and wait for it; an operation is one such exchange. The clients are the same for all: " +
			"they send bytes that were masked before, with one call, and count what comes. gobwas puts a frame together and writes it with one call. " +
			"bare is a loop over TCP that sends the bytes back with the fewest calls.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ConcurrentWrite/16x125", "16 goroutines, 125 B", everyone, faster(0.3, Best)),
			row("Echo/16", "echo, 16 B", echoes, faster(1, Best)),
			row("Echo/1024", "echo, 1 KiB", echoes, faster(1, Best)),
			row("Echo/16384", "echo, 16 KiB", echoes, faster(1, Best)),
		},
	}
}

func idleGroup() Group {
	few := []Goal{{Unit: "heap-B/conn", Most: 12_000}, {Unit: "stack-B/conn", Most: 4_200}}
	returned := []Goal{{Unit: "heap-B/conn", Most: 2_500}, {Unit: "stack-B/conn", Most: 4_200}}
	return Group{
		Name:  "idle",
		Title: "Idle connections",
		Words: "Bytes of heap and stack that a server holds for each connection that waits for a message, after it has echoed one of 136 B; " +
			"with compression and takeover both ways after 64 messages of 1 KiB. The windows of both directions have 15 bits, for which gws is set; " +
			"or 12, for which bhojpur is. One process for each library. nethttp is a handler that waits and does nothing else.",
		Units: []string{"B/conn", "heap-B/conn", "stack-B/conn"},
		Rows: []Row{
			{"Idle/handler", "in the HTTP handler", with(everyone, "nethttp"), few},
			{"Idle/returned", "handler returned, own goroutine", everyone, returned},
			{"Idle/deflate", "deflate with takeover, 15 bits, in the handler", []string{Ours, "coder", "gws"}, []Goal{{Unit: "heap-B/conn", Most: 46_000}}},
			{"Idle/deflate12", "deflate with takeover, 12 bits, in the handler", []string{Ours, "gws"}, []Goal{{Unit: "heap-B/conn", Most: 26_000}}},
		},
	}
}
