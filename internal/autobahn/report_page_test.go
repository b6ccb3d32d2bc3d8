package autobahn

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func readPage(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantIn checks that the visible text of a page contains texts.
func wantIn(t *testing.T, page string, texts ...string) {
	t.Helper()
	seen := visible(page)
	for _, text := range texts {
		if !strings.Contains(seen, text) {
			t.Errorf("the page does not have %q:\n%s", text, seen)
		}
	}
}

var (
	headElement = regexp.MustCompile(`(?s)<head>.*</head>|<script>.*</script>`)
	tag         = regexp.MustCompile(`<[^>]*>`)
	space       = regexp.MustCompile(`\s+`)
)

// visible returns a page's visible text, on one line.
func visible(page string) string {
	page = headElement.ReplaceAllString(page, "")
	return html.UnescapeString(space.ReplaceAllString(tag.ReplaceAllString(page, " "), " "))
}

// mixedReport returns a report of two agents, the second with all kinds of results.
func mixedReport(t *testing.T) (dir string) {
	t.Helper()
	r, dir := newTestReport(t)
	var results []*Result
	for _, id := range []string{"1.1.1", "1.1.2", "6.4.1", "7.13.1", "12.1.1"} {
		results = append(results, resultOf(t, "right", id))
	}
	mixed := func(id string, behavior, closing Verdict) {
		res := resultOf(t, "mixed", id)
		res.Behavior, res.BehaviorClose = behavior, closing
		res.Why, res.WhyClose = "why "+id, "why closing "+id
		results = append(results, res)
	}
	mixed("1.1.1", OK, OK)
	mixed("1.1.2", OK, Unclean)
	mixed("6.4.1", NonStrict, OK)
	mixed("6.4.2", Failed, WrongCode)
	mixed("7.13.1", Informational, Informational)
	mixed("12.1.1", Unimplemented, OK)
	addAll(t, r, results...)
	return dir
}

func TestIndexPage(t *testing.T) {
	page := readPage(t, mixedReport(t), "index.html")
	wantIn(t, page,
		"2 implementations, 517 cases",
		"right tested as a server; 512 of 517 cases not run 5 of 5 passed behavior 5 OK closing 5 OK",
		"mixed tested as a server; 511 of 517 cases not run 2 of 6 passed"+
			" behavior 2 OK 1 INFORMATIONAL 1 UNIMPLEMENTED 1 NON-STRICT 1 FAILED"+
			" closing 3 OK 1 INFORMATIONAL 1 WRONG CODE 1 UNCLEAN",
		"1 Framing 2 of 2 1 of 2",
		"6 UTF-8 1 of 1 0 of 2",
		"9 Limits not run not run",
		"All cases 5 of 5 2 of 6",
		"All 517 Did not pass 4 Failed 2 Non-strict 1 Unimplemented 1 Informational 1",
		"6.4 Failing at the first invalid byte",
	)
	for id, want := range map[string]string{
		"1.1.1":  "OK closing OK 12 ms OK closing OK 12 ms",
		"1.1.2":  "OK closing OK 12 ms OK closing UNCLEAN 12 ms",
		"1.1.3":  "not run not run",
		"6.4.2":  "not run FAILED closing WRONG CODE 12 ms",
		"12.1.1": "OK closing OK 12 ms UNIMPLEMENTED closing OK 12 ms",
	} {
		row := rowOf(t, page, id)
		wantIn(t, row, " "+id+" "+caseOf(t, id).Description+" "+want+" ")
	}
	for id, want := range map[string]string{
		"1.1.1": "ok", "1.1.2": "fail not-passed ok", "1.1.3": "", "6.4.1": "not-passed ok strict",
		"6.4.2": "fail not-passed", "7.13.1": "info ok", "12.1.1": "not-passed ok unimplemented",
	} {
		if row := rowOf(t, page, id); !strings.Contains(row, `data-grades="`+want+`"`) {
			t.Errorf("case %s does not have grades %q:\n%s", id, want, row)
		}
	}
	if row := rowOf(t, page, "6.4.2"); !strings.Contains(row, `title="why 6.4.2"`) {
		t.Errorf("the reason of the failure is missing:\n%s", row)
	}
}

// TestIndexPageRight has only passing results: the only filter is that for all cases.
func TestIndexPageRight(t *testing.T) {
	r, dir := newTestReport(t)
	addAll(t, r, resultOf(t, "a", "2.1"))
	page := readPage(t, dir, "index.html")
	wantIn(t, page, "All 517 Did not pass 0 1 Framing", "1 of 1 passed behavior 1 OK closing 1 OK Group")
	// In the overview, and above its cases; a group without subgroups has no third
	// title.
	if n := strings.Count(visible(page), "2 Pings and pongs"); n != 2 {
		t.Errorf("the page has the group's title %d times", n)
	}
}

// TestIndexPageEmpty renders a run without results.
func TestIndexPageEmpty(t *testing.T) {
	r, dir := newTestReport(t)
	addAll(t, r)
	wantIn(t, readPage(t, dir, "index.html"), "0 implementations, 517 cases", "No case has been run.")
}

// rowOf returns the table row of a case.
func rowOf(t *testing.T, page, id string) string {
	t.Helper()
	_, row, ok := strings.Cut(page, `id="case-`+id+`"`)
	row, _, ends := strings.Cut(row, "</tr>")
	if !ok || !ends {
		t.Fatalf("case %s has no row", id)
	}
	return "<tr" + row
}

// TestLinks checks that pages link only to files of the report.
func TestLinks(t *testing.T) {
	dir := mixedReport(t)
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) != 1+5+6 {
		t.Fatalf("pages %q, %v", pages, err)
	}
	reference := regexp.MustCompile(`(?:href|src|action)="([^"]*)"|url\(([^)]*)\)|@import`)
	for _, path := range pages {
		page := readPage(t, path)
		for _, match := range reference.FindAllStringSubmatch(page, -1) {
			if strings.HasPrefix(match[1], "data:") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			if file == "" {
				file = filepath.Base(path)
			}
			if target := readPage(t, dir, file); anchor != "" && !strings.Contains(target, ` id="`+anchor+`"`) {
				t.Errorf("%s refers to %s, which is missing", path, match[0])
			}
		}
	}
}

