package autobahn

import "time"

// autofragment returns the case of group 10.
func autofragment() []*Case {
	const (
		length   = 64 * kib
		fragment = 1300
	)
	c := echoed("10.1.1", "A text message of 64 KiB that the suite splits into frames of 1,300 bytes: 50 of them, and one with the rest."+
		" The peer echoes it as one message. The number of frames is checked, too.",
		textMessage("*").long(length).fragmented(fragment), dropAfter(10*time.Second))
	const closeFrames = 1
	c.FramesSent = (length+fragment-1)/fragment + closeFrames
	return []*Case{c}
}
