package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// The results of each machine are kept in files of a directory, one for the rows of
// make bench and one for the rest. The page is made from all of them: a run replaces
// the results of its machine and leaves those of others alone.

// stored is the results of one run.
type stored struct {
	measured
	rest      bool   // of the rows of make bench-all only
	at        string // when it ended, RFC 3339
	rounds    int
	benchtime string
	took      string
	results   bench.Results
}

// fileName returns the name of the file for s.
func (s stored) fileName() string {
	name := strings.FieldsFunc(strings.ToLower(s.Name()), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if s.rest {
		name = append(name, "rest")
	}
	return strings.Join(name, "-") + ".txt"
}

// fields are the lines before the results, as name and value.
func (s *stored) fields() [][2]string {
	fields := [][2]string{
		{"cpu", s.CPU}, {"model", s.Model}, {"cores", strconv.Itoa(s.Cores)}, {"memory", s.Memory}, {"os", s.OS}, {"kernel", s.Kernel},
		{"go", s.Go}, {"at", s.at}, {"rest", strconv.FormatBool(s.rest)}, {"rounds", strconv.Itoa(s.rounds)},
		{"benchtime", s.benchtime}, {"took", s.took},
	}
	for _, l := range s.libraries {
		fields = append(fields, [2]string{"library", l.name + " " + l.module + " " + l.version})
	}
	return fields
}

// set sets the field that fields calls name.
func (s *stored) set(name, value string) (err error) {
	texts := map[string]*string{
		"cpu": &s.CPU, "model": &s.Model, "memory": &s.Memory, "os": &s.OS, "kernel": &s.Kernel, "go": &s.Go,
		"at": &s.at, "benchtime": &s.benchtime, "took": &s.took,
	}
	numbers := map[string]*int{"cores": &s.Cores, "rounds": &s.rounds}
	switch text, number := texts[name], numbers[name]; {
	case text != nil:
		*text = value
	case number != nil:
		*number, err = strconv.Atoi(value)
	case name == "rest":
		s.rest, err = strconv.ParseBool(value)
	case name == "library":
		parts := strings.Fields(value)
		if len(parts) != 3 {
			return fmt.Errorf("library %q", value)
		}
		s.libraries = append(s.libraries, libraryVersion{parts[0], parts[1], parts[2]})
	default:
		err = fmt.Errorf("no field %q", name)
	}
	return err
}

// encode returns s as a file: the fields, and the figures that the page needs in Go's
// benchmark format, a round of a row after the other.
func (s stored) encode() []byte {
	var b bytes.Buffer
	for _, f := range s.fields() {
		fmt.Fprintf(&b, "%s: %s\n", f[0], f[1])
	}
	b.WriteByte('\n')
	for _, row := range slices.Sorted(maps.Keys(s.results)) {
		for _, library := range slices.Sorted(maps.Keys(s.results[row])) {
			units := s.results[row][library]
			for round := range rounds(units) {
				fmt.Fprintf(&b, "Benchmark%s/%s 1", row, library)
				for _, unit := range slices.Sorted(maps.Keys(units)) {
					if kept(unit) && round < len(units[unit]) {
						fmt.Fprintf(&b, " %s %s", strconv.FormatFloat(units[unit][round], 'g', 6, 64), unit)
					}
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.Bytes()
}

// kept reports whether figures of unit are kept: a sum is not.
func kept(unit string) bool { return unit != "B/conn" }

func rounds(units map[string][]float64) (n int) {
	for _, vs := range units {
		n = max(n, len(vs))
	}
	return n
}

// decode parses what encode returns.
func decode(text []byte) (stored, error) {
	s := stored{results: bench.Results{}}
	head, lines, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		return s, fmt.Errorf("no results")
	}
	fields := bufio.NewScanner(bytes.NewReader(head))
	for fields.Scan() {
		name, value, _ := strings.Cut(fields.Text(), ":")
		if err := s.set(name, strings.TrimSpace(value)); err != nil {
			return s, err
		}
	}
	return s, s.results.Add(bytes.NewReader(lines), 0)
}

// load returns the results in dir, the newest first.
func load(dir string) ([]stored, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []stored
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b stored) int { return cmp.Compare(b.at, a.at) })
	return all, nil
}

// save writes s to its file in dir.
func (s stored) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, s.fileName()), s.encode(), 0o644)
}
