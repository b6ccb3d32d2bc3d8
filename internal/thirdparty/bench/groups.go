package bench

import "strings"

// Group is the rows of one kind of work.
type Group struct {
	Name  string // in file names
	Title string
	Words string // how it is measured, in Markdown
	// Units are the units that are printed, the most important first.
	Units []string
	Rows  []Row

	// Rest: the group is measured by make bench-all only.
	Rest bool
	// Rounds is the number of rounds in which it is measured, if not in all.
	Rounds int
}

// RoundsOf returns in how many of n rounds g is measured.
func (g Group) RoundsOf(n int) int {
	if g.Rounds > 0 {
		return min(n, g.Rounds)
	}
	return n
}

// ByIdle reports whether the command idle measures g, not this package's benchmarks.
func (g Group) ByIdle() bool { return strings.HasPrefix(g.Name, "idle") }

// UnitsOf returns the units that a row of g is printed in.
func (g Group) UnitsOf(r Row) []string {
	if r.Units != nil {
		return r.Units
	}
	return g.Units
}

// Row is one kind of work.
type Row struct {
	Name      string // of its benchmark, without the library
	What      string
	Libraries []string
	Goals     []Goal
	Units     []string // if not the group's
	// Limit says what keeps a goal from being met, if that is known.
	Limit string
}

// A benchmark's name is that of its row and a library.
var (
	everyone   = []string{Ours, "coder", "gorilla", "gws", "gobwas"}
	compresses = []string{Ours, "coder", "gorilla", "gws"}
	prepares   = []string{Ours, "gorilla", "gws"}
	texts      = []string{Ours, Append, "coder", "gorilla", "gws", "gobwas"}
	reads      = []string{Ours, Append, Read, "coder", "gorilla", "gws", "gobwas"}
)

// with returns libraries and others.
func with(libraries []string, others ...string) []string {
	return append(libraries[:len(libraries):len(libraries)], others...)
}

func faster(times float64, of string) Goal { return Goal{Unit: "ns/op", Times: times, Of: of} }

// appended is a goal for AppendRead.
func appended(times float64, of string) Goal {
	return Goal{Unit: "ns/op", Times: times, Of: of, Library: Append}
}

// row returns a row whose benchmark must not allocate.
func row(name, what string, libraries []string, goals ...Goal) Row {
	return Row{Name: name, What: what, Libraries: libraries, Goals: append(goals, Goal{Unit: "allocs/op"})}
}

// overTCP returns r without a count of calls: over TCP they are the system's.
func (r Row) overTCP() Row {
	r.Units = []string{"ns/op", "allocs/op"}
	return r
}

// limited returns r with a limit.
func (r Row) limited(by string) Row {
	r.Limit = by
	return r
}

// Groups returns all groups: what this package's benchmarks measure, and what the
// command idle does.
func Groups() []Group {
	return []Group{
		readsGroup(), writesGroup(), compressionGroup(), sharedGroup(), upgradeGroup(), echoGroup(), echoCPUGroup(), idleGroup(),
		clientReadsGroup(), clientWritesGroup(), clientEchoGroup(), dialGroup(), idleClientGroup(),
		fairGroup(), broadcastGroup(), membersGroup(),
	}
}

const (
	memoryBound = "Memory is the limit: for 1 MiB the copy of the connection and the pass that unmasks take nearly all of the time, in every library."
	twoPasses   = "The copy of the connection and the pass that unmasks take four fifths of the time; every library makes both. Alone they are 0.8 × best on an Intel Xeon and 0.6 on an AMD EPYC."
	fourAtomics = "Reader and the reader's Read each acquire and release a lock: these four atomic operations take a quarter to a third of the time. The reader takes up to a tenth, since its memory is never reused. AppendRead has two of the operations and no reader ([performance.md](performance.md#reading))."
	asBinary    = "coder does not validate. Validation is limited by its instructions ([performance.md](performance.md#masking-and-utf-8)); without it this row would take the time of binary, 0.04 to 0.05 × gws."
	stackSpans  = "The runtime counts stacks in spans of 32 KiB, which are 33 B for each of 1,000 connections, and those of other goroutines with them."
)

