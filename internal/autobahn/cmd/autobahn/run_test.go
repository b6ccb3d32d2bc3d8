package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/autobahn"
)

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"-help"}, {"fuzzingclient", "-h"}, {"fuzzingserver", "--help"}} {
		p := start(t, args...)
		p.wantStatus(t, passed)
		wantText(t, p.stdout.String(), "autobahn fuzzingclient -url", "autobahn fuzzingserver", "exit status", "-spec file", "-parallel")
	}
}

func TestMisuse(t *testing.T) {
	spec := func(v any) string { return writeSpec(t, v) }
	const url = "-url=ws://127.0.0.1:1"
	for _, test := range []struct{ args, wants string }{
		{"", "mode"},
		{"-m", "-m"},
		{"massconnect", "mode"},
		{"-m wampserver", "mode"},
		{"fuzzingclient", "-url"},
		{"fuzzingclient " + url + " -nothing", "-nothing"},
		{"fuzzingclient " + url + " rest", "rest"},
		{"fuzzingclient -url http://127.0.0.1:1", "ws:"},
		{"fuzzingclient -url ws:", "ws:"},
		{"fuzzingclient -url ws://%zz", "%zz"},
		{"fuzzingclient " + url + " -cases 8.*", "8.*"},
		{"fuzzingclient " + url + " -cases 1.* -exclude 1.*", "no case"},
		{"fuzzingclient " + url + " -parallel 0", "-parallel"},
		{"fuzzingclient " + url + " -messages -1", "-messages"},
		{"fuzzingclient " + url + " -patience 0", "-patience"},
		{"fuzzingclient -agent me", "-url"},
		{"fuzzingclient -spec none.json", "none.json"},
		{"fuzzingclient -agent me -spec " + spec(object{"servers": []object{{"url": "ws://a"}}}), "-agent"},
		{"fuzzingclient -spec " + spec(object{"servers": []object{{"url": "ws://a"}, {"url": "ws://a"}}}), `"a"`},
		{"fuzzingclient -spec " + spec(object{"url": "ws://127.0.0.1:1"}), "-url"},
		{"fuzzingclient -spec " + spec([]string{}), "spec.json"},
		{"fuzzingserver -url wss://127.0.0.1:1", "ws:"},
		{"fuzzingserver -agent me", "-agent"},
		{"fuzzingserver -insecure", "-insecure"},
	} {
		p := start(t, strings.Fields(test.args)...)
		if got := p.Want(); got != misuse {
			t.Errorf("%q: exit status %d, want %d", test.args, got, misuse)
		}
		wantText(t, p.stderr.String(), test.wants, "-h")
		if p.stdout.Len() > 0 {
			t.Errorf("%q: on stdout there is %q", test.args, &p.stdout)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct{ args, outdir, addr string }{
		{"fuzzingclient -url ws://127.0.0.1:9001", autobahn.ServersDir, ""},
		{"fuzzingserver", autobahn.ClientsDir, "127.0.0.1:9001"},
		{"fuzzingserver -url ws://localhost -outdir x", "x", "localhost:80"},
		{"--mode fuzzingserver --url ws://[::1]:0", autobahn.ClientsDir, "[::1]:0"},
	} {
		s, err := parse(strings.Fields(test.args), nil)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		if s.spec.OutDir != test.outdir || s.addr != test.addr || len(s.cases) != 517 {
			t.Errorf("%q: folder %s, address %q, %d cases; want %s, %q", test.args, s.spec.OutDir, s.addr, len(s.cases), test.outdir, test.addr)
		}
	}
	s, err := parse(strings.Fields("fuzzingclient -url wss://a.b -messages 7 -patience 2.5 -parallel 3 -insecure"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (autobahn.Options{Messages: 7, Patience: 2.5}); s.options != want || s.parallel != 3 || !s.insecure {
		t.Errorf("options %+v, %d in parallel, insecure %t", s.options, s.parallel, s.insecure)
	}
}

func resultOf(id string, behavior, closing autobahn.Verdict) *autobahn.Result {
	return &autobahn.Result{
		Case: &autobahn.Case{ID: id}, Behavior: behavior, BehaviorClose: closing,
		Why: "why", WhyClose: "why closing", Duration: 1500 * time.Microsecond,
	}
}

func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		behavior, closing autobahn.Verdict
		want              string
	}{
		{autobahn.OK, autobahn.OK, "OK"},
		{autobahn.Informational, autobahn.Informational, "INFORMATIONAL"},
		{autobahn.OK, autobahn.Unclean, "OK, closing UNCLEAN: why closing"},
		{autobahn.NonStrict, autobahn.OK, "NON-STRICT, closing OK: why"},
		{autobahn.Unimplemented, autobahn.OK, "UNIMPLEMENTED, closing OK: why"},
		{autobahn.Failed, autobahn.Failed, "FAILED: why; why closing"},
	} {
		if got := outcome(resultOf("1", test.behavior, test.closing)); got != test.want {
			t.Errorf("%s and %s: %q, want %q", test.behavior, test.closing, got, test.want)
		}
	}
	same := resultOf("1", autobahn.Failed, autobahn.Failed)
	same.WhyClose = same.Why
	unknown := resultOf("1", autobahn.Failed, autobahn.Failed)
	unknown.WhyClose = ""
	for _, res := range []*autobahn.Result{same, unknown} {
		if got := outcome(res); got != "FAILED: why" {
			t.Errorf("reasons %q and %q: %q", res.Why, res.WhyClose, got)
		}
	}
}

func TestStatusLine(t *testing.T) {
	var out strings.Builder
	l := newStatusLine(&out, "me", 3)
	last := func() string {
		lines := strings.Split(out.String(), eraseLine)
		return lines[len(lines)-1]
	}
	first, second := resultOf("1.1.1", autobahn.OK, autobahn.OK), resultOf("1.1.2", autobahn.Failed, autobahn.Unclean)
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { l.start(first.Case) }, "0 of 3  now 1.1.1  me"},
		{func() { l.start(second.Case) }, "0 of 3  now 1.1.1  me"},
		{func() { l.done(first) }, "1 of 3  OK 1  now 1.1.2  me"},
		{func() { l.done(second) }, "2 of 3  OK 1  closing UNCLEAN 1  FAILED 1  me"},
		{func() { l.done(first) }, "3 of 3  OK 2  closing UNCLEAN 1  FAILED 1  me"},
		{l.end, ""},
	} {
		step.do()
		if last() != step.want {
			t.Errorf("the line is %q, want %q", last(), step.want)
		}
	}
	long := newStatusLine(&out, strings.Repeat("é", 100), 3)
	long.start(first.Case)
	if got := len([]rune(last())); got != lineLength {
		t.Errorf("the line has %d characters, want %d", got, lineLength)
	}
}

