package autobahn

import (
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKinds checks that each case is of one of four kinds: with outcomes, with one
// echoed message, with many, or with many compressed ones.
func TestKinds(t *testing.T) {
	for _, c := range Cases() {
		number, _, _ := strings.Cut(c.ID, ".")
		switch number {
		case "12", "13":
			if c.Exchange == nil || c.Exchange.Deflate == nil || c.Exchange.Corpus == "" || c.Exchange.Unit != "" {
				t.Errorf("%s does not compress a corpus", c.ID)
			}
		case "9":
			many := c.Group() == "9.7" || c.Group() == "9.8"
			if many != (c.Exchange != nil) || c.Expect != nil {
				t.Errorf("%s does not belong to its group", c.ID)
			}
			if many && (c.Exchange.Deflate != nil || c.Exchange.Unit == "" || c.Exchange.Corpus != "") {
				t.Errorf("%s does not repeat a unit", c.ID)
			}
		default:
			if c.Exchange != nil || c.Expect == nil {
				t.Errorf("%s expects nothing", c.ID)
			}
		}
		if (c.Exchange != nil) == (c.Steps != nil) {
			t.Errorf("%s has both steps and an exchange, or neither", c.ID)
		}
		if (c.FramesSent != 0) != (number == "10") {
			t.Errorf("%s counts %d frames", c.ID, c.FramesSent)
		}
	}
}

// TestEnds checks that all cases end, and that no step follows a timer.
func TestEnds(t *testing.T) {
	for _, c := range Cases() {
		if c.Exchange != nil {
			if c.Exchange.Timeout < time.Minute {
				t.Errorf("%s has %v", c.ID, c.Exchange.Timeout)
			}
			continue
		}
		for i, s := range c.Steps {
			timer := s.Do == CloseAfter || s.Do == DropTCPAfter
			if timer != (i == len(c.Steps)-1) {
				t.Errorf("%s: step %d is a timer: %t", c.ID, i, timer)
			}
			if (timer || s.Do == Wait) != (s.After > 0) {
				t.Errorf("%s: step %d takes %v", c.ID, i, s.After)
			}
			if s.Do == CloseAfter && s.Code != 1000 {
				t.Errorf("%s closes with %d when it takes too long", c.ID, s.Code)
			}
		}
	}
}

// TestOneMessage checks the cases of group 9 without outcomes: each sends a whole
// message, whose length is a power of two, and which is longer or split more finely
// than in the case before.
func TestOneMessage(t *testing.T) {
	var last *Case
	for _, c := range mustSelect(t, "9.*") {
		if c.Exchange != nil {
			continue
		}
		s := c.Steps[0]
		if len(c.Steps) != 2 || s.Do != SendMessage && !(s.Do == SendFrame && s.Fin && s.RSV == 0) {
			t.Errorf("%s is not one message", c.ID)
		}
		want := Binary
		if slices.Contains([]string{"9.1", "9.3", "9.5"}, c.Group()) {
			want = Text
		}
		if s.Opcode != want {
			t.Errorf("%s sends %s, want %s", c.ID, s.Opcode, want)
		}
		sizes := []int{s.Payload.Length, s.Fragment, s.Chop}
		for _, n := range sizes {
			if bits.OnesCount(uint(n)) > 1 {
				t.Errorf("%s: %d is not a power of two", c.ID, n)
			}
		}
		if last != nil && last.Group() == c.Group() {
			before := last.Steps[0]
			if slices.Compare([]int{before.Payload.Length, before.Fragment, before.Chop}, sizes) >= 0 || last.Steps[1].After > c.Steps[1].After {
				t.Errorf("%s is not more than %s", c.ID, last.ID)
			}
		}
		last = c
	}
}

// TestFramesSent counts the frames of 10.1.1.
func TestFramesSent(t *testing.T) {
	c := mustSelect(t, "10.1.1")[0]
	s := c.Steps[0]
	frames := 1 // the close frame
	for sent := 0; sent < s.Payload.Length; sent += s.Fragment {
		frames++
	}
	if c.FramesSent != frames {
		t.Errorf("%d frames, want %d", c.FramesSent, frames)
	}
}

func TestExchanges(t *testing.T) {
	type setting struct{ length, fragment int }
	seen := make(map[string][]setting)
	patience := make(map[int]time.Duration)
	for _, c := range Cases() {
		x := c.Exchange
		if x == nil {
			continue
		}
		s := setting{x.Length, x.Fragment}
		if bits.OnesCount(uint(x.Length)) > 1 || bits.OnesCount(uint(x.Fragment)) > 1 || x.Fragment >= max(1, x.Length) {
			t.Errorf("%s sends %d bytes in frames of %d", c.ID, x.Length, x.Fragment)
		}
		if slices.Contains(seen[c.Group()], s) {
			t.Errorf("%s sends the same as another case of its group", c.ID)
		}
		seen[c.Group()] = append(seen[c.Group()], s)
		if strings.HasPrefix(c.ID, "1") && !slices.Equal(seen[c.Group()], seen["12.1"][:len(seen[c.Group()])]) {
			t.Errorf("%s sends %v, unlike 12.1", c.ID, s)
		}
		if x.Messages != 1000 {
			t.Errorf("%s sends %d messages", c.ID, x.Messages)
		}
		if d, ok := patience[x.Length]; ok && d != x.Timeout {
			t.Errorf("%s has %v, and another case with this length %v", c.ID, x.Timeout, d)
		}
		patience[x.Length] = x.Timeout
	}
}

// TestSettings checks the settings of permessage-deflate: by group, and equal for both
// roles.
func TestSettings(t *testing.T) {
	wants := map[string][]Offer{
		"13.2": {{ServerNoContextTakeover: true}},
		"13.3": {{ServerMaxWindowBits: 9}},
		"13.4": {{ServerMaxWindowBits: 15}},
		"13.5": {{ServerMaxWindowBits: 9, ServerNoContextTakeover: true}},
		"13.6": {{ServerMaxWindowBits: 15, ServerNoContextTakeover: true}},
		"13.7": {{ServerMaxWindowBits: 9, ServerNoContextTakeover: true}, {ServerNoContextTakeover: true}, {}},
	}
	// Text must be ASCII, because messages are cut anywhere.
	kinds := map[string]Corpus{"12.2": CorpusBitmap, "12.3": CorpusPlay, "12.4": CorpusHTML, "12.5": CorpusPDF}
	for _, c := range mustSelect(t, "1*") {
		x := c.Exchange
		if x == nil {
			continue
		}
		want, ok := wants[c.Group()]
		if !ok {
			want = []Offer{{}}
		}
		if !slices.Equal(x.Deflate.Offers, want) {
			t.Errorf("%s offers %v, want %v", c.ID, x.Deflate.Offers, want)
		}
		var mirrored []Offer
		for _, a := range x.Deflate.Accepts {
			if a.ServerMaxWindowBits != 0 || a.ServerNoContextTakeover {
				t.Errorf("%s declares limits that were not requested", c.ID)
			}
			mirrored = append(mirrored, Offer{ServerMaxWindowBits: a.ClientMaxWindowBits, ServerNoContextTakeover: a.ClientNoContextTakeover})
		}
		if !slices.Equal(mirrored, want) {
			t.Errorf("%s accepts with %v, want %v", c.ID, mirrored, want)
		}
		kind, ok := kinds[c.Group()]
		if !ok {
			kind = CorpusJSON
		}
		if x.Corpus != kind || x.Binary == (kind == CorpusJSON || kind == CorpusHTML) || x.Deflate.Named {
			t.Errorf("%s sends %s, binary %t", c.ID, x.Corpus, x.Binary)
		}
	}
}
