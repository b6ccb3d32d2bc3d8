package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chart"
)

// The picture has a panel for each kind of quantity, one below the other, with time
// from left to right, and a caption. Sizes are in pixels.
const (
	pictureWidth = 860
	axisWidth    = 64 // for the numbers of the axis
	plotLeft     = chart.Margin + axisWidth
	plotWidth    = pictureWidth - plotLeft - chart.Margin
	plotHeight   = 150
	panelTitle   = 26
	panelHeight  = panelTitle + plotHeight + 22
	timeHeight   = 24  // for the label of the time axis
	lineHeight   = 17  // of the caption
	captionWidth = 124 // characters
	legendWidth  = 100 // of each name
)

// style has the colors of lines, for light and dark mode.
const style = `
.grid { stroke: #e4e8ec; fill: none }
.compared { fill: #f3f6f8 }
.a, .b, .c { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.a { stroke: #0b7a6f }
.b { stroke: #b35900 }
.c { stroke: #6b5bc9; stroke-dasharray: 2 3 }
.median { stroke: #1f2328; stroke-dasharray: 5 3; fill: none }
@media (prefers-color-scheme: dark) {
.grid { stroke: #262d36 }
.compared { fill: #161c24 }
.a { stroke: #2dbfae }
.b { stroke: #e0954a }
.c { stroke: #9d90f0 }
.median { stroke: #f0f6fc }
}
`

// line is a quantity over time.
type line struct {
	name string
	of   func(r reading) float64
}

// panels of the picture. Judged quantities have their medians drawn.
var panels = []struct {
	title, unit string
	lines       []line
}{
	{"Memory of the Go runtime, after a collection", "MiB", []line{
		{"heap", func(r reading) float64 { return float64(r.Heap) / mib }},
		{"stacks", func(r reading) float64 { return float64(r.Stack) / mib }},
	}},
	{"Resident memory", "MiB", []line{
		{"resident", func(r reading) float64 { return float64(r.Resident) / mib }},
	}},
	{"Connections and their resources", "number", []line{
		{"goroutines", func(r reading) float64 { return float64(r.Goroutines) }},
		{"descriptors", func(r reading) float64 { return float64(r.Descriptors) }},
		{"connections", func(r reading) float64 { return float64(r.Open) }},
	}},
}

var lineClasses = []string{"a", "b", "c"}

// draw returns the picture as an SVG.
func (o *outcome) draw() []byte {
	caption := o.caption()
	c := chart.New(chart.Frame{
		Title: fmt.Sprintf("%s connections that open, exchange messages, misbehave and end", thousands(int64(o.set.connections))),
		Subtitle: fmt.Sprintf("What the server process holds in %v. The medians of the shaded quarters are compared; in the end all connections are closed.",
			o.set.duration().Round(time.Second)),
		Words:  strings.Join(caption, " "),
		Style:  style,
		Width:  pictureWidth,
		Height: len(panels)*panelHeight + timeHeight + (len(caption)+1)*lineHeight + chart.Margin,
	})
	all := append([]reading{o.server.before}, o.readings...)
	y := c.Top
	for i := range panels {
		o.drawPanel(c, i, all, y)
		y += panelHeight
	}
	c.Printf(`<text x="%d" y="%d" text-anchor="middle">time in %s</text>`+"\n", plotLeft+plotWidth/2, y+8, timeUnit(o.end()).name)
	y += timeHeight
	for _, text := range caption {
		y += lineHeight
		c.Printf(`<text x="%d" y="%d">%s</text>`+"\n", chart.Margin, y, chart.Escaped(text))
	}
	return c.Bytes()
}

// end returns the end of the time axis, late enough to show the end of the run.
func (o *outcome) end() time.Duration {
	return max(o.server.after.At, o.set.duration()*51/50)
}

