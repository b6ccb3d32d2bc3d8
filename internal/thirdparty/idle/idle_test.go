package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	bhojpur "github.com/bhojpur/api"
)

// TestMain lets the test binary also run as a child process.
func TestMain(m *testing.M) {
	libraries = append(libraries,
		library{name: "hoard", situations: []situation{inHandler}, handler: hoardHandler, silent: true},
		library{name: "altered", situations: []situation{inHandler, deflated}, handler: alteredHandler},
		library{name: "once", situations: []situation{inHandler, deflated}, handler: onceHandler},
	)
	if len(os.Args) > 1 && os.Args[1] == "-role" {
		main()
		return
	}
	// Otherwise a process with the race detector waits for a second at its end.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	os.Exit(m.Run())
}

const hoard = 100_000

// hoardHandler holds more memory than any library.
func hoardHandler(situation) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		held := make([]byte, hoard)
		entries.add()
		<-r.Context().Done()
		held[0]++
	}
}

// echoesWith is a server of this library that responds to message i with the result of
// answer, or stops if that is nil.
func echoesWith(s situation, answer func(i int, p []byte) []byte) http.HandlerFunc {
	opts := &bhojpur.AcceptOptions{CompressionThreshold: -1}
	if s.windowBits() != 0 {
		opts.CompressionMode = bhojpur.CompressionContextTakeover
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := bhojpur.Accept(w, r, opts)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for i := 0; ; i++ {
			typ, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			p = answer(i, p)
			if p == nil || c.Write(r.Context(), typ, p) != nil {
				return
			}
		}
	}
}

// alteredHandler changes one byte of the echo.
func alteredHandler(s situation) http.HandlerFunc {
	return echoesWith(s, func(_ int, p []byte) []byte {
		p[len(p)/2] ^= 1
		return p
	})
}

// onceHandler echoes only the messages before the rest.
func onceHandler(s situation) http.HandlerFunc {
	return echoesWith(s, func(i int, p []byte) []byte {
		if s.windowBits() == 0 && i == 1 || i == deflatedCount {
			return nil
		}
		return p
	})
}

// quick returns settings for few connections.
func quick(libraries, situations string) settings {
	return settings{libraries: libraries, situations: situations, connections: 8, processes: 2, rest: time.Millisecond}
}

