package autobahn

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func newTestLog() *wireLog { return newWireLog(time.Now()) }

// logged returns the log of a case that sends n text frames of 1 byte, the number of
// the frame.
func logged(n int) []Entry {
	l := newTestLog()
	for i := range n {
		l.frame(SentFrame, header{fin: true, opcode: Text, length: 1}, []byte{byte(i)}, Step{})
	}
	return l.entries()
}

// TestLogOfLongCases checks that the log keeps the first and the last entries, with a
// note in place of the others.
func TestLogOfLongCases(t *testing.T) {
	const most = maxLogHead + maxLogTail
	for _, n := range []int{0, 1, maxLogHead, maxLogHead + 1, most - 1, most, most + 1, most + maxLogTail/2, 2*most + 7} {
		entries := logged(n)
		if gone := n - most; gone > 0 {
			note := entries[maxLogHead]
			if note.Kind != Note || !strings.Contains(note.Text, fmt.Sprint(gone)) {
				t.Errorf("%d frames: got %v, want a note of %d", n, note, gone)
			}
			entries = append(entries[:maxLogHead:maxLogHead], entries[maxLogHead+1:]...)
		}
		if len(entries) != min(n, most) {
			t.Fatalf("%d frames: %d are kept", n, len(entries))
		}
		for i, e := range entries {
			number := i
			if i >= maxLogHead {
				number = n - len(entries) + i
			}
			if e.Kind != SentFrame || !bytes.Equal(e.Head, []byte{byte(number)}) {
				t.Errorf("%d frames: entry %d is %v, want frame %d", n, i, e, number)
			}
		}
	}
}

// TestLogKeepsHeads checks that the log keeps a copy of the head of each payload, in
// its first and in its last entries.
func TestLogKeepsHeads(t *testing.T) {
	l := newTestLog()
	p := make([]byte, maxLogPayload+1)
	for range maxLogHead + 2*maxLogTail {
		clear(p)
		l.frame(ReceivedFrame, header{fin: true, rsv: rsv1, opcode: Binary, masked: true, key: testKey, length: uint64(len(p))}, p, Step{})
		p[0] = 1
	}
	for i, e := range l.entries() {
		if e.Kind == Note {
			continue
		}
		if len(e.Head) != maxLogPayload || e.Length != len(p) || e.Head[0] != 0 {
			t.Errorf("entry %d has %d bytes of %d, the first %d", i, len(e.Head), e.Length, e.Head[0])
		}
		if e.Kind != ReceivedFrame || !e.Fin || e.RSV != rsv1 || e.Opcode != Binary || !e.Masked || e.Key != testKey {
			t.Errorf("entry %d is %v", i, e)
		}
	}
}

// TestLogCounts checks that all frames are counted, and parts of a frame with their
// frame.
func TestLogCounts(t *testing.T) {
	l := newTestLog()
	for range 2 * (maxLogHead + maxLogTail) {
		l.frame(SentFrame, header{opcode: Text, length: 3}, []byte("abc"), Step{Chop: 1, Sync: true})
		l.frame(ReceivedFrame, header{opcode: Pong, length: 1}, []byte("a"), Step{})
	}
	l.frame(SentFrame, header{opcode: Binary, length: 10}, nil, Step{})
	l.part(make([]byte, 10))
	l.note("a %s", "note")
	const n = 2 * (maxLogHead + maxLogTail)
	if got, want := l.sent[Text], (Traffic{n, 3 * n}); got != want || len(l.sent) != 2 {
		t.Errorf("sent %+v, want %+v of text", l.sent, want)
	}
	if got, want := l.sent[Binary], (Traffic{1, 10}); got != want {
		t.Errorf("sent %+v, want %+v of binary", l.sent, want)
	}
	if got, want := l.got[Pong], (Traffic{n, n}); got != want || len(l.got) != 1 {
		t.Errorf("got %+v, want %+v", l.got, want)
	}
	entries := l.entries()
	if e := entries[0]; e.Chop != 1 || !e.Sync {
		t.Errorf("the first is %v", e)
	}
	part, note := entries[len(entries)-2], entries[len(entries)-1]
	if part.Kind != SentPart || part.Length != 10 || note.Kind != Note || note.Text != "a note" {
		t.Errorf("the last two are %v and %v", part, note)
	}
}
