package main

import (
	"fmt"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
	"github.com/bhojpur/api/internal/thirdparty/chart"
)

// A chart has a panel for each row and unit, two beside each other, with a bar for
// each library. Sizes are in pixels.
const (
	chartWidth = 860
	gap        = 28 // between panels
	panelWidth = (chartWidth - 2*chart.Margin - gap) / 2
	panelTitle = 26
	barHeight  = 15
	barStep    = 22
	nameWidth  = 132
	valueWidth = 76
	barWidth   = panelWidth - nameWidth - valueWidth
)

// cutAt is how many times the panel's second smallest figure the longest bar may
// be. A longer one is cut, otherwise the others could not be distinguished.
const cutAt = 6

// style has the colors of bars, for both of a reader's modes.
const style = `
.rest { fill: #eff2f5 }
.peer { fill: #9aa7b4 }
.bare { fill: none; stroke: #9aa7b4; stroke-dasharray: 3 2 }
.ours { fill: #0b7a6f }
.our { fill: #0b7a6f; font-weight: 600 }
.cut { stroke: #ffffff; stroke-width: 2.5; fill: none }
@media (prefers-color-scheme: dark) {
.rest { fill: #171d25 }
.peer { fill: #66717d }
.bare { stroke: #66717d }
.ours { fill: #2dbfae }
.our { fill: #2dbfae }
.cut { stroke: #0d1117 }
}
`

// panel is one comparison.
type panel struct {
	title string
	bars  []bar
}

type bar struct {
	name, class, nameClass string
	value                  float64
}

// drawChart returns an SVG of the medians of g on a machine.
func drawChart(rs bench.Results, g bench.Group, machine string) []byte {
	panels := panelsOf(rs, g)
	height := chart.Margin
	for i := 0; i < len(panels); i += 2 {
		height += rowHeight(panels[i:min(i+2, len(panels))])
	}
	c := chart.New(chart.Frame{
		Title:    g.Title,
		Subtitle: machine + ". Shorter is better. Each panel has its own scale; a notch marks a bar that is cut.",
		Words:    describe(panels),
		Style:    style,
		Width:    chartWidth,
		Height:   height,
	})
	y := c.Top
	for i := 0; i < len(panels); i += 2 {
		pair := panels[i:min(i+2, len(panels))]
		for j, p := range pair {
			p.draw(c, chart.Margin+j*(panelWidth+gap), y)
		}
		y += rowHeight(pair)
	}
	return c.Bytes()
}

func rowHeight(panels []panel) int {
	most := 0
	for _, p := range panels {
		most = max(most, len(p.bars))
	}
	return panelTitle + most*barStep + 12
}

// panelsOf returns a panel of each row's first unit, and of what goes over the wire.
func panelsOf(rs bench.Results, g bench.Group) (panels []panel) {
	for _, row := range g.Rows {
		if len(rs[row.Name]) == 0 {
			continue
		}
		for i, unit := range g.UnitsOf(row) {
			if i > 0 && unit != "wire-B/op" {
				continue
			}
			p := panel{title: row.What + ", " + strings.TrimSuffix(unit, "/op")}
			for _, name := range columns(rs, bench.Group{Rows: []bench.Row{row}}, unit) {
				v, _ := rs.Median(row.Name, name, unit)
				p.bars = append(p.bars, bar{name, classOf(name), nameClassOf(name), v})
			}
			panels = append(panels, p)
		}
	}
	return panels
}

func classOf(name string) string {
	switch name {
	case bench.Ours, bench.Append, bench.Read:
		return "ours"
	case "bare", "nethttp", "mutex":
		return "bare"
	}
	return "peer"
}

func nameClassOf(name string) string {
	if name == bench.Ours {
		return "our"
	}
	return "name"
}

// scale returns the figure that has a bar of full length.
func (p panel) scale() float64 {
	smallest, second, most := 0.0, 0.0, 0.0
	for i, bar := range p.bars {
		switch {
		case i == 0 || bar.value < smallest:
			smallest, second = bar.value, smallest
		case i == 1 || bar.value < second:
			second = bar.value
		}
		most = max(most, bar.value)
	}
	if second > 0 {
		most = min(most, cutAt*second)
	}
	if most == 0 {
		return 1
	}
	return most
}

func (p panel) draw(c *chart.Chart, x, y int) {
	c.Printf(`<text class="what" x="%d" y="%d">%s</text>`+"\n", x, y+13, chart.Escaped(p.title))
	full := p.scale()
	for i, bar := range p.bars {
		top := y + panelTitle + i*barStep
		left, base := x+nameWidth, top+barHeight-3
		length := max(2, min(bar.value/full, 1)*barWidth)
		c.Printf(`<text class="%s" x="%d" y="%d" text-anchor="end">%s</text>`, bar.nameClass, left-8, base, chart.Escaped(bar.name))
		c.Printf(`<rect class="rest" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, left, top, barWidth, barHeight)
		c.Printf(`<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, bar.class, left, top, length, barHeight)
		if bar.value > full {
			c.Printf(`<path class="cut" d="M%d %d l-6 %d m7 0 l6 -%[3]d"/>`, left+barWidth-24, top-1, barHeight+2)
		}
		c.Printf(`<text class="value %s" x="%d" y="%d">%s</text>`+"\n", bar.nameClass, left+barWidth+8, base, bench.Count(bar.value))
	}
}

// describe says in words what the chart shows.
func describe(panels []panel) string {
	var b strings.Builder
	for _, p := range panels {
		fmt.Fprintf(&b, "%s: ", p.title)
		for i, bar := range p.bars {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %s", bar.name, bench.Count(bar.value))
		}
		b.WriteString(". ")
	}
	return strings.TrimSpace(b.String())
}
