package autobahn

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// wireView is a line of a wire log on a page.
type wireView struct {
	At   string // milliseconds
	Note string // excludes all other fields

	Way     string // sent or received
	Frame   string // its opcode and FIN bit
	FIN     bool
	RSV     string // the bits that are set
	Key     string
	Length  int
	Payload payloadView
	How     string // how it was written
}

func newWireView(e Entry) wireView {
	v := wireView{At: fmt.Sprintf("%.3f", float64(e.At)/float64(time.Millisecond)), Way: "sent"}
	if e.Kind == Note {
		v.Note = e.Text
		return v
	}
	v.Length, v.Payload = e.Length, newPayloadView(e.Head, e.Length)
	if e.Kind == SentPart {
		v.Frame = "part of the frame"
		return v
	}
	if e.Kind == ReceivedFrame {
		v.Way = "received"
	}
	v.Frame, v.FIN = e.Opcode.String(), e.Fin
	var bits []string
	for i, bit := range []byte{rsv1, rsv2, rsv3} {
		if e.RSV&bit != 0 {
			bits = append(bits, fmt.Sprint(i+1))
		}
	}
	v.RSV = strings.Join(bits, " ")
	if e.Masked {
		v.Key = hex.EncodeToString(e.Key[:])
	}
	if e.Opcode == Close && len(e.Head) >= 2 {
		code := fmt.Sprint(int(e.Head[0])<<8 | int(e.Head[1]))
		v.Payload = newPayloadView(e.Head[2:], e.Length-2)
		v.Payload.Begin = append([]run{{code + " ", plainRun}}, v.Payload.Begin...)
	}
	switch {
	case e.Chop > 0:
		v.How = fmt.Sprintf("written in pieces of %d", e.Chop)
	case e.Sync:
		v.How = "written on its own"
	}
	return v
}

// payloadView is a payload on a page.
type payloadView struct {
	Begin []run
	Rest  []run // after Begin, collapsed
	Cut   bool  // the log has only a part of it
}

// run is a part of a payload. Kind is a class in the style sheet.
type run struct {
	Text string
	Kind runKind
}

type runKind string

const (
	plainRun  runKind = ""
	escapeRun runKind = "escape" // represents invisible characters
	brokenRun runKind = "broken" // represents bytes that are not text
)

// shownPayload is the number of bytes of a payload that are visible at first.
const shownPayload = 48

// newPayloadView returns the view of a payload of n bytes that begins with head.
func newPayloadView(head []byte, n int) payloadView {
	v := payloadView{Cut: len(head) < n}
	runs := hexRuns
	if mostlyText(head) {
		runs = textRuns
	}
	begin := head
	if len(head) > shownPayload {
		begin = wholeRunes(head[:shownPayload])
		v.Rest = runs(head[len(begin):])
	}
	v.Begin = runs(begin)
	return v
}

// mostlyText reports whether p is mainly text, possibly with errors.
func mostlyText(p []byte) bool {
	text := 0
	for rest := p; len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		if (c != utf8.RuneError || n > 1) && !unprintable(c) {
			text += n
		}
		rest = rest[n:]
	}
	return text*4 >= len(p)*3
}

// textRuns returns p as text, with invalid bytes in hex.
func textRuns(p []byte) []run {
	var runs []run
	for len(p) > 0 {
		c, n := utf8.DecodeRune(p)
		r := run{string(p[:n]), plainRun}
		switch {
		case c == utf8.RuneError && n == 1:
			r = run{fmt.Sprintf(`\x%02x`, p[0]), brokenRun}
		case !unicode.IsGraphic(c):
			r = run{strings.Trim(strconv.QuoteRune(c), "'"), escapeRun}
		}
		if last := len(runs) - 1; last >= 0 && runs[last].Kind == r.Kind {
			runs[last].Text += r.Text
		} else {
			runs = append(runs, r)
		}
		p = p[n:]
	}
	return runs
}

// hexRuns returns p in hex, in groups of 4 bytes.
func hexRuns(p []byte) []run {
	if len(p) == 0 {
		return nil
	}
	const group = 4
	var words []string
	for len(p) > 0 {
		n := min(group, len(p))
		words = append(words, hex.EncodeToString(p[:n]))
		p = p[n:]
	}
	return []run{{strings.Join(words, " "), plainRun}}
}
