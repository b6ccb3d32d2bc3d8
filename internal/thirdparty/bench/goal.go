package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Ours is the library that the goals are for. Append and Read are its other ways to
// read a message.
const (
	Ours   = "bhojpur"
	Append = "bhojpur-AppendRead"
	Read   = "bhojpur-Read"
)

// Peers are the libraries that it is measured against.
var Peers = []string{"coder", "gorilla", "gws", "gobwas"}

// Best, as Goal.Of, is the peer with the smallest median.
const Best = "best"

// Goal is a bound on one of our figures: at most Times the figure of Of or, if Of is
// empty, at most Most.
type Goal struct {
	Unit  string
	Times float64
	Of    string
	Most  float64

	Library string // whose figure is bounded; empty: Ours
	CPU     string // if not empty, the goal is for processors with this in their name
}

// For reports whether g is a goal on a machine with this processor.
func (g Goal) For(cpu string) bool { return strings.Contains(cpu, g.CPU) }

func (g Goal) String() string {
	name := strings.TrimPrefix(strings.TrimPrefix(g.Library, Ours), "-")
	if name != "" {
		name += " "
	}
	if g.Of == "" {
		return name + "≤ " + Count(g.Most)
	}
	return fmt.Sprintf("%s≤ %s × %s", name, strconv.FormatFloat(g.Times, 'f', -1, 64), g.Of)
}

// Verdict is the result of a goal.
type Verdict struct {
	Met bool
	// Unsure: the figures of the rounds differ by more than the figure differs from
	// the bound.
	Unsure bool
}

// Verdict compares the results of row with g. Ratios are compared as they are
// printed, with two decimals.
func (g Goal) Verdict(rs Results, row string) (Verdict, error) {
	library := g.Library
	if library == "" {
		library = Ours
	}
	if g.Of == "" {
		ours, ok := rs.Median(row, library, g.Unit)
		if !ok {
			return Verdict{}, fmt.Errorf("%s has no %s of %s", row, g.Unit, library)
		}
		return Verdict{
			Met:    ours <= g.Most,
			Unsure: rs.spread(row, library, g.Unit) > math.Abs(ours-g.Most),
		}, nil
	}
	c, ok := rs.Compare(row, library, g.Of, g.Unit)
	if !ok {
		return Verdict{}, fmt.Errorf("%s has no %s of %s or of %s", row, g.Unit, library, g.Of)
	}
	return Verdict{
		Met:    math.Round(c.Ratio*100) <= math.Round(g.Times*100),
		Unsure: c.Unsure(g.Times),
	}, nil
}

// Count returns v with separators: 1,234, and 9.8 if it is small.
func Count(v float64) string {
	if v < 10 && v != float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
