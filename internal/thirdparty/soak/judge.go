package main

import (
	"fmt"
	"slices"
	"time"
)

// quantity is a quantity that must not grow.
type quantity struct {
	name, unit string
	scale      float64 // how many make one unit
	of         func(r reading) float64
	// floor and share limit the growth between two quarters: a number, and a fraction
	// of the earlier value. share allows for noise: the number of clients at the
	// moment, and the messages under way.
	floor, share float64
	// left and leftEach limit the growth from the beginning to the end: a number, and a
	// number per concurrent client. The runtime keeps the memory of ended goroutines
	// for new ones, and maps never shrink.
	left, leftEach float64
}

const mib = 1 << 20

// compressor is the size of the idle Writer that package deflate keeps after all
// connections are closed, because creating one takes longer than compressing a message.
const compressor = 1280 << 10

// quantities are the judged quantities.
var quantities = []quantity{
	{name: "heap", unit: "MiB", scale: mib, of: func(r reading) float64 { return float64(r.Heap) },
		floor: 2 * mib, share: 0.05, left: mib + compressor, leftEach: 1 << 10},
	{name: "goroutines", scale: 1, of: func(r reading) float64 { return float64(r.Goroutines) },
		floor: 16, share: 0.05},
	{name: "descriptors", scale: 1, of: func(r reading) float64 { return float64(r.Descriptors) },
		floor: 16, share: 0.05},
}

// flatness is the comparison of judgeFlat.
const flatness = "second to last quarter"

// verdict is the comparison of a quantity at two times.
type verdict struct {
	quantity
	what         string // the times compared
	before, then float64
	allowed      float64 // for then - before
	perMinute    float64 // the slope; 0 if there is none
	exact        bool    // a decrease is also wrong
}

func (v verdict) ok() bool {
	grown := v.then - v.before
	return grown <= v.allowed && (!v.exact || grown >= 0)
}

func (v verdict) String() string {
	return fmt.Sprintf("%s, %s: %s before and %s then, where %s more are allowed",
		v.name, v.what, v.show(v.before), v.show(v.then), v.show(v.allowed))
}

// show formats a value with its unit.
func (q quantity) show(v float64) string {
	if q.scale == 1 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f %s", v/q.scale, q.unit)
}

// minSamples of a run are three for each quarter, and some late ones.
const minSamples = 16

// judgeFlat compares the medians of the second quarter, when everything has reached its
// level, and the last quarter.
func judgeFlat(readings []reading, duration time.Duration) ([]verdict, error) {
	second, last := quarter(readings, duration, 1), quarter(readings, duration, 3)
	if len(second) < minSamples/5 || len(last) < minSamples/5 {
		return nil, fmt.Errorf("%d and %d readings are too few to compare", len(second), len(last))
	}
	settled := slices.Concat(second, quarter(readings, duration, 2), last)
	var verdicts []verdict
	for _, q := range quantities {
		before := q.median(second)
		verdicts = append(verdicts, verdict{
			quantity: q, what: flatness,
			before: before, then: q.median(last), allowed: q.floor + q.share*before,
			perMinute: q.slope(settled),
		})
	}
	return verdicts, nil
}

// judgeReturned compares the end with the time before the first connection.
func judgeReturned(before, then reading, connections int) []verdict {
	var verdicts []verdict
	for _, q := range quantities {
		allowed := q.left + q.leftEach*float64(connections)
		verdicts = append(verdicts, verdict{
			quantity: q, what: "all closed",
			before: q.of(before), then: q.of(then), allowed: allowed, exact: allowed == 0,
		})
	}
	return verdicts
}

// quarter returns the readings of quarter n of the run, from 0.
func quarter(readings []reading, duration time.Duration, n int) []reading {
	var chosen []reading
	for _, r := range readings {
		if from := duration * time.Duration(n) / 4; r.At >= from && r.At < from+duration/4 {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

func (q quantity) median(readings []reading) float64 {
	var values []float64
	for _, r := range readings {
		values = append(values, q.of(r))
	}
	return medianOf(values)
}

// slope returns the median of the slopes between all pairs of readings, in units per
// minute: outliers do not affect it.
func (q quantity) slope(readings []reading) float64 {
	var slopes []float64
	for i, a := range readings {
		for _, b := range readings[:i] {
			if minutes := (a.At - b.At).Minutes(); minutes > 0 {
				slopes = append(slopes, (q.of(a)-q.of(b))/minutes)
			}
		}
	}
	return medianOf(slopes)
}

func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
