// Package chart draws the common parts of the charts in this repository: an SVG with a
// frame, a title, a description for screen readers, and colors for light and dark mode.
// The caller draws the content.
package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Margin is the space between the frame and its content. Sizes are in pixels.
const Margin = 24

// TitleHeight is the height of the title and the subtitle.
const TitleHeight = 66

// style is the common style of charts. The class what is for the names of panels, and
// value for numbers.
const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #59636e }
.title { font-size: 18px; font-weight: 600; fill: #1f2328 }
.what { font-size: 13px; font-weight: 600; fill: #1f2328 }
.value { font-variant-numeric: tabular-nums }
.page { fill: #ffffff; stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title, .what { fill: #f0f6fc }
.page { fill: #0d1117; stroke: #3d444d }
}
`

// Frame is the frame of a chart.
type Frame struct {
	Title    string
	Subtitle string // the line below the title
	Words    string // describe the chart
	Style    string // of the caller's classes, as CSS
	Width    int
	Height   int
}

// Chart is an SVG under construction.
type Chart struct{ b bytes.Buffer }

// New starts a chart.
func New(f Frame) *Chart {
	c := new(Chart)
	c.Printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title desc">`+"\n",
		f.Width, f.Height)
	c.Printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n<style>%s%s</style>\n",
		Escaped(f.Title), Escaped(f.Words), style, strings.TrimPrefix(f.Style, "\n"))
	c.Printf(`<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", f.Width-1, f.Height-1)
	c.Printf(`<text class="title" x="%d" y="34">%s</text>`+"\n", Margin, Escaped(f.Title))
	c.Printf(`<text x="%d" y="54">%s</text>`+"\n", Margin, Escaped(f.Subtitle))
	return c
}

// Printf writes SVG. Text in it must be escaped.
func (c *Chart) Printf(format string, args ...any) {
	fmt.Fprintf(&c.b, format, args...)
}

// Bytes ends the chart and returns it.
func (c *Chart) Bytes() []byte {
	c.b.WriteString("</svg>\n")
	return c.b.Bytes()
}

// Escaped returns s escaped for XML.
func Escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder returns no error
	return b.String()
}