// TestUnfinishedLines has cases whose lines wait for cases that never run.
func TestUnfinishedLines(t *testing.T) {
	var out strings.Builder
	results := []*autobahn.Result{
		resultOf("1.1.1", autobahn.OK, autobahn.OK),
		resultOf("1.1.2", autobahn.OK, autobahn.OK),
		resultOf("1.1.3", autobahn.OK, autobahn.OK),
	}
	l := newProgress(&out, "me", 3, []*autobahn.Case{results[0].Case, results[1].Case, results[2].Case})
	l.done(results[2])
	l.done(results[1])
	l.end()
	if got, want := out.String(), "me 1.1.2 OK, 2ms\nme 1.1.3 OK, 2ms\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"an agent é": "an agent é",
		"":           `""`,
		"\x1b[2J":    `"\x1b[2J"`,
		"a\nb":       `"a\nb"`,
		"a\u202eb":   `"a\u202eb"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q becomes %s, want %s", text, got, want)
		}
	}
}

func TestAbbreviate(t *testing.T) {
	ran := []string{"1.1.1", "1.1.2", "1.2.1", "1.2.2", "2.1", "2.2", "10.1.1"}
	for _, test := range []struct{ among, want string }{
		{"", ""},
		{"1.1.1", "1.1.1"},
		{"1.1.1 1.1.2", "1.1.*"},
		{"1.1.1 1.1.2 1.2.2", "1.1.* 1.2.2"},
		{"1.1.1 1.1.2 1.2.1 1.2.2 2.2", "1.* 2.2"},
		{"2.1 2.2 10.1.1", "2.* 10.1.1"},
	} {
		var results []*autobahn.Result
		for _, id := range ran {
			results = append(results, resultOf(id, autobahn.OK, autobahn.OK))
		}
		among := make(map[string]bool)
		for _, id := range strings.Fields(test.among) {
			among[id] = true
		}
		if got := abbreviate(results, among); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s becomes %s, want %s", test.among, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	var out strings.Builder
	wrap(&out, "  ", slices.Repeat([]string{"12345678"}, 10))
	want := "  " + strings.TrimSpace(strings.Repeat("12345678 ", 8)) + "\n  12345678 12345678\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}
