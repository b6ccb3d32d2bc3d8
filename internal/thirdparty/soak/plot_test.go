package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/machine"
)

// svg is the content of a picture.
type svg struct {
	width, height float64
	lines         [][]string // the points of each
	texts         string
}

// wantSVG expects XML that contains all lines and their names, and no point outside the
// frame.
func wantSVG(t *testing.T, b []byte) svg {
	t.Helper()
	var s svg
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		switch token := token.(type) {
		case xml.StartElement:
			s.element(t, token)
		case xml.CharData:
			s.texts += string(token) + "\n"
		}
	}
	want := 0
	for _, p := range panels {
		want += len(p.lines)
		for _, l := range p.lines {
			if !strings.Contains(s.texts, "\n"+l.name+"\n") {
				t.Errorf("%q is not in the legend", l.name)
			}
		}
		if !strings.Contains(s.texts, p.title+", "+p.unit) {
			t.Errorf("the title %q with its unit is missing", p.title)
		}
	}
	if len(s.lines) != want {
		t.Errorf("there are %d lines, want %d", len(s.lines), want)
	}
	for _, line := range s.lines {
		for _, point := range line {
			x, y := coordinates(t, point)
			if !(0 <= x && x <= s.width && 0 <= y && y <= s.height) { // false for NaN too
				t.Errorf("a point is at %s, outside of %v × %v", point, s.width, s.height)
			}
		}
	}
	return s
}

func (s *svg) element(t *testing.T, e xml.StartElement) {
	t.Helper()
	for _, attr := range e.Attr {
		switch name := e.Name.Local + " " + attr.Name.Local; name {
		case "svg width":
			s.width = number(t, attr.Value)
		case "svg height":
			s.height = number(t, attr.Value)
		case "polyline points":
			s.lines = append(s.lines, strings.Fields(attr.Value))
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func coordinates(t *testing.T, point string) (x, y float64) {
	t.Helper()
	left, right, ok := strings.Cut(point, ",")
	if !ok {
		t.Fatalf("a point is %q", point)
	}
	return number(t, left), number(t, right)
}

// drawn returns an artificial run.
func drawn(t *testing.T, readings []reading) *outcome {
	t.Helper()
	set := settings{connections: 2000, minutes: 10, command: `go run ./soak -svg "a<b>&c"`}
	before := reading{Heap: mib, Goroutines: 6, Descriptors: 11}
	after := before
	after.At = 10*time.Minute + 5*time.Second
	o := &outcome{
		set: set, machine: machine.This(), crowd: newCrowd(set, ""),
		readings: append(readings, after),
		ends:     map[string]int{"reset": 12345, "violation": 7},
		server:   ends{before, after}, clients: ends{before, after},
	}
	if err := o.judge(); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDraw(t *testing.T) {
	readings := series(func(*reading) {})
	o := drawn(t, readings)
	o.crowd.counts["echo"].connections.Store(1234567)
	b := o.draw()
	s := wantSVG(t, b)
	for _, line := range s.lines {
		if want := len(readings) + 2; len(line) != want {
			t.Errorf("a line has %d points, want %d", len(line), want)
		}
		_, first := coordinates(t, line[0])
		_, highest := coordinates(t, line[len(line)/2])
		if highest > first {
			t.Errorf("a line falls from %v to %v", first, highest)
		}
	}
	for _, want := range []string{"time in minutes", "1,234,567 connections", "reset: 12,345", `-svg "a<b>&c"`, o.machine.Go, o.machine.Date, "goroutines 6 → 6"} {
		if !strings.Contains(strings.Join(strings.Fields(s.texts), " "), want) {
			t.Errorf("the picture does not say %q:\n%s", want, s.texts)
		}
	}
	if light := 64 << 10; len(b) > light {
		t.Errorf("the picture has %d bytes, want at most %d", len(b), light)
	}
}

// A quantity that is always 0 has an axis too.
func TestDrawNothing(t *testing.T) {
	wantSVG(t, drawn(t, series(func(r *reading) { *r = reading{At: r.At} })).draw())
}

func TestStepOf(t *testing.T) {
	for _, test := range []struct {
		most float64
		n    int
		want float64
	}{{0, 3, 1}, {3, 3, 1}, {31, 3, 20}, {60, 8, 10}, {10, 8, 2}, {0.4, 3, 0.2}, {2000, 3, 1000}} {
		if got := stepOf(test.most, test.n); got != test.want {
			t.Errorf("the step to %v is %v, want %v", test.most, got, test.want)
		}
	}
}

func TestWrapped(t *testing.T) {
	long := strings.Repeat("größer ", 40)
	lines := wrapped(long, 30)
	for _, line := range lines {
		if n := len([]rune(line)); n > 30 {
			t.Errorf("a line has %d characters: %q", n, line)
		}
	}
	if strings.Join(lines, " ") != strings.TrimSpace(long) {
		t.Errorf("words are lost: %q", lines)
	}
}
