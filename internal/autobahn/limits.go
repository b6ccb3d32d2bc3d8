package autobahn

import (
	"fmt"
	"time"
)

// Contents of the messages of group 9.
const (
	limitText   = "BAsd7&jh23"
	limitBinary = "\x00\xfe\x23\xfa\xf0"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// limits returns the cases of group 9: long messages, messages in many frames, in many
// pieces, and many short messages. They must be echoed with their type and length, in
// time.
func limits() []*Case {
	cases := longMessages()
	cases = append(cases, manyFrames()...)
	cases = append(cases, manyPieces()...)
	return append(cases, manyMessages()...)
}

// longMessages returns the cases of 9.1 and 9.2.
func longMessages() []*Case {
	one := func(id string, frame Step, patience time.Duration) *Case {
		return &Case{
			ID: id,
			Description: fmt.Sprintf("A %s message of %s in one frame. The peer echoes it with its type and length within %d seconds.",
				frame.Opcode, size(frame.Payload.Length), patience/time.Second),
			Steps: []Step{frame, closeAfter(patience)},
			Close: closedBySuite(),
		}
	}
	return []*Case{
		one("9.1.1", textFrame(limitText).long(64*kib), 10*time.Second),
		one("9.1.2", textFrame(limitText).long(256*kib), 10*time.Second),
		one("9.1.3", textFrame(limitText).long(1*mib), 100*time.Second),
		one("9.1.4", textFrame(limitText).long(4*mib), 100*time.Second),
		one("9.1.5", textFrame(limitText).long(8*mib), 100*time.Second),
		one("9.1.6", textFrame(limitText).long(16*mib), 100*time.Second),

		one("9.2.1", binaryFrame(limitBinary).long(64*kib), 10*time.Second),
		one("9.2.2", binaryFrame(limitBinary).long(256*kib), 10*time.Second),
		one("9.2.3", binaryFrame(limitBinary).long(1*mib), 10*time.Second),
		one("9.2.4", binaryFrame(limitBinary).long(4*mib), 10*time.Second),
		one("9.2.5", binaryFrame(limitBinary).long(8*mib), 100*time.Second),
		one("9.2.6", binaryFrame(limitBinary).long(16*mib), 100*time.Second),
	}
}

// manyFrames returns the cases of 9.3 and 9.4.
func manyFrames() []*Case {
	const length = 4 * mib
	var cases []*Case
	for _, series := range []struct {
		prefix string
		opcode Opcode
	}{
		{"9.3", Text},
		{"9.4", Binary},
	} {
		for i, fragment := range []int{64, 256, 1 * kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, 1 * mib, 4 * mib} {
			unit := "*"
			if series.opcode == Binary && i == 0 {
				unit = "\xfe" // as in the original suite, in this case only
			}
			frames := fmt.Sprintf("in %s frames of %s and an empty one", count(length/fragment), size(fragment))
			if fragment == length {
				frames = "in one frame of that length"
			}
			cases = append(cases, &Case{
				ID: fmt.Sprintf("%s.%d", series.prefix, i+1),
				Description: fmt.Sprintf("A %s message of %s, %s. The peer echoes it as one message, with its type and length.",
					series.opcode, size(length), frames),
				Steps: []Step{message(series.opcode, unit).long(length).fragmented(fragment), closeAfter(100 * time.Second)},
				Close: closedBySuite(),
			})
		}
	}
	return cases
}

// manyPieces returns the cases of 9.5 and 9.6.
func manyPieces() []*Case {
	const length = 1 * mib
	var cases []*Case
	for _, series := range []struct {
		prefix string
		frame  Step
	}{
		{"9.5", textFrame(limitText)},
		{"9.6", binaryFrame(limitBinary)},
	} {
		for i, chop := range []int{64, 128, 256, 512, 1 * kib, 2 * kib} {
			cases = append(cases, &Case{
				ID: fmt.Sprintf("%s.%d", series.prefix, i+1),
				Description: fmt.Sprintf("A %s message of %s in one frame, written in pieces of %s. The peer echoes it with its type and length.",
					series.frame.Opcode, size(length), size(chop)),
				Steps: []Step{series.frame.long(length).chopped(chop), closeAfter(1000 * time.Second)},
				Close: closedBySuite(),
			})
		}
	}
	return cases
}

// manyMessages returns the cases of 9.7 and 9.8.
func manyMessages() []*Case {
	const messages = 1000
	var cases []*Case
	for _, series := range []struct {
		prefix, typ string
		exchange    Exchange
	}{
		{"9.7", "text", Exchange{Unit: "*"}},
		{"9.8", "binary", Exchange{Unit: "\xfe", Binary: true}},
	} {
		for i, length := range []int{0, 16, 64, 256, 1 * kib, 4 * kib} {
			x := series.exchange
			x.Length, x.Messages, x.Timeout = length, messages, exchangePatience(length)
			cases = append(cases, &Case{
				ID: fmt.Sprintf("%s.%d", series.prefix, i+1),
				Description: fmt.Sprintf("%s %s messages of %s, one after the other: each is sent after the echo of the one before."+
					" The peer echoes all of them with their type and length within %d seconds.",
					count(messages), series.typ, size(length), x.Timeout/time.Second),
				Exchange: &x,
				Close:    closedBySuite(),
			})
		}
	}
	return cases
}

// exchangePatience returns the timeout of an exchange of 1,000 messages.
func exchangePatience(length int) time.Duration {
	switch {
	case length < 256:
		return 60 * time.Second
	case length < 1*kib:
		return 120 * time.Second
	case length < 4*kib:
		return 240 * time.Second
	}
	return 480 * time.Second
}

// size formats a number of bytes.
func size(n int) string {
	switch {
	case n == 1:
		return "one byte"
	case n > 0 && n%mib == 0:
		return fmt.Sprintf("%d MiB", n/mib)
	case n > 0 && n%kib == 0:
		return fmt.Sprintf("%d KiB", n/kib)
	}
	return fmt.Sprintf("%d bytes", n)
}

// count formats a number below a million.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
