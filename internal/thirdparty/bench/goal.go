package bench

import (
	"fmt"
	"strconv"
)

// Ours is the library that the goals are for.
const Ours = "bhojpur"

// Peers are the libraries that it is measured against.
var Peers = []string{"coder", "gorilla", "gws", "gobwas"}

// Best, as Goal.Of, is whichever peer is best.
const Best = "best"

// Goal is what we want of our figure in a unit: at most Times that of Of, or, where
// Of is empty, at most Most.
type Goal struct {
	Unit  string
	Times float64
	Of    string
	Most  float64
}

func (g Goal) String() string {
	if g.Of == "" {
		return "≤ " + Count(g.Most)
	}
	return fmt.Sprintf("≤ %s × %s", strconv.FormatFloat(g.Times, 'f', -1, 64), g.Of)
}

// Met tells whether the medians of row are within g.
func (g Goal) Met(rs Results, row string) (bool, error) {
	ours, ok := rs.Median(row, Ours, g.Unit)
	if !ok {
		return false, fmt.Errorf("%s has no %s of %s", row, g.Unit, Ours)
	}
	most := g.Most
	switch g.Of {
	case "":
	case Best:
		if _, most, ok = rs.BestPeer(row, g.Unit); !ok {
			return false, fmt.Errorf("%s has no %s of any peer", row, g.Unit)
		}
		most *= g.Times
	default:
		if most, ok = rs.Median(row, g.Of, g.Unit); !ok {
			return false, fmt.Errorf("%s has no %s of %s", row, g.Unit, g.Of)
		}
		most *= g.Times
	}
	return ours <= most, nil
}

// Count returns v as people write it: 1,234, and 9.8 where it is small.
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
