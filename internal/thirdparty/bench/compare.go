package bench

import (
	"math"
	"slices"
)

// Comparison is a figure of one library as a ratio to the same figure of another.
type Comparison struct {
	Of    string  // the other library
	Ratio float64 // of the medians
	// Spread is the largest ratio of a round minus the smallest. The libraries of a
	// round run one after the other, so a change of the machine between two rounds is
	// not in it. It is 0 if there was one round.
	Spread float64
	Rounds int
}

// Unsure reports whether the spread is larger than the difference between the ratio
// and another one.
func (c Comparison) Unsure(from float64) bool { return c.Spread > math.Abs(c.Ratio-from) }

// Compare compares the figures of library with those of another, which may be Best.
func (rs Results) Compare(row, library, of, unit string) (Comparison, bool) {
	if of == Best {
		var ok bool
		if of, _, ok = rs.BestPeer(row, unit); !ok {
			return Comparison{}, false
		}
	}
	a, ok := rs.Median(row, library, unit)
	b, found := rs.Median(row, of, unit)
	if !ok || !found || b == 0 {
		return Comparison{}, false
	}
	ours, theirs := rs[row][library][unit], rs[row][of][unit]
	c := Comparison{Of: of, Ratio: a / b, Rounds: min(len(ours), len(theirs))}
	var ratios []float64
	for i := range c.Rounds {
		ratios = append(ratios, ours[i]/theirs[i])
	}
	c.Spread = slices.Max(ratios) - slices.Min(ratios)
	return c, true
}

// spread returns the difference between the largest figure of a round and the
// smallest.
func (rs Results) spread(row, library, unit string) float64 {
	vs := rs[row][library][unit]
	if len(vs) == 0 {
		return 0
	}
	return slices.Max(vs) - slices.Min(vs)
}
