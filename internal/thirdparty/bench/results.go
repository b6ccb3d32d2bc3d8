package bench

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Results has what was measured: of each row, each library and each unit one figure
// for each time that it was measured.
type Results map[string]map[string]map[string][]float64

// Add reads lines in Go's benchmark format and adds what they say. The benchmark
// Echo/16/gws is of the row Echo/16 and the library gws. Heap and stack of a
// connection are added up too, as B/conn. Lines of other kinds are ignored.
//
// procs is the GOMAXPROCS of the benchmarks, which go test writes behind a name.
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

// Median returns the median of what was measured, and whether anything was.
func (rs Results) Median(row, library, unit string) (float64, bool) {
	vs := slices.Sorted(slices.Values(rs[row][library][unit]))
	n := len(vs)
	if n == 0 {
		return 0, false
	}
	return (vs[(n-1)/2] + vs[n/2]) / 2, true
}

// BestPeer returns the library other than ours that has the smallest median, and
// that. What is no library does not count.
func (rs Results) BestPeer(row, unit string) (library string, v float64, ok bool) {
	for _, name := range Peers {
		if m, found := rs.Median(row, name, unit); found && (!ok || m < v) {
			library, v, ok = name, m, true
		}
	}
	return library, v, ok
}

// Check returns an error that names what is missing for each benchmark of groups to
// have been measured count times.
func (rs Results) Check(groups []Group, count int) error {
	var missing []string
	for _, g := range groups {
		for _, row := range g.Rows {
			for _, library := range row.Libraries {
				for _, unit := range g.Units {
					if n := len(rs[row.Name][library][unit]); n != count {
						missing = append(missing, fmt.Sprintf("%s/%s: %d times %s, want %d", row.Name, library, n, unit, count))
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
