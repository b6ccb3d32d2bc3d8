package autobahn

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func writeSpec(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadSpec(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Spec
	}{
		"nothing": {`{}`, Spec{Cases: []string{"*"}}},
		"fuzzing client": {
			`{
				"options": {"failByDrop": false}, "debug": false,
				"outdir": "./reports/here",
				"servers": [
					{"agent": "one", "url": "ws://127.0.0.1:9001", "options": {"version": 18}},
					{"url": "wss://example.com:9002/path"}
				],
				"cases": ["1.*", "6.4.1"],
				"exclude-cases": ["1.1.*"],
				"exclude-agent-cases": {"o*": ["6.*", "7.*"]}
			}`,
			Spec{
				OutDir: "./reports/here",
				Servers: []Target{
					{"one", "ws://127.0.0.1:9001"},
					{"example.com:9002", "wss://example.com:9002/path"},
				},
				Cases:            []string{"1.*", "6.4.1"},
				Exclude:          []string{"1.1.*"},
				ExcludeForAgents: map[string][]string{"o*": {"6.*", "7.*"}},
			},
		},
		"fuzzing server": {
			`{"url": "ws://127.0.0.1:9001", "webport": 8080, "outdir": "out", "cases": [], "exclude-agent-cases": {}}`,
			Spec{
				URL: "ws://127.0.0.1:9001", OutDir: "out", Cases: []string{"*"},
				ExcludeForAgents: map[string][]string{},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadSpec(writeSpec(t, test.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("got  %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestReadSpecFails(t *testing.T) {
	for _, text := range []string{"", "[", `{"cases": "*"}`, `{"servers": [{"url": "ws://a b"}]}`} {
		if s, err := ReadSpec(writeSpec(t, text)); err == nil {
			t.Errorf("%q parses as %+v", text, s)
		}
	}
	if _, err := ReadSpec(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that does not exist: %v", err)
	}
}

func TestSpecSelect(t *testing.T) {
	for _, test := range []struct {
		cases, exclude string
		count          int
		first, last    string
	}{
		{"*", "", 517, "1.1.1", "13.7.18"},
		{"W.* *", "", 517 + len(W()), "1.1.1", W()[len(W())-1].ID},
		{"W.1", "", 1, "W.1", "W.1"},
		{"* W.*", "W.1 2.* 13.7.18", 517 + len(W()) - 13, "1.1.1", W()[len(W())-1].ID},
		{"7.* 1.1.*", "", 37 + 8, "1.1.1", "7.13.2"},
		{"1.*", "2.* 1.1.1", 15, "1.1.2", "1.2.8"},
	} {
		s := Spec{Cases: strings.Fields(test.cases), Exclude: strings.Fields(test.exclude)}
		cases, err := s.Select()
		if err != nil {
			t.Errorf("%q without %q: %v", test.cases, test.exclude, err)
			continue
		}
		if len(cases) != test.count || cases[0].ID != test.first || cases[len(cases)-1].ID != test.last {
			t.Errorf("%q without %q: %d cases from %s to %s, want %d from %s to %s", test.cases, test.exclude,
				len(cases), cases[0].ID, cases[len(cases)-1].ID, test.count, test.first, test.last)
		}
	}
	for _, s := range []Spec{
		{},
		{Cases: []string{"8.*"}},
		{Cases: []string{"W.99"}},
		{Cases: []string{"*"}, Exclude: []string{"8.*"}},
		{Cases: []string{"1.*"}, Exclude: []string{"*"}},
	} {
		if cases, err := s.Select(); err == nil {
			t.Errorf("%v without %v: %d cases", s.Cases, s.Exclude, len(cases))
		}
	}
}

func TestSpecSkips(t *testing.T) {
	s := Spec{ExcludeForAgents: map[string][]string{
		"*slow*":     {"9.*", "12.1.1"},
		"exact v1.0": {"1.1.1"},
	}}
	for _, test := range []struct {
		agent, id string
		want      bool
	}{
		{"a slow one", "9.1.1", true},
		{"slow", "9.8.6", true},
		{"slow", "12.1.1", true},
		{"slow", "12.1.10", false},
		{"slow\none", "9.1.1", true},
		{"fast", "9.1.1", false},
		{"exact v1.0", "1.1.1", true},
		{"exact v1.0", "1.1.2", false},
		{"exact v1x0", "1.1.1", false},
		{"not exact v1.0", "1.1.1", false},
	} {
		if got := s.Skips(test.agent, &Case{ID: test.id}); got != test.want {
			t.Errorf("%q skips %s: %t", test.agent, test.id, got)
		}
	}
}