// TestPolicy checks that the policy of pages allows the resources that they use, and no others.
func TestPolicy(t *testing.T) {
	dir := mixedReport(t)
	index := readPage(t, dir, "index.html")
	_, script, _ := strings.Cut(index, "<script>")
	script, _, _ = strings.Cut(script, "</script>")
	sum := sha256.Sum256([]byte(script))
	const rest = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
	for name, want := range map[string]string{
		"index.html":            rest + "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"right_case_1_1_1.html": rest,
	} {
		_, policy, _ := strings.Cut(readPage(t, dir, name), `Content-Security-Policy" content="`)
		policy, _, _ = strings.Cut(policy, `"`)
		if got := html.UnescapeString(policy); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	if strings.Contains(readPage(t, dir, "right_case_1_1_1.html"), "<script") {
		t.Error("a case's page has a script")
	}
}

// TestPagesEscape has markup in all strings that a peer chooses.
func TestPagesEscape(t *testing.T) {
	const markup = `<script>alert(1)</script>" onclick="x`
	r, dir := newTestReport(t)
	res := utf8Result(t)
	res.Agent, res.Why, res.WhyClose = markup, markup, markup
	res.Request, res.Response, res.RemoteReason = markup, markup, markup
	res.RemoteCode = 1007
	res.Received = []Event{{Kind: MessageEvent, Payload: markup}}
	res.Log = []Entry{{Kind: ReceivedFrame, Length: len(markup), Head: []byte(markup)}, {Kind: Note, Text: markup}}
	addAll(t, r, res)
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) != 2 {
		t.Fatalf("pages %q, %v", pages, err)
	}
	for _, path := range pages {
		page := readPage(t, path)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, `" onclick="x`) {
			t.Errorf("%s has markup of a peer's", path)
		}
		wantIn(t, page, markup)
	}
}

func TestCasePage(t *testing.T) {
	res := utf8Result(t)
	r, dir := newTestReport(t)
	addAll(t, r, res)
	page := readPage(t, dir, "an_agent_case_6_4_1.html")
	wantIn(t, page,
		"Case 6.4.1 an agent, tested as a server 4 March 2026, 04:06:07.089 UTC · 12 ms · JSON",
		"Behavior FAILED because Closing UNCLEAN for a reason "+res.Case.Description,
		"Expected OK timeout A Expected NON-STRICT timeout A timeout B",
		"Received timeout A text message Hello 5 bytes binary message ff00 2 bytes pong 0 bytes",
		"First close frame by the peer the suite",
		"The peer's code 1007 or no code none",
		`The suite's code any 1007 "bad"`,
		"Closing handshake any no close frame in time",
		"TCP closed by the server the suite",
		"text 1 5 0 0 close 1 5 0 0 pong 0 0 1 100",
		`1.500 → sent text 1 010203ff 4 cebaf490 written in pieces of 3`,
		"2.000 ← received pong FIN 100 abc …",
		"3.000 → sent part of the frame 2 xy",
		"1000.000 TCP ended",
		"Request GET / HTTP/1.1 Response HTTP/1.1 101 Switching Protocols",
	)
	if strings.Contains(page, "this was received") {
		t.Error("the page marks an outcome as received")
	}
}

