package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
)

// The roles of faulty servers.
const (
	leakingRole  = "leaking"
	alteringRole = "altering"
	dyingRole    = "dying"
)

// TestMain lets the test binary also run as the server process.
func TestMain(m *testing.M) {
	roles[leakingRole] = leaking
	roles[alteringRole] = altering
	roles[dyingRole] = dying
	if len(os.Args) > 1 && os.Args[1] == "-role" {
		main()
		return
	}
	// Otherwise a process with the race detector waits for a second at its end.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	os.Exit(m.Run())
}

// leaking leaks a goroutine, a descriptor and some memory for each request.
func leaking(h http.Handler) http.Handler {
	const kept = 64 << 10
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			panic(err)
		}
		memory := make([]byte, kept)
		forever := make(chan struct{})
		go func() {
			<-forever
			f.Close()
			clear(memory)
		}()
		h.ServeHTTP(w, r)
	})
}

// altering changes a byte of each echo.
func altering(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(longest)
		for {
			_, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			p[len(p)/2] ^= 1
			if c.Write(r.Context(), websocket.MessageBinary, p) != nil {
				return
			}
		}
	})
}

// dying ends the server process soon.
func dying(h http.Handler) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const many = 20
		if requests.Add(1) == many {
			os.Exit(3)
		}
		h.ServeHTTP(w, r)
	})
}

// short returns settings for a run of seconds.
func short(t *testing.T, role string, seconds float64) settings {
	t.Helper()
	set := settings{
		connections: 50, minutes: seconds / 60, rate: 4, seed: 1, samples: 50,
		server: role, settling: settling, command: "go test",
	}
	if err := set.complete(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestSoak(t *testing.T) {
	set := short(t, serverRole, 5)
	set.svg = t.TempDir() + "/soak.svg"
	var printed strings.Builder
	if err := soak(t.Context(), set, &printed); err != nil {
		t.Errorf("%v\n%s", err, printed.String())
	}
	svg, err := os.ReadFile(set.svg)
	if err != nil {
		t.Fatal(err)
	}
	wantSVG(t, svg)
	for _, b := range behaviours {
		if !strings.Contains(printed.String(), b.name) {
			t.Errorf("nothing is said about %q:\n%s", b.name, printed.String())
		}
	}
}

// All leaks of a server are found, from quarter to quarter and at the end.
func TestLeaksAreFound(t *testing.T) {
	set := short(t, leakingRole, 5)
	set.settling = time.Second // which does not help
	o, err := play(t.Context(), set, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.verdicts) != 2*len(quantities) {
		t.Errorf("there are %d verdicts, want two for each quantity", len(o.verdicts))
	}
	for _, v := range o.verdicts {
		if v.ok() {
			t.Errorf("not found: %v", v)
		}
	}
	wantIs(t, o.failure(), errGrown)
	if n := o.crowd.failures.count(); n > 0 {
		t.Errorf("%d clients failed: %q", n, o.crowd.failures.first)
	}
}

// A wrong echo fails the run, whichever client gets it.
func TestBrokenEchoFails(t *testing.T) {
	o, err := play(t.Context(), short(t, alteringRole, 3), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	wantIs(t, o.failure(), errFailures)
	for _, name := range []string{"echo", "violation"} {
		if o.crowd.counts[name].failed.Load() == 0 {
			t.Errorf("%s: no client failed", name)
		}
	}
}

// The end of the server process fails the run.
func TestDeadServerFails(t *testing.T) {
	if _, err := play(t.Context(), short(t, dyingRole, 5), io.Discard); err == nil {
		t.Error("no error")
	}
}

func TestInvalidSettings(t *testing.T) {
	for _, args := range [][]string{
		{"-connections", "0"}, {"-minutes", "0"}, {"-rate", "-1"}, {"-life", "-1s"}, {"-samples", "3"},
		{"-connections", "100000000"}, {"-role", "nobody"},
	} {
		if err := run(t.Context(), append([]string{"-minutes", "0.01"}, args...), io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// The server's arguments contain all the settings that it needs.
func TestChildHasTheSamePatience(t *testing.T) {
	set := short(t, serverRole, 5)
	i := slices.Index(set.childArgs(), "-life")
	if i < 0 || set.childArgs()[i+1] != set.life.String() {
		t.Errorf("the arguments are %q", set.childArgs())
	}
	for rate, want := range map[float64]time.Duration{4: minPatience, 1: 3 * time.Second, 0.001: maxPatience} {
		set.rate = rate
		if got := set.patience(); got != want {
			t.Errorf("the patience for a rate of %v is %v, want %v", rate, got, want)
		}
	}
}

func TestReadingAsJSON(t *testing.T) {
	r, err := readProcess()
	if err != nil {
		t.Fatal(err)
	}
	if r.Heap <= 0 || r.Stack <= 0 || r.Resident <= 0 || r.Goroutines <= 0 || r.Descriptors <= 0 || r.CPU <= 0 {
		t.Errorf("something is missing: %+v", r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got reading
	if err := json.Unmarshal(b, &got); err != nil || got != r {
		t.Errorf("%+v becomes %+v, %v", r, got, err)
	}
}
