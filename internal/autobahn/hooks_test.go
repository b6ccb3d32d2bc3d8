package autobahn

import (
	"slices"
	"strings"
)

// onFrames returns habits with a hook for frames with one of the opcodes, or for all
// frames.
func onFrames(change func(f *peerFrame), opcodes ...Opcode) habits {
	return habits{frames: func(f peerFrame) []peerFrame {
		if len(opcodes) == 0 || slices.Contains(opcodes, f.opcode) {
			change(&f)
		}
		return []peerFrame{f}
	}}
}

// onCloses returns habits with a hook for payloads of close frames.
func onCloses(change func(payload []byte) []byte) habits {
	return onFrames(func(f *peerFrame) { *f = f.with(change(f.payload)) }, Close)
}

// onDeflated returns habits with a hook for payloads of compressed messages.
func onDeflated(change func(payload []byte) []byte) habits {
	return onFrames(func(f *peerFrame) {
		if f.rsv&rsv1 != 0 {
			*f = f.with(change(f.payload))
		}
	})
}

// onEchoes returns habits with a hook for messages.
func onEchoes(change func(m *echoMessage)) habits {
	return habits{echoes: func(m echoMessage) []echoMessage {
		change(&m)
		return []echoMessage{m}
	}}
}

// onLines returns habits with a hook for the lines of a request or response.
func onLines(change func(line string) []string) habits {
	return habits{opening: opening{head: func(lines []string) []string {
		var changed []string
		for _, line := range lines {
			changed = append(changed, change(line)...)
		}
		return changed
	}}}
}

// without returns habits that remove the lines with a prefix, or replace them.
func without(prefix string, instead ...string) habits {
	return onLines(func(line string) []string {
		if strings.HasPrefix(line, prefix) {
			return instead
		}
		return []string{line}
	})
}

// withLine returns habits with an additional line.
func withLine(line string) habits {
	return habits{opening: opening{head: func(lines []string) []string { return append(lines, line) }}}
}

// onExtensions returns habits with a hook for the value of Sec-WebSocket-Extensions.
func onExtensions(change func(value string) string) habits {
	return onLines(func(line string) []string {
		if value, is := strings.CutPrefix(line, extensionsHeader); is {
			line = extensionsHeader + change(value)
		}
		return []string{line}
	})
}

const extensionsHeader = "Sec-WebSocket-Extensions: "

// tolerating returns the habits of a peer that does not detect violations of rules.
func tolerating(rules ...rule) habits { return habits{tolerates: rules} }