func TestMeasure(t *testing.T) {
	var names []string
	rows := 0
	for _, l := range libraries {
		if !slices.Contains([]string{"hoard", "altered", "once"}, l.name) {
			names = append(names, l.name)
			rows += len(l.situations)
		}
	}
	var out strings.Builder
	if err := measureAll(t.Context(), quick(strings.Join(names, ","), "handler,returned,deflate,deflate12"), &out); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^BenchmarkIdle/(handler|returned|deflate|deflate12)/[a-z-]+ 1 \d+ heap-B/conn \d+ stack-B/conn$`)
	if got := len(line.FindAllString(out.String(), -1)); got != rows {
		t.Errorf("there are %d results, want %d:\n%s", got, rows, out.String())
	}
	for _, want := range []string{"goos: ", "goarch: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, out.String())
		}
	}
}

// The measurement finds the memory that a connection is known to hold, and little more.
func TestMeasureFindsHeldMemory(t *testing.T) {
	l, err := libraryNamed("hoard")
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	set := quick("hoard", "handler")
	set.connections = n
	m, err := measure(t.Context(), set, l, inHandler)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.each(n).heap; got < hoard || got > 2*hoard {
		t.Errorf("each connection holds %d bytes, want %d and a little", got, hoard)
	}
	if m.stack <= 0 {
		t.Errorf("all stacks have %d bytes", m.stack)
	}
}

func TestBrokenEchoFails(t *testing.T) {
	for _, s := range []string{"handler", "deflate"} {
		for _, library := range []struct{ name, want string }{
			{"altered", errBroken.Error()},
			{"once", "EOF"},
		} {
			t.Run(s+"/"+library.name, func(t *testing.T) {
				var out strings.Builder
				err := measureAll(t.Context(), quick(library.name, s), &out)
				if err == nil || !strings.Contains(err.Error(), library.want) {
					t.Errorf("error %v, want one with %q", err, library.want)
				}
				if strings.Contains(out.String(), "Benchmark") {
					t.Errorf("there is a result:\n%s", out.String())
				}
			})
		}
	}
}

// A server that does not compress, or with another window, is not measured in its
// place.
func TestDeflateIsRequired(t *testing.T) {
	for _, s := range []situation{deflated, narrow} {
		for _, instead := range []situation{inHandler, deflated, narrow} {
			if instead == s {
				continue
			}
			l := library{situations: []situation{s}, handler: func(situation) http.HandlerFunc {
				return bhojpurHandler(instead)
			}}
			server, err := startServer(l, s, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer server.http.Close()
			e := &echoClient{address: server.listener.Addr().String(), s: s}
			defer e.close()
			if _, err := e.answer("open", 1, ""); err == nil {
				t.Errorf("%s in place of %s: no error", instead, s)
			}
		}
	}
}

func TestMeasureClients(t *testing.T) {
	for _, many := range []bool{false, true} {
		set := quick(usualDialers, "")
		set.address, set.many, set.clients = "127.0.0.1:0", many, true
		var out strings.Builder
		if err := measureClients(t.Context(), set, &out); err != nil {
			t.Fatal(err)
		}
		line := `BenchmarkIdleClient/dialed/%s 1 [1-9]\d* heap-B/conn [1-9]\d* stack-B/conn`
		if many {
			line = `BenchmarkManyClients/dialed/%s 1 8 conns .* 8 answered`
		}
		for _, l := range set.libraryNames() {
			if !regexp.MustCompile(`(?m)^` + fmt.Sprintf(line, l)).MatchString(out.String()) {
				t.Errorf("no result of %s:\n%s", l, out.String())
			}
		}
	}
	if err := measureClients(t.Context(), quick("nobody", ""), io.Discard); err == nil {
		t.Error("clients of no library: no error")
	}
}

// A client with a wrong echo, or without one, is not measured.
func TestClientsNeedEchoes(t *testing.T) {
	for name, handler := range map[string]func(situation) http.HandlerFunc{"altered": alteredHandler, "silent": func(situation) http.HandlerFunc {
		return echoesWith(inHandler, func(int, []byte) []byte { return nil })
	}} {
		server := httptest.NewServer(handler(inHandler))
		defer server.Close()
		d := &dialerProcess{dial: dialBhojpur, url: "ws" + strings.TrimPrefix(server.URL, "http")}
		d.changed.L = &d.mu
		if answered, err := d.answer("open", 2, ""); err == nil {
			t.Errorf("%s: %s are answered", name, answered)
		}
		d.close()
	}
}

func TestMany(t *testing.T) {
	var out strings.Builder
	set := quick("", "handler,returned")
	set.connections = 9
	if err := measureMany(t.Context(), set, &out); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"handler", "returned"} {
		line := regexp.MustCompile(`(?m)^BenchmarkMany/` + s + `/bhojpur 1 9 conns [1-9]\d* rss-B/conn .* 9 answered`)
		if !line.MatchString(out.String()) {
			t.Errorf("no result for %s:\n%s", s, out.String())
		}
	}
}

func TestManyFailsWithOneBrokenEcho(t *testing.T) {
	l, err := libraryNamed("once")
	if err != nil {
		t.Fatal(err)
	}
	if err := runMany(t.Context(), quick("", ""), l, inHandler, io.Discard); err == nil {
		t.Error("no error")
	}
}

func TestManyNeedsProcesses(t *testing.T) {
	for _, set := range []settings{
		{connections: maxEach + 1, processes: 1},
		{connections: 2*maxEach + 1, processes: 2},
		{connections: 1, processes: 0},
	} {
		set.situations = "handler"
		if err := measureMany(t.Context(), set, io.Discard); err == nil {
			t.Errorf("%d connections of %d processes: no error", set.connections, set.processes)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	for _, set := range []settings{quick("nobody", "handler"), quick("bhojpur", "nowhere")} {
		if err := measureAll(t.Context(), set, io.Discard); err == nil {
			t.Errorf("%s/%s: no error", set.libraries, set.situations)
		}
	}
}

// A run that is canceled ends its processes, in any state.
func TestCancelledRunEndsItsProcesses(t *testing.T) {
	l, err := libraryNamed("bhojpur")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := startPair(ctx, l, inHandler, "", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.open(8); err != nil {
		t.Fatal(err)
	}
	cancel()
	for _, c := range []*process{p.server, p.client} {
		if err := c.Wait(); err == nil {
			t.Error("a process ended by itself")
		}
	}
}

func TestParsed(t *testing.T) {
	answer := parsed(func(command string, n int, file string) (string, error) {
		return fmt.Sprint(command, n, file), nil
	})
	if got, err := answer(`open 3 "a b"`); err != nil || got != "open3a b" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := answer("open"); err == nil {
		t.Errorf("half a line is answered with %q", got)
	}
}

func TestMemory(t *testing.T) {
	before := memory{heap: 1000, stack: 200, resident: 5000, pss: 4000}
	after := memory{heap: 4004, stack: 1100, resident: 9000, pss: 4010}
	parsed, err := parseMemory(after.String())
	if err != nil || parsed != after {
		t.Errorf("parsed as %v, error %v", parsed, err)
	}
	added := after.minus(before)
	if want := (memory{heap: 3004, stack: 900, resident: 4000, pss: 10}); added != want {
		t.Errorf("added is %v, want %v", added, want)
	}
	if got := added.plus(before); got != after {
		t.Errorf("the sum is %v, want %v", got, after)
	}
	if got, want := added.each(8), (memory{heap: 376, stack: 113, resident: 500, pss: 1}); got != want {
		t.Errorf("each is %v, want %v", got, want)
	}
	if _, err := parseMemory("1 2 3"); err == nil {
		t.Error("three numbers are parsed as four")
	}
}

func TestShare(t *testing.T) {
	for _, test := range []struct{ n, processes int }{{10, 3}, {100_000, 6}, {2, 4}, {17_000, 1}} {
		sum, least, most := 0, test.n, 0
		for i := range test.processes {
			s := share(test.n, test.processes, i)
			sum, least, most = sum+s, min(least, s), max(most, s)
		}
		if sum != test.n || most-least > 1 {
			t.Errorf("%d connections of %d processes: %d in all, %d to %d each", test.n, test.processes, sum, least, most)
		}
	}
}

func TestTakeover(t *testing.T) {
	for answer, want := range map[string]int{
		"permessage-deflate":                                                        15,
		"permessage-deflate; client_max_window_bits=12":                             12,
		`permessage-deflate; client_max_window_bits="9"; server_max_window_bits=10`: 9,
		"permessage-deflate; server_no_context_takeover":                            0,
		"permessage-deflate; client_no_context_takeover":                            0,
		"permessage-deflate; client_max_window_bits=16":                             0,
		"x-other": 0,
	} {
		tk, err := newTakeover(answer)
		if (err != nil) != (want == 0) || err == nil && tk.bits != want {
			t.Errorf("%s: %+v, error %v; want %d bits", answer, tk, err, want)
		}
	}
}

func TestMessagesAreNew(t *testing.T) {
	p := &peer{seed: 1}
	other := &peer{seed: 2}
	first := p.message(deflatedSize)
	for _, m := range [][]byte{p.message(deflatedSize), other.message(deflatedSize)} {
		if len(m) != deflatedSize {
			t.Errorf("a message has %d bytes, want %d", len(m), deflatedSize)
		}
		if bytes.Equal(m, first) {
			t.Errorf("a message is used twice: %s", m)
		}
	}
	if n := len(p.message(plainSize)); n != plainSize {
		t.Errorf("a message has %d bytes, want %d", n, plainSize)
	}
}
