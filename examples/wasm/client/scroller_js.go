package main

import (
	"fmt"
	"syscall/js"
)

// nearby is the distance from the end, in pixels, that counts as the end.
const nearby = 80

// scroller is the scrolling part of the page. It keeps the end visible as long as the
// reader is there.
type scroller struct {
	element js.Value
	end     js.Value // a button that scrolls to the end
	size    string   // the last known one
	atEnd   bool     // after the last scroll of the reader
}

func newScroller() scroller {
	return scroller{element: byID("scroller"), end: byID("to-end"), atEnd: true}
}

// listen registers for scrolls and changes of the size.
func (s *scroller) listen() {
	listen(s.element, "scroll", func(js.Value) {
		if s.measure() != s.size {
			return // scrolled by the browser, not by the reader
		}
		s.atEnd = s.nearEnd()
		if s.atEnd {
			s.end.Set("hidden", true)
		}
	})
	listen(s.end, "click", func(js.Value) { s.toEnd() })

	// The keyboard of a phone, and a long text in the input, make the scroller smaller.
	window.Get("ResizeObserver").New(js.FuncOf(func(js.Value, []js.Value) any {
		s.size = s.measure()
		if s.atEnd {
			s.toEnd()
		}
		return nil
	})).Call("observe", s.element)
}

// following runs change, which adds to the messages. It keeps the end visible if it was,
// and otherwise shows the button.
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