func readsGroup() Group {
	return Group{
		Name:  "reads",
		Title: "A server reads",
		Words: "A connection in memory returns masked frames, as many bytes as each call asks for, " +
			"at a cost that does not depend on the alignment of a buffer; over TCP another goroutine sends them through the loopback interface. " +
			"bhojpur, coder and gorilla read each message through its reader into the program's own slice; AppendRead appends it to that slice; " +
			"Read allocates the slice that it returns. gws passes its own buffer to its handler. gobwas reads the header from a bufio.Reader, " +
			"and the payload into the program's slice, where it is unmasked; text is read with wsutil, which validates. " +
			"bhojpur, gws and gobwas validate text, coder and gorilla do not. bare copies the bytes and does not process them.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ReadBinary/16", "binary, 16 B", reads, faster(0.8, Best), appended(0.7, Best)).limited(fourAtomics),
			row("ReadBinary/1024", "binary, 1 KiB", reads, faster(0.75, Best), appended(0.75, Best)).limited(fourAtomics),
			row("ReadBinary/16384", "binary, 16 KiB", reads, faster(0.7, Best), appended(0.7, Best)).limited(twoPasses),
			row("ReadBinary/1048576", "binary, 1 MiB", with(reads, "bare"), faster(0.9, Best), appended(0.9, Best)).limited(memoryBound),
			row("ReadASCII/16384", "ASCII text, 16 KiB", texts, faster(0.7, "gws")),
			row("ReadASCII/1048576", "ASCII text, 1 MiB", texts, faster(1, "coder")),
			row("ReadMixed/1048576", "multi-byte text, 1 MiB", texts, faster(1.2, "coder"), faster(0.07, "gws")).limited(asBinary),
			row("ReadBinaryTCP/16384", "binary, 16 KiB, TCP", reads, faster(1, Best)).limited(systemCalls),
			row("ReadBinaryTCP/1048576", "binary, 1 MiB, TCP", reads, faster(1, Best)).limited(systemCalls),
			row("ReadASCIITCP/16384", "ASCII text, 16 KiB, TCP", texts, faster(1, Best)).limited(systemCalls),
			row("ReadASCIITCP/1048576", "ASCII text, 1 MiB, TCP", texts, faster(1, "coder")).limited(systemCalls),
			row("ReadMixedTCP/1048576", "multi-byte text, 1 MiB, TCP", texts, faster(1.2, "coder"), faster(0.3, "gws")).
				limited("coder does not validate."),
		},
	}
}

const systemCalls = "The system calls of both ends take most of the time, in every library."

func writesGroup() Group {
	once := Goal{Unit: "calls/op", Most: 1}
	return Group{
		Name:  "writes",
		Title: "A server writes",
		Words: "A connection in memory accepts all bytes and counts the calls; a vectored write counts as one for each of its slices. " +
			"Over TCP another goroutine reads what arrives. " +
			"gorilla writes with WriteMessage. gobwas writes header and payload with a call each, " +
			"which costs nothing in memory; over TCP it writes a frame with one call. bhojpur and gws check that text is UTF-8, the others do not.",
		Units: []string{"ns/op", "calls/op", "allocs/op"},
		Rows: []Row{
			row("WriteBinary/16", "binary, 16 B", everyone, faster(1, "gorilla"), once),
			row("WriteBinary/1024", "binary, 1 KiB", everyone, faster(1, "gorilla"), once),
			row("WriteBinary/16384", "binary, 16 KiB", everyone, faster(1, "gorilla")),
			row("WriteBinary/1048576", "binary, 1 MiB", everyone, faster(1, "gorilla")),
			row("WriteText/16", "text, 16 B", everyone, faster(1.2, "gorilla")),
			row("WriteText/1024", "text, 1 KiB", everyone, faster(1.2, "gorilla")),
			row("WriteBinaryTCP/16384", "binary, 16 KiB, TCP", everyone, faster(1, Best)).overTCP().limited(systemCalls),
			row("WriteBinaryTCP/1048576", "binary, 1 MiB, TCP", everyone, faster(1, Best)).overTCP().limited(systemCalls),
		},
	}
}

