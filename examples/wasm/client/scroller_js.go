package main

import (
	"fmt"
	"syscall/js"
)

// nearby is how many pixels from the end count as being there.
const nearby = 80

// scroller is the part of the page that scrolls. It keeps the end in sight
// while that is where the reader is.
type scroller struct {
	element js.Value
	end     js.Value // the button that leads there
	size    string   // when it was last looked at
	atEnd   bool     // as the reader left it
}

func newScroller() scroller {
	return scroller{element: byID("scroller"), end: byID("to-end"), atEnd: true}
}

// listen begins to follow what the reader does.
func (s *scroller) listen() {
	listen(s.element, "scroll", func(js.Value) {
		if s.measure() != s.size {
			return // the browser scrolled, not the reader
		}
		s.atEnd = s.nearEnd()
		if s.atEnd {
			s.end.Set("hidden", true)
		}
	})
	listen(s.end, "click", func(js.Value) { s.toEnd() })

	// A keyboard that comes up on a phone takes room, and so does a long text
	// in the input.
	window.Get("ResizeObserver").New(js.FuncOf(func(js.Value, []js.Value) any {
		s.size = s.measure()
		if s.atEnd {
			s.toEnd()
		}
		return nil
	})).Call("observe", s.element)
}

// following runs change, which adds to the conversation, and keeps its end in
// sight if it was. Otherwise a button leads there.
func (s *scroller) following(change func()) {
	stay := s.nearEnd()
	change()
	if stay {
		s.toEnd()
	} else {
		s.end.Set("hidden", false)
	}
}

func (s *scroller) toEnd() {
	s.atEnd = true
	s.element.Set("scrollTop", s.pixels("scrollHeight"))
	s.end.Set("hidden", true)
}

func (s *scroller) nearEnd() bool {
	return s.pixels("scrollHeight")-s.pixels("scrollTop")-s.pixels("clientHeight") < nearby
}

func (s *scroller) measure() string {
	return fmt.Sprint(s.pixels("clientWidth"), s.pixels("clientHeight"))
}

func (s *scroller) pixels(property string) float64 { return s.element.Get(property).Float() }
