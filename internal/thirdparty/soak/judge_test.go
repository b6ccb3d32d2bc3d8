package main

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

// level is the level of the runs in these tests, without noise.
var level = reading{Heap: 40 * mib, Stack: 4 * mib, Resident: 90 * mib, Goroutines: 2000, Descriptors: 1900, Open: 1880}

// series returns the readings of ten minutes with noise of 3 %, modified by change.
func series(change func(r *reading)) []reading {
	random := rand.New(rand.NewPCG(1, 2))
	var all []reading
	for at := time.Duration(0); at < 10*time.Minute; at += 2500 * time.Millisecond {
		r := level
		r.At = at
		noise := 1 + 0.06*(random.Float64()-0.5)
		r.Heap = int64(float64(r.Heap) * noise)
		r.Goroutines = int(float64(r.Goroutines) * noise)
		r.Descriptors = int(float64(r.Descriptors) * noise)
		change(&r)
		all = append(all, r)
	}
	return all
}

func TestJudgeFlat(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *reading)
		grown  string // the quantity; "" for none
	}{
		{"flat", func(*reading) {}, ""},
		{"grows while it warms up", func(r *reading) {
			if r.At < 150*time.Second {
				r.Heap, r.Goroutines, r.Descriptors = r.Heap/10, r.Goroutines/10, r.Descriptors/10
			}
		}, ""},
		{"falls", func(r *reading) { r.Heap -= int64(r.At.Seconds() * 30e3); r.Goroutines -= int(r.At.Seconds()) }, ""},
		{"has peaks in the end", func(r *reading) {
			if r.At > 8*time.Minute && int(r.At.Seconds())%10 == 0 {
				r.Heap *= 5
				r.Goroutines *= 5
			}
		}, ""},
		{"ends with somewhat more", func(r *reading) {
			if r.At > 7*time.Minute {
				r.Heap += 2 * mib
				r.Goroutines += 80
				r.Descriptors += 80
			}
		}, ""},
		{"resident memory grows", func(r *reading) { r.Resident += int64(r.At.Seconds() * 1e6) }, ""},
		{"heap grows by 15 KiB/s", func(r *reading) { r.Heap += int64(r.At.Seconds() * 15 * 1024) }, "heap"},
		{"one leaked goroutine a second", func(r *reading) { r.Goroutines += int(r.At.Seconds()) }, "goroutines"},
		{"one leaked descriptor a second", func(r *reading) { r.Descriptors += int(r.At.Seconds()) }, "descriptors"},
		{"heap grows late", func(r *reading) {
			if r.At > 7*time.Minute {
				r.Heap += 10 * mib
			}
		}, "heap"},
	} {
		t.Run(test.name, func(t *testing.T) {
			verdicts, err := judgeFlat(series(test.change), 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if len(verdicts) != len(quantities) {
				t.Errorf("there are %d verdicts", len(verdicts))
			}
			for _, v := range verdicts {
				if v.ok() != (v.name != test.grown) {
					t.Errorf("ok is %t: %v", v.ok(), v)
				}
			}
		})
	}
}

// Too few readings are an error.
func TestJudgeFlatNeedsReadings(t *testing.T) {
	all := series(func(*reading) {})
	for name, readings := range map[string][]reading{
		"none":            nil,
		"no last quarter": all[:len(all)*3/4],
		"no second":       all[len(all)/2:],
	} {
		if _, err := judgeFlat(readings, 10*time.Minute); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestJudgeReturned(t *testing.T) {
	const connections = 1000
	for _, test := range []struct {
		name   string
		change func(r *reading)
		wrong  string
	}{
		{"the same", func(*reading) {}, ""},
		{"memory of the runtime and of a compressor", func(r *reading) { r.Heap += mib + compressor + connections<<10 }, ""},
		{"more heap", func(r *reading) { r.Heap += mib + compressor + connections<<10 + 1 }, "heap"},
		{"less heap", func(r *reading) { r.Heap -= mib }, ""},
		{"a goroutine more", func(r *reading) { r.Goroutines++ }, "goroutines"},
		{"a goroutine less", func(r *reading) { r.Goroutines-- }, "goroutines"},
		{"a descriptor more", func(r *reading) { r.Descriptors++ }, "descriptors"},
		{"a descriptor less", func(r *reading) { r.Descriptors-- }, "descriptors"},
	} {
		then := level
		test.change(&then)
		verdicts := judgeReturned(level, then, connections)
		if len(verdicts) != len(quantities) {
			t.Errorf("%s: there are %d verdicts", test.name, len(verdicts))
		}
		for _, v := range verdicts {
			if v.ok() != (v.name != test.wrong) {
				t.Errorf("%s: ok is %t: %v", test.name, v.ok(), v)
			}
		}
	}
}

func TestSlope(t *testing.T) {
	q := quantities[1]
	all := series(func(r *reading) {
		r.Goroutines = 100 + 12*int(r.At.Minutes())
		if r.At == 5*time.Minute {
			r.Goroutines = 1e6
		}
	})
	if got := q.slope(all); got < 11 || got > 13 {
		t.Errorf("the slope is %v, want 12", got)
	}
	if got := q.slope(all[:1]); got != 0 {
		t.Errorf("the slope of a point is %v", got)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := medianOf(test.values); got != test.want {
			t.Errorf("the median of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

// One client that never detects the end of its connection is tolerated as an accident of
// the network; many are not.
func TestClientsWithoutEnd(t *testing.T) {
	for _, test := range []struct {
		endless, done int64
		want          error
	}{{0, 0, nil}, {1, 1, nil}, {2, 9, errFailures}, {11, 100, nil}, {12, 100, errFailures}} {
		o := drawn(t, series(func(*reading) {}))
		c := o.crowd.counts["never reads"]
		c.endless.Store(test.endless)
		c.done.Store(test.done)
		wantIs(t, o.failure(), test.want)
	}
}

// The final reading is taken after all clients have left.
func TestSettledReadsOnceMore(t *testing.T) {
	before := reading{Goroutines: 6, Descriptors: 9, Heap: 1 * mib}
	readings := []reading{
		{Goroutines: 8, Descriptors: 11, Heap: 4 * mib},
		{Goroutines: 6, Descriptors: 9, Heap: 3 * mib}, // the last two left meanwhile
		before,
	}
	r, err := settled(t.Context(), time.Minute, before, func() (reading, error) {
		r := readings[0]
		readings = readings[1:]
		return r, nil
	})
	if err != nil || r != before || len(readings) > 0 {
		t.Errorf("got %+v, %v, and %d readings are left", r, err, len(readings))
	}
}
