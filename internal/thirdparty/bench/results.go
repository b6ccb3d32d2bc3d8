package bench

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Results holds the figures of each row, each library and each unit: one for each
// round in which it was measured.
type Results map[string]map[string]map[string][]float64

// Add reads lines in Go's benchmark format and adds their figures. The benchmark
// Echo/16/gws is of the row Echo/16 and the library gws. The sum of the heap and the
// stack of a connection is added as B/conn. Other lines are ignored.
//
// procs is the GOMAXPROCS of the benchmarks, which go test appends to a name.
func (rs Results) Add(r io.Reader, procs int) error {
	suffix := "-" + strconv.Itoa(procs)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		if len(fields) < 4 || len(fields)%2 != 0 {
			return fmt.Errorf("not a benchmark's result: %q", lines.Text())
		}
		name := strings.TrimSuffix(strings.TrimPrefix(fields[0], "Benchmark"), suffix)
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			return fmt.Errorf("no library in %q", fields[0])
		}
		sum := 0.0
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("%q: %w", lines.Text(), err)
			}
			rs.add(name[:cut], name[cut+1:], fields[i+1], v)
			if unit := fields[i+1]; unit == "heap-B/conn" || unit == "stack-B/conn" {
				sum += v
			}
		}
		if sum > 0 {
			rs.add(name[:cut], name[cut+1:], "B/conn", sum)
		}
	}
	return lines.Err()
}

func (rs Results) add(row, library, unit string, v float64) {
	if rs[row] == nil {
		rs[row] = map[string]map[string][]float64{}
	}
	if rs[row][library] == nil {
		rs[row][library] = map[string][]float64{}
	}
	rs[row][library][unit] = append(rs[row][library][unit], v)
}

// Median returns the median of the figures. It reports false if there are none.
func (rs Results) Median(row, library, unit string) (float64, bool) {
	vs := slices.Sorted(slices.Values(rs[row][library][unit]))
	n := len(vs)
	if n == 0 {
		return 0, false
	}
	return (vs[(n-1)/2] + vs[n/2]) / 2, true
}

// BestPeer returns the peer that has the smallest median, and that median.
func (rs Results) BestPeer(row, unit string) (library string, v float64, ok bool) {
	for _, name := range Peers {
		if m, found := rs.Median(row, name, unit); found && (!ok || m < v) {
			library, v, ok = name, m, true
		}
	}
	return library, v, ok
}

// Has reports whether there are figures of a row of g.
func (rs Results) Has(g Group) bool {
	for _, row := range g.Rows {
		if len(rs[row.Name]) > 0 {
			return true
		}
	}
	return false
}

// Check returns an error that lists the benchmarks of groups that do not have a figure
// for each of the rounds.
func (rs Results) Check(groups []Group, rounds int) error {
	var missing []string
	for _, g := range groups {
		for _, row := range g.Rows {
			for _, library := range row.Libraries {
				for _, unit := range g.UnitsOf(row) {
					if n, want := len(rs[row.Name][library][unit]), g.RoundsOf(rounds); n != want {
						missing = append(missing, fmt.Sprintf("%s/%s: %d times %s, want %d", row.Name, library, n, unit, want))
					}
				}
			}
		}
	}
	if missing != nil {
		return fmt.Errorf("results are missing:\n%s", strings.Join(missing, "\n"))
	}
	return nil
}