func compressionGroup() Group {
	const compressor = "Nearly all of the time is the compressor's. coder uses the fastest level of compress/flate."
	wire := func(times float64) Goal { return Goal{Unit: "wire-B/op", Times: times, Of: "coder"} }
	return Group{
		Name:  "compression",
		Title: "Fresh messages are compressed",
		Words: "JSON documents of random orders, 512 different ones in turn, with context takeover offered as browsers do. " +
			"coder and gws agree to it with their own settings, gorilla always compresses each message by itself. " +
			"gobwas leaves compression to the program and has no row. Of 1,000 connections, each writes one message in turn.",
		Units: []string{"ns/op", "wire-B/op", "allocs/op"},
		Rows: []Row{
			row("WriteFresh/1024", "one connection, 1 KiB", compresses, faster(0.6, "coder"), wire(1.05)).limited(compressor),
			row("WriteFresh/16384", "one connection, 16 KiB", compresses, faster(0.6, "coder"), wire(1.05)).limited(compressor),
			row("WriteFreshHub/1024", "1,000 connections, 1 KiB", compresses, faster(0.75, Best), faster(0.6, "coder"), wire(1.05)).limited(compressor),
			row("WriteFreshTCP/16384", "one connection, 16 KiB, TCP", compresses, faster(0.6, "coder"), wire(1.05)).limited(compressor),
		},
	}
}

func sharedGroup() Group {
	return Group{
		Name:  "messages",
		Title: "Compressed messages are read, prepared ones written",
		Words: "The messages that are read are binary, each compressed by itself within a window of 4 KiB: JSON documents if not stated otherwise. " +
			"gorilla inflates with compress/flate, gws with klauspost/compress. " +
			"A prepared message is a JSON document of 4 KiB, which is written to 1,000 connections one after the other; an operation is one of these writes. " +
			"gws starts a goroutine for each connection; the benchmark waits for them after each thousand. coder has no prepared messages.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			row("ReadDeflated/16", "read deflated, 16 B", compresses, faster(0.8, Best)),
			row("ReadDeflated/1024", "read deflated, 1 KiB", compresses, faster(0.9, Best)),
			row("ReadDeflated/16384", "read deflated, 16 KiB", compresses, faster(1, Best)),
			row("ReadDeflated/1048576", "read deflated, 1 MiB", compresses, faster(1, Best)),
			row("ReadDeflated/text/16384", "read deflated, 16 KiB of repetitive text", compresses, faster(0.9, "gorilla")),
			row("ReadDeflated/byte/32768", "read deflated, 32 KiB of one byte", compresses, faster(1, "gorilla")),
			row("ReadDeflatedTCP/16384", "read deflated, 16 KiB, TCP", compresses, faster(1, Best)),
			row("ReadDeflatedTCP/1048576", "read deflated, 1 MiB, TCP", compresses, faster(1, Best)),
			row("ReadDeflatedTCP/text/16384", "read deflated, 16 KiB of repetitive text, TCP", compresses, faster(0.9, "gorilla")),
			row("ReadDeflatedTCP/byte/32768", "read deflated, 32 KiB of one byte, TCP", compresses, faster(1, "gorilla")),
			row("Prepared/plain", "prepared", prepares, faster(1, "gorilla")),
			row("Prepared/deflated", "prepared, deflated", prepares, faster(1, "gorilla")),
		},
	}
}

func upgradeGroup() Group {
	return Group{
		Name:  "upgrade",
		Title: "A request is upgraded",
		Words: "A whole request through net/http's server on a connection in memory, with the required headers: " +
			"accept, parse, upgrade in the handler, close. The allocations of net/http are included. " +
			"Through middleware, the ResponseWriter is one that records the status.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			{Name: "Upgrade/nethttp", What: "upgrade through net/http", Libraries: everyone,
				Goals: []Goal{faster(1, "gorilla"), {Unit: "allocs/op", Most: 50}},
				Limit: "net/http's server takes three quarters of the time. Accept takes 0.2 µs more than gorilla's Upgrade, and CloseNow " +
					"0.25 µs more than gorilla's Close, since it ends calls that may be under way."},
			{Name: "Upgrade/middleware", What: "upgrade through middleware", Libraries: []string{Ours, "coder"},
				Goals: []Goal{faster(1, "coder")}},
		},
	}
}