// drawPanel draws panel i below y.
func (o *outcome) drawPanel(c *chart.Chart, i int, all []reading, y int) {
	p := panels[i]
	c.Printf(`<text class="what" x="%d" y="%d">%s</text>`+"\n", chart.Margin, y+13, chart.Escaped(p.title+", "+p.unit))
	x := pictureWidth - chart.Margin
	for j := len(p.lines) - 1; j >= 0; j-- { // the legend, from the right
		name := p.lines[j].name
		x -= legendWidth
		c.Printf(`<path class="%s" d="M%d %dh18"/>`, lineClasses[j], x, y+9)
		c.Printf(`<text x="%d" y="%d">%s</text>`+"\n", x+24, y+13, name)
	}
	most := 0.0
	for _, l := range p.lines {
		for _, r := range all {
			most = max(most, l.of(r))
		}
	}
	scale := axis{left: plotLeft, top: y + panelTitle, across: o.end(), up: most}
	scale.draw(c, o.set.duration())
	for j, l := range p.lines {
		scale.plot(c, lineClasses[j], all, l.of)
	}
	for _, v := range o.verdicts {
		for _, l := range p.lines {
			if l.name == v.name && v.what == flatness {
				o.drawMedians(c, scale, v)
			}
		}
	}
}

// drawMedians draws the two compared medians.
func (o *outcome) drawMedians(c *chart.Chart, a axis, v verdict) {
	quarter := o.set.duration() / 4
	for _, m := range []struct {
		from  time.Duration
		value float64
	}{{quarter, v.before}, {3 * quarter, v.then}} {
		c.Printf(`<path class="median" d="M%.1f %.1fH%.1f"/>`+"\n", a.x(m.from), a.y(m.value/v.scale), a.x(m.from+quarter))
	}
}

// axis is the scale of a panel.
type axis struct {
	left, top int
	across    time.Duration
	up        float64
}

func (a axis) x(t time.Duration) float64 {
	return float64(a.left) + float64(plotWidth)*t.Seconds()/a.across.Seconds()
}

func (a axis) y(v float64) float64 {
	return float64(a.top) + plotHeight*(1-v/a.full())
}

// full returns the value at the top.
func (a axis) full() float64 {
	step := stepOf(a.up, 3)
	return step * math.Ceil(max(a.up*1.05, step)/step)
}

// draw draws the two quarters, the grid and its numbers.
func (a axis) draw(c *chart.Chart, duration time.Duration) {
	for _, from := range []time.Duration{duration / 4, 3 * duration / 4} {
		c.Printf(`<rect class="compared" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n",
			a.x(from), a.top, a.x(duration/4)-a.x(0), plotHeight)
	}
	step := stepOf(a.up, 3)
	for i := 0; float64(i)*step <= a.full(); i++ {
		v := float64(i) * step
		c.Printf(`<path class="grid" d="M%d %.1fh%d"/>`, a.left, a.y(v), plotWidth)
		c.Printf(`<text class="value" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", a.left-8, a.y(v)+4, figure(v))
	}
	unit := timeUnit(a.across)
	for t, step := 0.0, stepOf(a.across.Seconds()/unit.seconds, 8); t*unit.seconds <= a.across.Seconds(); t += step {
		x := a.x(time.Duration(t * unit.seconds * float64(time.Second)))
		c.Printf(`<path class="grid" d="M%.1f %dv%d"/>`, x, a.top, plotHeight+4)
		c.Printf(`<text class="value" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, a.top+plotHeight+17, figure(t))
	}
}

// plot draws one line.
func (a axis) plot(c *chart.Chart, class string, readings []reading, of func(reading) float64) {
	points := make([]string, len(readings))
	for i, r := range readings {
		points[i] = fmt.Sprintf("%.1f,%.1f", a.x(r.At), a.y(of(r)))
	}
	c.Printf(`<polyline class="%s" points="%s"/>`+"\n", class, strings.Join(points, " "))
}

// stepOf returns a round step of which most contains about n.
func stepOf(most float64, n int) float64 {
	if most <= 0 {
		return 1
	}
	rough := most / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, round := range []float64{1, 2, 5} {
		if rough <= round*power {
			return round * power
		}
	}
	return 10 * power
}

// unitOfTime is the unit of the time axis.
type unitOfTime struct {
	name    string
	seconds float64
}

func timeUnit(across time.Duration) unitOfTime {
	const long = 3 * time.Minute
	if across > long {
		return unitOfTime{"minutes", 60}
	}
	return unitOfTime{"seconds", 1}
}

// figure formats a number of the axis.
func figure(v float64) string {
	v = math.Round(v*1000) / 1000 // rounding errors of the steps
	if v >= 1000 {
		return thousands(int64(v))
	}
	return fmt.Sprintf("%g", v)
}
