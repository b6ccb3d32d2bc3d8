// Package chart draws the common parts of the charts in this repository: an SVG with a
// frame, a title, a description for screen readers, and colors for light and dark mode.
// The caller draws the content.
package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Margin is the space between the frame and its content. Sizes are in pixels.
const Margin = 24

const (
	titleHeight = 50 // of the title alone
	lineHeight  = 16 // of a line of the subtitle

	// letterWidth is a bit more than the mean width of a letter in the subtitle.
	letterWidth = 6.2
)

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
	Subtitle string // the text below the title, in as many lines as it needs
	Words    string // describe the chart
	Style    string // of the caller's classes, as CSS
	Width    int
	Height   int // of the content, below the subtitle
}

// Chart is an SVG under construction.
type Chart struct {
	Top    int // where the content begins
	Bottom int // where the chart ends
	b      bytes.Buffer
}

// New starts a chart.
func New(f Frame) *Chart {
	subtitle := lines(f.Subtitle, f.Width-2*Margin)
	c := &Chart{Top: titleHeight + len(subtitle)*lineHeight}
	c.Bottom = c.Top + f.Height
	c.Printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title desc">`+"\n",
		f.Width, c.Bottom)
	c.Printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n<style>%s%s</style>\n",
		Escaped(f.Title), Escaped(f.Words), style, strings.TrimPrefix(f.Style, "\n"))
	c.Printf(`<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", f.Width-1, c.Bottom-1)
	c.Printf(`<text class="title" x="%d" y="34">%s</text>`+"\n", Margin, Escaped(f.Title))
	for i, line := range subtitle {
		c.Printf(`<text x="%d" y="%d">%s</text>`+"\n", Margin, titleHeight+4+i*lineHeight, Escaped(line))
	}
	return c
}

// lines breaks text into lines of at most width pixels.
func lines(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch longer := line + " " + word; {
		case line == "":
			line = word
		case letterWidth*float64(utf8.RuneCountInString(longer)) > float64(width):
			lines, line = append(lines, line), word
		default:
			line = longer
		}
	}
	return append(lines, line)
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
