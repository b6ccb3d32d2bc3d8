package autobahn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// caseOf returns the case with an id.
func caseOf(t *testing.T, id string) *Case {
	t.Helper()
	cases, err := Select(Cases(), []string{id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// resultOf returns a possible result of a correct server.
func resultOf(t *testing.T, agent, id string) *Result {
	t.Helper()
	res := newResult(caseOf(t, id), agent, ServerRole)
	res.Started = time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.FixedZone("", 3600))
	res.Duration = 12345 * time.Microsecond
	res.Behavior, res.BehaviorClose = OK, OK
	res.Clean, res.LocalCode, res.RemoteCode = true, 1000, 1000
	res.ClosedBySuite = true
	return res
}

func newTestReport(t *testing.T) (r *Report, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a", "report")
	r, err := NewReport(dir, Cases())
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func addAll(t *testing.T, r *Report, results ...*Result) {
	t.Helper()
	for _, res := range results {
		if err := r.Add(res); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.WriteIndex(); err != nil {
		t.Fatal(err)
	}
}

func readJSON[T any](t *testing.T, path ...string) (v T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestIndexJSON has a replaced result, one without a code, and a second agent that is
// added after the first index was written.
func TestIndexJSON(t *testing.T) {
	r, dir := newTestReport(t)
	first := resultOf(t, "Agent/1.0 (x)", "1.1.1")
	first.Behavior = Failed
	addAll(t, r, first, resultOf(t, "Agent/1.0 (x)", "1.1.1"))
	nothing := resultOf(t, "other", "6.4.1")
	nothing.Behavior, nothing.BehaviorClose = NonStrict, WrongCode
	nothing.RemoteCode = NoCode
	nothing.Duration = 2600 * time.Microsecond
	addAll(t, r, nothing)

	got := readJSON[any](t, dir, "index.json")
	want := map[string]any{
		"Agent/1.0 (x)": map[string]any{
			"1.1.1": map[string]any{
				"behavior": "OK", "behaviorClose": "OK", "duration": 12.0, "remoteCloseCode": 1000.0,
				"reportfile": "agent_1_0__x_case_1_1_1.json",
			},
		},
		"other": map[string]any{
			"6.4.1": map[string]any{
				"behavior": "NON-STRICT", "behaviorClose": "WRONG CODE", "duration": 3.0, "remoteCloseCode": nil,
				"reportfile": "other_case_6_4_1.json",
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	wantFiles(t, dir, "index.json", "index.html",
		"agent_1_0__x_case_1_1_1.json", "agent_1_0__x_case_1_1_1.html",
		"other_case_6_4_1.json", "other_case_6_4_1.html")
}

// wantFiles checks the files in a folder, and that all users may read them.
func wantFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make(map[string]fs.FileMode), make(map[string]fs.FileMode)
	for _, e := range entries {
		stat, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = stat.Mode() & 0o444
	}
	for _, name := range names {
		want[name] = 0o444
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAgents(t *testing.T) {
	r, _ := newTestReport(t)
	later, earlier := resultOf(t, "b", "7.1.1"), resultOf(t, "b", "1.2.3")
	later.Role, earlier.Role = ClientRole, ClientRole
	later.Log, later.Request = []Entry{{Text: "x"}}, "GET"
	addAll(t, r, later, earlier, resultOf(t, "a", "1.1.1"))
	var got []string
	for _, a := range r.Agents() {
		for _, res := range a.Results {
			got = append(got, fmt.Sprintf("%s %s %s", a.Agent, a.Role, res.Case.ID))
			if res.Log != nil || res.Request != "" {
				t.Errorf("%s keeps data that belongs only into its files", res.Case.ID)
			}
		}
	}
	want := []string{"b client 1.2.3", "b client 7.1.1", "a server 1.1.1"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := r.Add(&Result{Case: &Case{ID: "8.1"}}); err == nil {
		t.Error("a case that the run does not have is taken")
	}
}

func TestFileNames(t *testing.T) {
	r := &Report{names: make(map[string]bool)}
	for _, test := range []struct{ agent, want string }{
		{"plain9", "plain9"},
		{"Some/Thing 1.2.3 ", "some_thing_1_2_3"},
		{"some thing 1 2 3", "some_thing_1_2_3_2"},
		{"some_thing_1_2_3", "some_thing_1_2_3_3"},
		{"../../etc/passwd", "etc_passwd"},
		{"", "agent"},
		{"日本", "agent_2"},
		{"a_2", "a_2"},
		{"a", "a"},
		{"A", "a_3"},
		{strings.Repeat("x", 300), strings.Repeat("x", 100)},
	} {
		if got := r.fileNameLocked(test.agent); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.agent, got, test.want)
		}
	}
}

// TestReportConcurrent adds results from several goroutines, while another one reads
// files: they are always complete.
func TestReportConcurrent(t *testing.T) {
	r, dir := newTestReport(t)
	addAll(t, r)
	cases := Cases()[:12]
	var adding sync.WaitGroup
	for _, agent := range []string{"A", "a", "b"} {
		for i := range 4 {
			adding.Go(func() {
				for _, cs := range cases[i*3 : i*3+3] {
					if err := r.Add(resultOf(t, agent, cs.ID)); err != nil {
						t.Error(err)
					}
					if err := r.WriteIndex(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		adding.Wait()
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		page, err := os.ReadFile(r.Index())
		if err != nil || !bytes.HasSuffix(bytes.TrimSpace(page), []byte("</html>")) {
			t.Fatalf("a page of %d bytes, %v", len(page), err)
		}
		readJSON[map[string]any](t, dir, "index.json")
	}
	index := readJSON[map[string]map[string]indexEntry](t, dir, "index.json")
	files := make(map[string]bool)
	for _, entries := range index {
		for _, entry := range entries {
			files[entry.ReportFile] = true
			readJSON[map[string]any](t, dir, entry.ReportFile)
		}
	}
	if len(files) != 3*len(cases) {
		t.Errorf("%d files of cases, want %d", len(files), 3*len(cases))
	}
}

func TestReportUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReport(filepath.Join(file, "report"), nil); err == nil {
		t.Error("a report can be in a file")
	}
	r, dir := newTestReport(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(resultOf(t, "a", "1.1.1")); err == nil {
		t.Error("a result can be written into a missing folder")
	}
	if err := r.WriteIndex(); err == nil {
		t.Error("an index can be written into a missing folder")
	}
}

func TestFails(t *testing.T) {
	for _, test := range []struct {
		behavior, closing Verdict
		want              bool
	}{
		{OK, OK, false},
		{Informational, Informational, false},
		{Unimplemented, OK, false},
		{Unimplemented, Failed, true},
		{NonStrict, OK, true},
		{Failed, OK, true},
		{OK, Unclean, true},
		{OK, WrongCode, true},
		{OK, FailedByClient, true},
	} {
		res := &Result{Behavior: test.behavior, BehaviorClose: test.closing}
		if got := res.Fails(); got != test.want {
			t.Errorf("%s, closing %s: %t", test.behavior, test.closing, got)
		}
	}
}
