package liveness

import (
	"errors"
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

	mu       sync.Mutex // the timer function runs on its own goroutine
	findings []string
}

func (w *watched) found() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.findings)
}

func watch(s Settings) *watched {
	w := &watched{Watch: New(s), start: time.Now()}
	w.Start(func() {
		if f := w.Look(); f != Nothing {
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
		}, []string{"silent at 1m48s", "gone at 1m50s"}},
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
