package liveness

import (
	"errors"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// A watched is a Watch that records its findings.
type watched struct {
	*Watch
	start time.Time

	unsent func() int // of the stream

	mu       sync.Mutex // the timer function runs on its own goroutine
	findings []string
	looks    int
}

func (w *watched) found() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.findings)
}

func watch(s Settings) *watched {
	w := &watched{Watch: New(s), start: time.Now(), unsent: func() int { return Unknown }}
	w.Start(func() {
		w.mu.Lock()
		w.looks++
		w.mu.Unlock()
		if f := w.Look(w.unsent()); f != Nothing {
			name := map[Finding]string{Silent: "silent", Gone: "gone", Stalled: "stalled"}[f]
			w.mu.Lock()
			defer w.mu.Unlock()
			w.findings = append(w.findings, name+" at "+time.Since(w.start).String())
		}
	})
	return w
}

var errInterrupted = errors.New("interrupted")

// The findings of sequences of calls over time.
func TestFindings(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		name     string
		settings Settings
		does     func(w *watched)
		want     []string
	}{
		{"nothing on", Settings{}, func(w *watched) { w.Reads.Begin() }, nil},
		{"no call", Settings{PingInterval: second, WriteTimeout: second}, func(w *watched) {}, nil},
		{"a read", Settings{PingInterval: 8 * second, PingTimeout: 2 * second}, func(w *watched) {
			time.Sleep(3 * second)
			w.Reads.Begin()
		}, []string{"silent at 11s", "gone at 13s"}},
		{"the default timeout", Settings{PingInterval: 8 * second}, func(w *watched) { w.Reads.Begin() },
			[]string{"silent at 8s", "gone at 16s"}},
		{"an answer", Settings{PingInterval: 8 * second, PingTimeout: 2 * second}, func(w *watched) {
			w.Reads.Begin()
			time.Sleep(9 * second)
			w.Reads.End(1, nil)
			w.Reads.Begin()
		}, []string{"silent at 8s", "silent at 17s", "gone at 19s"}},
		{"no read after an answer", Settings{PingInterval: 8 * second, PingTimeout: 2 * second}, func(w *watched) {
			w.Reads.Begin()
			time.Sleep(9 * second)
			w.Reads.End(1, nil)
		}, []string{"silent at 8s"}},
		{"a pause", Settings{PingInterval: 8 * second, PingTimeout: 2 * second}, func(w *watched) {
			w.Reads.Begin()
			time.Sleep(7 * second)
			w.Reads.End(0, errInterrupted)
			time.Sleep(100 * second)
			w.Reads.Begin()
		}, []string{"silent at 1m55s", "gone at 1m57s"}},
		{"a pause after a ping", Settings{PingInterval: 8 * second, PingTimeout: 2 * second}, func(w *watched) {
			w.Reads.Begin()
			time.Sleep(10*second - 1)
			w.Reads.End(0, errInterrupted)
			time.Sleep(100 * second)
			w.Reads.Begin()
		}, []string{"silent at 8s", "silent at 1m57.999999999s", "gone at 1m59.999999999s"}},
		{"short calls", Settings{PingInterval: 7300 * time.Millisecond, PingTimeout: 3900 * time.Millisecond}, func(w *watched) {
			for range 20 {
				w.Reads.Begin()
				time.Sleep(second)
				w.Reads.End(0, errInterrupted)
				time.Sleep(second / 2) // does not count
			}
		}, []string{"silent at 11.275s", "gone at 17.175s"}},
		{"bounds without end", Settings{PingInterval: 8 * second, PingTimeout: math.MaxInt64, WriteTimeout: math.MaxInt64}, func(w *watched) {
			w.Reads.Begin()
			w.Writes.Begin()
		}, []string{"silent at 8s"}},
		{"a write", Settings{WriteTimeout: 8 * second}, func(w *watched) {
			time.Sleep(3 * second)
			w.Writes.Begin()
		}, []string{"stalled at 11s"}},
		{"a write that ends", Settings{WriteTimeout: 8 * second}, func(w *watched) {
			w.Writes.Begin()
			time.Sleep(7 * second)
			w.Writes.End(1, nil)
		}, nil},
		{"progress", Settings{WriteTimeout: 8 * second}, func(w *watched) {
			for range 10 {
				w.Writes.Begin()
				time.Sleep(7 * second)
				w.Writes.End(1, nil)
			}
			w.Writes.Begin()
		}, []string{"stalled at 1m18s"}},
		{"a silent peer and a stalled write", Settings{PingInterval: 8 * second, WriteTimeout: 10 * second}, func(w *watched) {
			w.Reads.Begin()
			w.Writes.Begin()
		}, []string{"silent at 8s", "stalled at 10s"}},
		{"progress inside a write", Settings{WriteTimeout: 8 * second}, func(w *watched) {
			sent := make(chan struct{})
			w.unsent = func() int {
				select {
				case <-sent:
					return 0
				default:
					return 1000 - int(time.Since(w.start)/second)
				}
			}
			w.Writes.Begin()
			time.Sleep(100*second + 1)
			close(sent)
		}, []string{"stalled at 1m50s"}},
		{"reads that are stopped", Settings{PingInterval: 8 * second, WriteTimeout: 10 * second}, func(w *watched) {
			w.Reads.Begin()
			time.Sleep(9 * second)
			w.StopReads()
			w.Writes.Begin()
		}, []string{"silent at 8s", "stalled at 19s"}},
		{"an end", Settings{PingInterval: 8 * second}, func(w *watched) {
			w.Reads.Begin()
			w.Stop()
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(test.settings)
				test.does(w)
				time.Sleep(time.Hour)
				synctest.Wait()
				got := w.found()
				if len(got) != len(test.want) {
					t.Fatalf("found %q, want %q", got, test.want)
				}
				for i, want := range test.want {
					if got[i] != want {
						t.Errorf("found %q, want %q", got, test.want)
					}
				}
				w.Stop()
			})
		})
	}
}

// A pause of the program costs few looks, however little of a bound is left.
func TestLookInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(Settings{PingInterval: 8 * time.Second, WriteTimeout: 8 * time.Second})
		defer w.Stop()
		w.Reads.Begin()
		w.Writes.Begin()
		time.Sleep(8*time.Second - time.Millisecond)
		w.Reads.End(0, errInterrupted)
		w.Writes.End(0, errInterrupted)
		time.Sleep(1000 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.looks > 1000 {
			t.Errorf("%d looks in 1000 seconds, with steps of 2", w.looks)
		}
	})
}

// The timer runs only while there is something to wait for.
func TestTimerIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(Settings{WriteTimeout: 8 * time.Second})
		defer w.Stop()
		wantStopped := func() {
			t.Helper()
			w.Watch.mu.Lock()
			defer w.Watch.mu.Unlock()
			if w.timer.Stop() {
				t.Error("the timer runs")
			}
		}
		wantStopped()
		w.Writes.Begin()
		w.Writes.End(1, nil)
		time.Sleep(8 * time.Second)
		synctest.Wait()
		wantStopped()
	})
}
