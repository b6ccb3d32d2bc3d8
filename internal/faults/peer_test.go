//go:build !js

package faults

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// answering is a peer that reads everything and answers pings and close frames.
type answering struct {
	p     *rawpeer.Peer
	notes atomic.Bool // answer each message with noted

	mu   sync.Mutex
	came []byte // used by run only
}

// noted is too short to be compressed.
const noted = "noted"

func (a *answering) run(first []rawpeer.Frame) {
	send := func(frames ...rawpeer.Frame) {
		var b []byte
		for _, f := range frames {
			b = rawpeer.AppendFrame(b, a.p.Masked(f))
		}
		a.p.Conn.Write(b)
	}
	a.p.Conn.SetDeadline(time.Time{})
	send(first...)
	buf := make([]byte, 4096)
	for parsed := 0; ; {
		n, err := a.p.Conn.Read(buf)
		a.mu.Lock()
		a.came = append(a.came, buf[:n]...)
		a.mu.Unlock()
		for {
			f, n, err := rawpeer.ParseFrame(a.came[parsed:])
			if err != nil {
				break
			}
			parsed += n
			switch {
			case f.Opcode == rawpeer.OpPing:
				send(rawpeer.Pong(string(f.Payload)))
			case f.Opcode == rawpeer.OpClose:
				send(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose, Payload: f.Payload})
			case f.Fin && f.Opcode != rawpeer.OpPong && a.notes.Load():
				send(rawpeer.Text(noted))
			}
		}
		if err != nil {
			return
		}
	}
}

// unmasked returns the received bytes with masked payloads unmasked.
func (a *answering) unmasked() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var plain []byte
	for b := a.came; len(b) > 0; {
		f, length, n, err := rawpeer.ParseHeader(b)
		if err != nil {
			break // an incomplete frame
		}
		key := f.Key
		f.Masked = false
		plain = rawpeer.AppendHeader(plain, f, 0, length)
		payload := b[n:min(len(b), n+int(length))]
		for i, c := range payload {
			plain = append(plain, c^key[i%4])
		}
		b = b[n+len(payload):]
	}
	return string(plain)
}

// stream returns the payloads of the messages in wire, which must be valid frames.
func stream(t *testing.T, wire string) string {
	frames, err := rawpeer.ParseFrames([]byte(wire))
	if err != nil {
		t.Errorf("got error %v from the received bytes", err)
	}
	var bytes []byte
	inMessage := false
	for _, f := range frames {
		if f.Opcode > rawpeer.OpBinary {
			continue
		}
		if inMessage != (f.Opcode == rawpeer.OpContinuation) {
			t.Errorf("the peer got %v, inside a message %t", f, inMessage)
		}
		inMessage = !f.Fin
		bytes = append(bytes, f.Payload...)
	}
	if inMessage {
		t.Error("the peer got a message that does not end")
	}
	return string(bytes)
}