func echoGroup() Group {
	echoes := with(everyone, "bare")
	writers := row("ConcurrentWrite/16x125", "16 goroutines, 125 B", everyone)
	writers.Goals = append(writers.Goals,
		Goal{Unit: "ns/op", Times: 0.45, Of: Best, CPU: "Intel"}, Goal{Unit: "ns/op", Times: 0.3, Of: Best, CPU: "AMD"})
	writers = writers.limited("Half of the time is that of goroutines that wait and are woken, so that one call sends the frames of nine. " +
		"The others write each frame by itself, which takes less than 1 µs on an Intel Xeon.")
	return Group{
		Name:  "echo",
		Title: "On the loopback interface",
		Words: "16 goroutines write 125 B each on one TCP connection; gorilla and gobwas get the mutex that they need. " +
			"Echo: 100 clients send a message each and wait for it; an operation is one such exchange. The clients are the same for all: " +
			"they send frames that were masked before, with one call, and count the bytes that arrive. gobwas assembles a frame and writes it with one call. " +
			"bare is a loop over TCP that sends the bytes back with the fewest calls.",
		Units: []string{"ns/op", "allocs/op"},
		Rows: []Row{
			writers,
			row("Echo/16", "echo, 16 B", echoes, faster(1, Best)).limited(systemCalls),
			row("Echo/1024", "echo, 1 KiB", echoes, faster(1, Best)).limited(systemCalls),
			row("Echo/16384", "echo, 16 KiB", echoes, faster(1, Best)).limited(systemCalls),
		},
	}
}

func echoCPUGroup() Group {
	libraries := []string{Ours, Append, "gorilla", "gws", "gobwas", "bare"}
	goals := []Goal{
		{Unit: "cpu-ns/op", Times: 1.1, Of: "bare"},
		{Unit: "cpu-ns/op", Times: 1.1, Of: "bare", Library: Append},
	}
	const limit = "The system calls and the scheduler take nine tenths of the time, and bare needs them too; the library's own functions take the rest ([performance.md](performance.md#an-echo))."
	return Group{
		Name:  "echo-cpu",
		Title: "Processor time of a server for each echo",
		Words: "A server process echoes messages of 125 B over the loopback interface. The clients are in another process: each sends a message, waits for the echo " +
			"and sends the next one. The figure is the processor time of the server process, user and system (getrusage), for each echo. " +
			"bare makes as many system calls without WebSocket, through package net: a goroutine for each connection that reads into a buffer and writes the bytes back. " +
			"[performance.md](performance.md#an-echo) shows where the rest goes.",
		Units: []string{"cpu-ns/op"},
		Rows: []Row{
			{Name: "EchoCPU/100", What: "100 connections, 125 B", Libraries: libraries, Goals: goals, Limit: limit},
			{Name: "EchoCPU/1000", What: "1,000 connections, 125 B", Libraries: libraries, Goals: goals, Limit: limit},
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
			"with compression and takeover both ways after 64 messages of 1 KiB. The windows of both directions have 15 bits, for which gws is configured; " +
			"or 12, for which bhojpur is. One process for each library. nethttp is a handler that waits and does nothing else.",
		Units:  []string{"B/conn", "heap-B/conn", "stack-B/conn"},
		Rounds: idleRounds,
		Rows: []Row{
			{Name: "Idle/handler", What: "in the HTTP handler", Libraries: with(everyone, "nethttp"), Goals: few, Limit: stackSpans},
			{Name: "Idle/returned", What: "handler returned, own goroutine", Libraries: everyone, Goals: returned, Limit: stackSpans},
			{Name: "Idle/deflate", What: "deflate with takeover, 15 bits, in the handler", Libraries: []string{Ours, "coder", "gws"},
				Goals: []Goal{{Unit: "heap-B/conn", Most: 46_000}}},
			{Name: "Idle/deflate12", What: "deflate with takeover, 12 bits, in the handler", Libraries: []string{Ours, "gws"},
				Goals: []Goal{{Unit: "heap-B/conn", Most: 26_000}}},
		},
	}
}

// idleRounds is how often idle memory is measured: it hardly differs from round to
// round, and takes longer than a benchmark.
const idleRounds = 2
