package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/bhojpur/api/internal/autobahn"
)

// progress reports the progress of an agent's cases. Its methods may be called
// concurrently.
type progress interface {
	start(*autobahn.Case)
	done(*autobahn.Result)
	end() // called last
}

// newProgress returns a changing status line if w is a terminal, and otherwise a line
// for each case: in the given order, or, without one, as they end.
func newProgress(w io.Writer, agent string, cases int, order []*autobahn.Case) progress {
	if isTerminal(w) {
		return newStatusLine(w, agent, cases)
	}
	return &plainLines{w: w, agent: printable(agent), order: order, waiting: make(map[string]*autobahn.Result)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	stat, err := f.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}

// printable returns untrusted text without control characters for a terminal.
func printable(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) || text == "" {
		return strconv.Quote(text)
	}
	return text
}

// plainLines prints a line for each case.
type plainLines struct {
	w     io.Writer
	agent string

	mu      sync.Mutex
	order   []*autobahn.Case // of the cases without a line
	waiting map[string]*autobahn.Result
}

func (l *plainLines) start(*autobahn.Case) {}

func (l *plainLines) done(res *autobahn.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.order == nil {
		l.printLocked(res)
		return
	}
	l.waiting[res.Case.ID] = res
	for len(l.order) > 0 && l.waiting[l.order[0].ID] != nil {
		l.printLocked(l.waiting[l.order[0].ID])
		delete(l.waiting, l.order[0].ID)
		l.order = l.order[1:]
	}
}

// end prints the lines that wait for cases that did not run.
func (l *plainLines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cs := range l.order {
		if res := l.waiting[cs.ID]; res != nil {
			l.printLocked(res)
		}
	}
	l.order = l.order[:0]
}

func (l *plainLines) printLocked(res *autobahn.Result) {
	fmt.Fprintf(l.w, "%s %s %s, %v\n", l.agent, res.Case.ID, outcome(res), res.Duration.Round(time.Millisecond))
}

// outcome describes both verdicts, with the reason if a case has not passed.
func outcome(res *autobahn.Result) string {
	text := string(res.Behavior)
	if res.BehaviorClose != res.Behavior {
		text += ", closing " + string(res.BehaviorClose)
	}
	if why := reason(res); why != "" {
		text += ": " + why
	}
	return text
}

// reason returns why a case has not passed, or "".
func reason(res *autobahn.Result) string {
	switch {
	case res.Passed():
		return ""
	case goodClosing(res.BehaviorClose) || res.Why == res.WhyClose || res.WhyClose == "":
		return res.Why
	case res.Behavior == autobahn.OK:
		return res.WhyClose
	}
	return res.Why + "; " + res.WhyClose
}

func goodClosing(v autobahn.Verdict) bool {
	return v == autobahn.OK || v == autobahn.Informational
}

// statusLine is one line on a terminal, which is redrawn.
type statusLine struct {
	w     io.Writer
	agent string
	cases int // total

	mu      sync.Mutex
	ran     int
	counts  map[string]int
	running []*autobahn.Case
}

func newStatusLine(w io.Writer, agent string, cases int) *statusLine {
	return &statusLine{w: w, agent: printable(agent), cases: cases, counts: make(map[string]int)}
}

func (l *statusLine) start(cs *autobahn.Case) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = append(l.running, cs)
	l.drawLocked()
}

func (l *statusLine) done(res *autobahn.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = slices.DeleteFunc(l.running, func(cs *autobahn.Case) bool { return cs == res.Case })
	l.ran++
	l.counts[string(res.Behavior)]++
	if !goodClosing(res.BehaviorClose) {
		l.counts["closing "+string(res.BehaviorClose)]++
	}
	l.drawLocked()
}

func (l *statusLine) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, eraseLine)
}

const (
	eraseLine  = "\r\x1b[K"
	lineLength = 79 // fits any terminal
)

// drawLocked writes the line. It shows the oldest of the running cases.
func (l *statusLine) drawLocked() {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d", l.ran, l.cases)
	for _, v := range verdicts {
		for _, name := range []string{string(v), "closing " + string(v)} {
			if n := l.counts[name]; n > 0 {
				fmt.Fprintf(&b, "  %s %d", name, n)
			}
		}
	}
	if len(l.running) > 0 {
		fmt.Fprintf(&b, "  now %s", l.running[0].ID)
	}
	fmt.Fprintf(&b, "  %s", l.agent)
	line := []rune(b.String())
	io.WriteString(l.w, eraseLine+string(line[:min(len(line), lineLength)]))
}
