package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// profileOf writes a profile of stacks, the outermost function first, and returns its
// name.
func profileOf(t *testing.T, samples []sample) string {
	t.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	for _, s := range samples {
		at := &profile.Sample{Value: []int64{1, s.nanos}}
		for i := len(s.stack) - 1; i >= 0; i-- {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: s.stack[i]}
			l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			at.Location = append(at.Location, l)
		}
		p.Sample = append(p.Sample, at)
	}
	name := filepath.Join(t.TempDir(), "profile")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := p.Write(f); err != nil {
		t.Fatal(err)
	}
	return name
}

const (
	conn     = module + ".(*Conn).Write"
	sysWrite = "syscall.write"
	enter    = "internal/runtime/syscall/linux.Syscall6"
)

var someSamples = []sample{
	{[]string{"net/http.(*conn).serve", loop, conn, "net.(*rawConn).Write", sysWrite, enter}, 500},
	{[]string{"net/http.(*conn).serve", loop, conn, "sync.(*Mutex).Lock"}, 100},
	{[]string{"net/http.(*conn).serve", loop}, 50},
	{[]string{"net/http.(*conn).serve", loop, conn, "net.(*rawConn).Write", "internal/poll.(*FD).RawWrite"}, 30},
	{[]string{"net/http.(*conn).serve", loop, conn, "runtime.newobject", "runtime.mallocgc"}, 20},
	{[]string{"runtime.mcall", "runtime.park_m", "runtime.schedule"}, 250},
	{[]string{"net/http.(*conn).serve", loop, conn, "syscall.read", "syscall.RawSyscall"}, 30},
	{[]string{"net/http.(*conn).serve", loop, conn, stream + ".readNow", enter}, 20},
}

func TestRun(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "flame.svg")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-from", profileOf(t, someSamples), "-svg", svg}, &out); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[part]string{
		reading: "5.0", writing: "50.0", scheduling: "25.0", collecting: "2.0", ours: "10.0", library: "3.0", program: "5.0",
	} {
		if line := "| " + parts[p] + " | " + want + " % |\n"; !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing in\n%s", line, out.String())
		}
	}
	text, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	titles := 0
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "title" {
			titles++
		}
	}
	// The graph's title, the root and the functions on its stacks: of those of the
	// handlers, what begins with the loop.
	if want := 2 + 13 + 3; titles != want {
		t.Errorf("%d titles, want %d:\n%s", titles, want, text)
	}
	if !bytes.Contains(text, []byte("<title>"+conn+": 70.0 %</title>")) {
		t.Errorf("the share of %s is missing:\n%s", conn, text)
	}
}

func TestProfiles(t *testing.T) {
	if _, err := samplesIn(profileOf(t, nil)); err == nil {
		t.Error("an empty profile is drawn")
	}
	if err := run(t.Context(), []string{"-from", "nowhere"}, io.Discard); err == nil {
		t.Error("a missing profile is drawn")
	}
}

func TestFitting(t *testing.T) {
	for _, test := range []struct {
		name  string
		width float64
		want  string
	}{
		{"a.com/b/c.F", 1000, "c.F"},
		{"c.Function", 6 + 5*letterWidth + 1, "c.Fu…"},
		{"c.F", 10, ""},
		{"a/b.G[...]", 1000, "b.G"},
	} {
		if got := fitting(test.name, test.width); got != test.want {
			t.Errorf("fitting(%q, %v) = %q, want %q", test.name, test.width, got, test.want)
		}
	}
}
