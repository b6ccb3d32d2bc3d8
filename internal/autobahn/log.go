package autobahn

import (
	"fmt"
	"sync"
	"time"
)

// wireLog is the log of the frames of one case: its first entries, its last ones, and
// the counts of each kind of frame.
type wireLog struct {
	started time.Time

	mu        sync.Mutex
	head      []Entry // the first maxLogHead
	tail      []Entry // the last maxLogTail of the others, as a ring
	behind    int     // number of entries after head
	sent, got map[Opcode]Traffic
}

func newWireLog(started time.Time) *wireLog {
	return &wireLog{
		started: started,
		sent:    make(map[Opcode]Traffic),
		got:     make(map[Opcode]Traffic),
	}
}

// frame adds a frame. payload is unmasked and not retained.
func (l *wireLog) frame(kind EntryKind, h header, payload []byte, step Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.sent
	if kind == ReceivedFrame {
		counts = l.got
	}
	count := counts[h.opcode]
	count.Frames++
	count.Bytes += int64(h.length)
	counts[h.opcode] = count

	l.addLocked(Entry{
		Kind:   kind,
		Fin:    h.fin,
		RSV:    h.rsv,
		Opcode: h.opcode,
		Masked: h.masked,
		Key:    h.key,
		Length: int(h.length),
		Chop:   step.Chop,
		Sync:   step.Sync,
	}, payload)
}

// part adds bytes of a frame whose header was logged.
func (l *wireLog) part(payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addLocked(Entry{Kind: SentPart, Length: len(payload)}, payload)
}

// note adds a note.
func (l *wireLog) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addLocked(Entry{Kind: Note, Text: fmt.Sprintf(format, args...)}, nil)
}

func (l *wireLog) addLocked(e Entry, payload []byte) {
	e.At = time.Since(l.started)
	payload = payload[:min(len(payload), maxLogPayload)]
	if len(l.head) < maxLogHead {
		e.Head = append([]byte(nil), payload...)
		l.head = append(l.head, e)
		return
	}
	if len(l.tail) < maxLogTail {
		l.tail = append(l.tail, Entry{})
	}
	slot := &l.tail[l.behind%maxLogTail]
	e.Head = append(slot.Head[:0], payload...)
	*slot = e
	l.behind++
}

// entries returns the log, with a note in place of omitted entries.
func (l *wireLog) entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := append([]Entry(nil), l.head...)
	if l.behind > maxLogTail {
		out = append(out, Entry{
			At:   l.tail[l.behind%maxLogTail].At,
			Kind: Note,
			Text: fmt.Sprintf("(%d entries left out)", l.behind-maxLogTail),
		})
		first := l.behind % maxLogTail
		out = append(out, l.tail[first:]...)
		return append(out, l.tail[:first]...)
	}
	return append(out, l.tail...)
}
