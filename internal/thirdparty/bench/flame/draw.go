package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/chart"
)

// Sizes are in pixels.
const (
	width       = 1100
	frameHeight = 17
	letterWidth = 6.4
	legendRoom  = 30
	thinnest    = 0.7 // a thinner frame is left out
)

// style has the colors of the parts, for both of a reader's modes.
const style = `
.f { stroke: #ffffff; stroke-width: 0.5 }
.n { font-size: 11px; fill: #1f2328 }
.p0, .p1 { fill: #f2c14e }
.p2 { fill: #c9d1d9 }
.p3 { fill: #e5989b }
.p4 { fill: #3fb8a9 }
.p5 { fill: #9ec1e8 }
.p6 { fill: #e3e8ed }
@media (prefers-color-scheme: dark) {
.f { stroke: #0d1117 }
}
`

// legend names the colors.
var legend = []struct {
	part part
	name string
}{
	{ours, "this library"},
	{reading, "system calls"},
	{library, "net, internal/poll, syscall"},
	{scheduling, "the runtime's scheduler"},
	{collecting, "memory"},
	{program, "the program, net/http"},
}

// graph is a flame graph that is being drawn.
type graph struct {
	*chart.Chart
	perNano float64 // pixels
	bottom  int     // of the root's frame
}

// draw returns an SVG of root: a frame's width is the time of a function with all that
// it calls, and above it is what it calls.
func draw(root *node, words string) []byte {
	usable := float64(width - 2*chart.Margin)
	least := int64(thinnest / usable * float64(root.nanos))
	c := chart.New(chart.Frame{
		Title:    "Processor time of a server that echoes",
		Subtitle: words + ". Width is time; above a function is what it calls.",
		Words:    describe(root),
		Style:    style,
		Width:    width,
		Height:   root.depth(least)*frameHeight + legendRoom + chart.Margin,
	})
	g := graph{
		Chart:   c,
		perNano: usable / float64(root.nanos),
		bottom:  c.Bottom - chart.Margin - legendRoom,
	}
	g.frame(root, nil, chart.Margin, 0, root.nanos)
	x := chart.Margin
	for _, l := range legend {
		g.Printf(`<rect class="p%d" x="%d" y="%d" width="12" height="12"/><text x="%d" y="%d">%s</text>`+"\n",
			l.part, x, c.Bottom-chart.Margin-12, x+18, c.Bottom-chart.Margin-2, chart.Escaped(l.name))
		x += 40 + int(letterWidth*float64(len(l.name)))
	}
	return g.Bytes()
}

// frame draws n, which is called from callers, and all above it.
func (g graph) frame(n *node, callers []string, x float64, level int, total int64) {
	w := float64(n.nanos) * g.perNano
	if w < thinnest {
		return
	}
	stack := append(callers[:len(callers):len(callers)], n.name)
	y := g.bottom - (level+1)*frameHeight
	g.Printf(`<g><title>%s: %.1f %%</title><rect class="f p%d" x="%.1f" y="%d" width="%.1f" height="%d"/>`,
		chart.Escaped(n.name), 100*float64(n.nanos)/float64(total), partOf(stack), x, y, w, frameHeight)
	if text := fitting(n.name, w); text != "" {
		g.Printf(`<text class="n" x="%.1f" y="%d">%s</text>`, x+3, y+12, chart.Escaped(text))
	}
	g.Printf("</g>\n")
	for _, c := range n.calls {
		g.frame(c, stack, x, level+1, total)
		x += float64(c.nanos) * g.perNano
	}
}

// fitting returns as much of a function's name, without the path of its package, as
// fits into width.
func fitting(name string, width float64) string {
	name = path.Base(strings.ReplaceAll(name, "[...]", ""))
	room := int((width - 6) / letterWidth)
	switch {
	case room < 3:
		return ""
	case len(name) > room:
		return name[:room-1] + "…"
	}
	return name
}

// describe says in words what the graph shows.
func describe(root *node) string {
	var b strings.Builder
	var walk func(n *node, level int)
	walk = func(n *node, level int) {
		for _, c := range n.calls {
			if c.nanos*20 >= root.nanos && level < 12 {
				fmt.Fprintf(&b, "%s %.0f %%. ", path.Base(c.name), 100*float64(c.nanos)/float64(root.nanos))
				walk(c, level+1)
			}
		}
	}
	walk(root, 0)
	return strings.TrimSpace(b.String())
}