// TestCasePages checks parts that the page above does not have.
func TestCasePages(t *testing.T) {
	strict := utf8Result(t)
	strict.Received = strict.Case.Expect[1].Events
	closed := resultOf(t, "a", "7.7.1")
	closed.Log = []Entry{
		{Kind: SentFrame, Fin: true, Opcode: Close, Length: 2, Head: []byte{0x03, 0xe8}, Sync: true},
		{Kind: ReceivedFrame, Fin: true, Opcode: Close, RSV: 3, Length: 5, Head: []byte("\x03\xe8a\nb")},
		{Kind: ReceivedFrame, Fin: true, Opcode: Close, Length: 1, Head: []byte("\x03")},
	}
	dropped := resultOf(t, "a", "1.1.1")
	dropped.DroppedBySuite, dropped.DropTimeout = true, true
	neither := resultOf(t, "a", "9.1.1")
	neither.ClosedBySuite, neither.RemoteCode, neither.Clean, neither.Echoes = false, NoCode, false, 1
	exchange := resultOf(t, "a", "12.1.1")
	exchange.Echoes, exchange.Duration = 20, 2*time.Minute
	for _, test := range []struct {
		res   *Result
		wants []string
	}{
		{strict, []string{"Expected NON-STRICT this was received timeout A timeout B"}},
		{closed, []string{
			"→ sent close FIN 2 1000 written on its own",
			`← received close FIN 2 3 5 1000 a \n b`,
			"← received close FIN 1 03",
			"First close frame by the suite the suite",
			"Closing handshake complete complete",
			"TCP closed by the server the server",
		}},
		{dropped, []string{"TCP closed by the server the suite, because the server did not in time", "The connection was never open."}},
		{neither, []string{
			"First close frame by the suite neither side",
			"Closing handshake complete not complete",
			"Expected The message, with its type and its length.",
			"Received 1 message echoed correctly.",
		}},
		{exchange, []string{"Each message with its type and its bytes, all within 60 s.", "20 messages echoed correctly.", "UTC · 120 s"}},
	} {
		page, err := casePage(test.res, "base")
		if err != nil {
			t.Fatal(err)
		}
		wantIn(t, string(page), test.wants...)
	}
}

// TestNeverOpen renders a case that expects no events and fails in the opening
// handshake.
func TestNeverOpen(t *testing.T) {
	res := resultOf(t, "a", "7.7.1")
	res.failOpening(errors.New("because"))
	res.RemoteCode, res.LocalCode = NoCode, NoCode
	page, err := casePage(res, "base")
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Case.Expect[0].Events) > 0 {
		t.Fatal("the case expects something")
	}
	wantIn(t, string(page), "because", "The connection was never open.", "Request none Response none")
	if strings.Contains(string(page), "this was received") {
		t.Error("nothing came")
	}
}

func TestEndingsWrong(t *testing.T) {
	const side, code, clean, tcp = "First close frame by", "The peer's code", "Closing handshake", "TCP closed by"
	for _, test := range []struct {
		id     string
		change func(*Result)
		want   []string
	}{
		{"1.1.1", func(*Result) {}, nil},
		{"1.1.1", func(r *Result) { r.ClosedBySuite = false }, []string{side}},
		{"1.1.1", func(r *Result) { r.RemoteCode = 1002 }, []string{code}},
		{"1.1.1", func(r *Result) { r.RemoteCode = NoCode }, nil},
		{"1.1.1", func(r *Result) { r.Clean = false }, []string{clean}},
		{"1.1.1", func(r *Result) { r.DroppedBySuite = true }, []string{tcp}},
		{"3.1", func(r *Result) { r.ClosedBySuite, r.RemoteCode, r.Clean = false, 1002, false }, nil},
		{"3.1", func(*Result) {}, []string{side, code}},
	} {
		res := resultOf(t, "a", test.id)
		test.change(res)
		var got []string
		for _, e := range endings(res) {
			if e.Wrong {
				got = append(got, e.What)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("case %s, %+v: wrong are %q, want %q", test.id, res, got, test.want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0 ms",
		400 * time.Microsecond:  "0 ms",
		12 * time.Millisecond:   "12 ms",
		1234 * time.Millisecond: "1.23 s",
		2 * time.Minute:         "120 s",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestGrades(t *testing.T) {
	for _, test := range []struct {
		behavior, closing Verdict
		want              grade
	}{
		{OK, OK, gradeOK},
		{OK, Unclean, gradeFail},
		{OK, WrongCode, gradeFail},
		{OK, FailedByClient, gradeFail},
		{NonStrict, OK, gradeStrict},
		{NonStrict, Failed, gradeFail},
		{Unimplemented, OK, gradeUnimplemented},
		{Informational, Informational, gradeInfo},
		{Failed, OK, gradeFail},
	} {
		res := &Result{Behavior: test.behavior, BehaviorClose: test.closing}
		if got := res.grade(); got != test.want {
			t.Errorf("%s, closing %s is %q, want %q", test.behavior, test.closing, got, test.want)
		}
	}
}
