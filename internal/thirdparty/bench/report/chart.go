package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// A chart has a panel for each row and unit, two beside each other, with a bar for
// each library. Sizes are in pixels.
const (
	chartWidth  = 860
	margin      = 24
	titleHeight = 66
	gap         = 28 // between panels
	panelWidth  = (chartWidth - 2*margin - gap) / 2
	panelTitle  = 26
	barHeight   = 15
	barStep     = 22
	nameWidth   = 112
	valueWidth  = 76
	barWidth    = panelWidth - nameWidth - valueWidth
)

// cutAt is how many times the panel's second smallest figure the longest bar may
// be. A longer one is cut, or none of the others could be told apart.
const cutAt = 6

// style has colors for both of a reader's modes.
const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #59636e }
.title { font-size: 18px; font-weight: 600; fill: #1f2328 }
.what { font-size: 13px; font-weight: 600; fill: #1f2328 }
.value { font-variant-numeric: tabular-nums }
.page { fill: #ffffff; stroke: #d1d9e0 }
.rest { fill: #eff2f5 }
.peer { fill: #9aa7b4 }
.bare { fill: none; stroke: #9aa7b4; stroke-dasharray: 3 2 }
.ours { fill: #0b7a6f }
.our { fill: #0b7a6f; font-weight: 600 }
.cut { stroke: #ffffff; stroke-width: 2.5; fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title, .what { fill: #f0f6fc }
.page { fill: #0d1117; stroke: #3d444d }
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

// drawChart returns an SVG of the medians of g.
func drawChart(rs bench.Results, g bench.Group) []byte {
	panels := panelsOf(rs, g)
	height := titleHeight + margin
	for i := 0; i < len(panels); i += 2 {
		height += rowHeight(panels[i:min(i+2, len(panels))])
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %d" role="img" aria-labelledby="title desc">`+"\n",
		chartWidth, height, height)
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n<style>%s</style>\n", escaped(g.Title), escaped(describe(panels)), style)
	fmt.Fprintf(&b, `<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", chartWidth-1, height-1)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="34">%s</text>`+"\n", margin, escaped(g.Title))
	fmt.Fprintf(&b, `<text x="%d" y="54">Shorter is better. Each panel has a scale of its own; a bar with a notch is longer than it has room for.</text>`+"\n", margin)
	y := titleHeight
	for i := 0; i < len(panels); i += 2 {
		pair := panels[i:min(i+2, len(panels))]
		for j, p := range pair {
			p.draw(&b, margin+j*(panelWidth+gap), y)
		}
		y += rowHeight(pair)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
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
		for i, unit := range g.Units {
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
	case bench.Ours, "bhojpur-Read":
		return "ours"
	case "bare", "nethttp", "nethttp-hijacked":
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

func (p panel) draw(b *bytes.Buffer, x, y int) {
	fmt.Fprintf(b, `<text class="what" x="%d" y="%d">%s</text>`+"\n", x, y+13, escaped(p.title))
	full := p.scale()
	for i, bar := range p.bars {
		top := y + panelTitle + i*barStep
		left, base := x+nameWidth, top+barHeight-3
		length := max(2, min(bar.value/full, 1)*barWidth)
		fmt.Fprintf(b, `<text class="%s" x="%d" y="%d" text-anchor="end">%s</text>`, bar.nameClass, left-8, base, escaped(bar.name))
		fmt.Fprintf(b, `<rect class="rest" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, left, top, barWidth, barHeight)
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, bar.class, left, top, length, barHeight)
		if bar.value > full {
			fmt.Fprintf(b, `<path class="cut" d="M%d %d l-6 %d m7 0 l6 -%[3]d"/>`, left+barWidth-24, top-1, barHeight+2)
		}
		fmt.Fprintf(b, `<text class="value %s" x="%d" y="%d">%s</text>`+"\n", bar.nameClass, left+barWidth+8, base, bench.Count(bar.value))
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

func escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
