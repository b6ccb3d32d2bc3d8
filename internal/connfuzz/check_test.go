//go:build !js

package connfuzz

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// rules returns the rules that the connection enforces on the peer.
func (fz *fuzzed) rules() rawpeer.Rules {
	rules := rawpeer.Rules{Sender: fz.peer, Deflate: fz.takeover(), Limit: fz.limit}
	switch fz.way {
	case byNetConn:
		rules.Limit = -1
		rules.Refuse = map[rawpeer.Opcode]int{rawpeer.OpBinary: 1003}
	case byCloseRead:
		rules.Refuse = map[rawpeer.Opcode]int{rawpeer.OpText: 1008, rawpeer.OpBinary: 1008}
	case byClose:
		rules.Blind = true
	}
	return rules
}

// takeover returns the negotiated compression, for the peer's direction.
func (fz *fuzzed) takeover() rawpeer.Takeover {
	if fz.compression == websocket.CompressionDisabled {
		return 0
	}
	return (&conntest.Options{Compression: fz.compression}).Takeover()
}

// check compares the result of a run with the decoded input.
func (fz *fuzzed) check(t *testing.T, h *heard) {
	sent := fz.checkSent(t, h)
	want := rawpeer.Decode(fz.wire, fz.rules())
	if code := sent.code(); want.Doubt && (code == 1007 || code == 1009) {
		want.Codes, want.Close, want.Torn = []int{code}, nil, true
	}
	fz.checkMessages(t, h, want)
	fz.checkError(t, h, want)
	fz.checkTime(t, h, want)
	fz.checkClose(t, sent, want)
	fz.checkPongs(t, sent, want)
}

// checkMessages checks the delivered messages.
func (fz *fuzzed) checkMessages(t *testing.T, h *heard, want rawpeer.Decoded) {
	rest, most := want.Rest, want.Most
	switch fz.way {
	case byCloseRead, byClose:
		return
	case byNetConn:
		var all []byte
		for _, m := range want.Messages {
			all = append(all, m.Payload...)
		}
		rest, most = slices.Concat(all, rest), slices.Concat(all, most)
	default:
		for i, m := range want.Messages {
			w := conntest.Message{Type: websocket.MessageType(m.Opcode), Payload: string(m.Payload)}
			if i == len(h.messages) || h.messages[i] != w {
				t.Fatalf("message %d of %d: want %v %.80q; got %+v, then %v", i, len(want.Messages), w.Type, w.Payload, h.messages[min(i, len(h.messages)):], h.err)
			}
		}
		if n := len(want.Messages); len(h.messages) > n {
			t.Fatalf("got %+v behind all %d messages", h.messages[n:], n)
		}
		if fz.way == byRead {
			return
		}
	}
	if !bytes.HasPrefix(most, h.part) || !want.Torn && len(h.part) < len(rest) {
		t.Fatalf("got %.80q of %d bytes, then %v; want %.80q of %d to %d bytes", h.part, len(h.part), h.err, most, len(rest), len(most))
	}
}

// checkError checks the reader's last error.
func (fz *fuzzed) checkError(t *testing.T, h *heard, want rawpeer.Decoded) {
	if fz.way == byClose {
		if (h.err == nil) != (want.Close != nil) {
			t.Fatalf("got %v from Close, where the peer's close frame is %v", h.err, want.Close)
		}
		return
	}
	status := websocket.StatusCode(-1)
	if want.Close != nil {
		if status = websocket.StatusNoStatusRcvd; len(want.Close.Payload) > 0 {
			status = websocket.StatusCode(binary.BigEndian.Uint16(want.Close.Payload))
		}
	}
	switch {
	case fz.way == byNetConn && (status == websocket.StatusNormalClosure || status == websocket.StatusGoingAway):
		if h.err != io.EOF {
			t.Fatalf("got error %v, want io.EOF", h.err)
		}
		return
	case fz.way == byNetConn && !fz.stays && want.Close == nil && len(want.Codes) == 0:
		conntest.WantError(t, h.err, io.ErrUnexpectedEOF)
		return
	case fz.way == byCloseRead, // a later Read returns it
		fz.way == byNetConn && fz.stays && want.Close == nil && len(want.Codes) == 0: // the NetConn's context ended
		conntest.WantClosed(t, h.err, status)
	case fz.ends(want) || fz.way == byNetConn:
		conntest.WantCause(t, h.err, status)
	}
	switch {
	case want.Close != nil:
	case slices.Equal(want.Codes, []int{1009}):
		conntest.WantError(t, h.err, websocket.ErrMessageTooBig)
	case len(want.Codes) > 0:
	case fz.stays && fz.way != byCloseRead:
		conntest.WantError(t, h.err, context.DeadlineExceeded)
	case fz.stays:
	case want.Cut:
		conntest.WantError(t, h.err, io.ErrUnexpectedEOF)
	default:
		conntest.WantError(t, h.err, io.EOF)
	}
}

// ends reports whether the connection must end without a call that ends it.
func (fz *fuzzed) ends(want rawpeer.Decoded) bool {
	return !fz.stays || want.Close != nil || len(want.Codes) > 0
}

// checkTime expects no time to pass, except with a peer that keeps the connection.
func (fz *fuzzed) checkTime(t *testing.T, h *heard, want rawpeer.Decoded) {
	low, high := time.Duration(0), time.Duration(0)
	switch {
	case !fz.stays || want.Close != nil:
	case len(want.Codes) > 0:
		high = conntest.DrainTime // also behind Close, whose close frame the peer gets to read
	case fz.way == byClose:
		low, high = 5*time.Second, 5*time.Second
	default:
		low, high = fuzzPatience, fuzzPatience
	}
	if h.took < low || h.took > high {
		t.Fatalf("took %v, want %v to %v", h.took, low, high)
	}
}

// checkAfter expects each call to fail after the connection has ended.
func (fz *fuzzed) checkAfter(t *testing.T, c *websocket.Conn, h *heard) {
	if (h.err == nil || errors.Is(h.err, context.DeadlineExceeded) && !errors.Is(h.err, net.ErrClosed)) && fz.way != byClose {
		return
	}
	conntest.WantError(t, conntest.ReadErr(t.Context(), c), net.ErrClosed)
	conntest.WantError(t, c.Write(t.Context(), websocket.MessageText, nil), net.ErrClosed)
	conntest.WantNoError(t, c.Close(websocket.StatusGoingAway, ""))
}

// sentFrames are the frames that the connection sent.
type sentFrames []rawpeer.Frame

// checkSent expects the sent bytes to be valid frames, and their messages to be the
// echoed ones.
func (fz *fuzzed) checkSent(t *testing.T, h *heard) sentFrames {
	b, us := h.sent, rawpeer.Client
	if fz.peer == rawpeer.Client {
		us = rawpeer.Server
		head, rest, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
			t.Fatalf("the answer is %q", head)
		}
		b = rest
	}
	frames, err := rawpeer.ParseFrames(b)
	if err != nil {
		t.Fatalf("sent % .80x: %v", b, err)
	}
	said := rawpeer.Decode(b, rawpeer.Rules{Sender: us, Deflate: fz.takeover(), Limit: -1})
	if len(said.Codes) > 0 || said.Cut || len(said.Pings) > 0 {
		t.Fatalf("sent %v: codes %d, cut: %t, pings %q", frames, said.Codes, said.Cut, said.Pings)
	}
	if i := slices.IndexFunc(frames, isClose); i >= 0 && i < len(frames)-1 {
		t.Fatalf("sent %v behind a close frame", frames[i+1:])
	}
	want := h.messages
	if !fz.echo {
		want = nil
	}
	if !slices.EqualFunc(said.Messages, want, func(m rawpeer.Message, w conntest.Message) bool {
		return m.Opcode == rawpeer.Opcode(w.Type) && string(m.Payload) == w.Payload
	}) {
		t.Fatalf("sent messages %v, want %v", said.Messages, want)
	}
	return frames
}

func isClose(f rawpeer.Frame) bool { return f.Opcode == rawpeer.OpClose }

// code returns the code of the close frame, or -1 if there is none.
func (frames sentFrames) code() int {
	i := slices.IndexFunc(frames, isClose)
	if i < 0 {
		return -1
	}
	code, _ := frames[i].CloseCode()
	return code
}

// checkClose expects the close frame that corresponds to the end, and no other.
func (fz *fuzzed) checkClose(t *testing.T, sent sentFrames, want rawpeer.Decoded) {
	got := sent.code()
	switch {
	case fz.way == byClose:
		// After the stream's end the connection may be closed before the frame is sent.
		if got != 1000 && (got >= 0 || want.Close != nil || fz.stays && len(want.Codes) == 0) {
			t.Fatalf("sent %v, want close 1000", sent)
		}
	case len(want.Codes) > 0:
		if !slices.Contains(want.Codes, got) {
			t.Fatalf("sent %v, want close %d", sent, want.Codes)
		}
	case want.Close != nil:
		if got < 0 || !bytes.Equal(sent[len(sent)-1].Payload, want.Close.Payload) {
			t.Fatalf("sent %v, want %v", sent, want.Close)
		}
	case got >= 0:
		t.Fatalf("sent %v, want no close frame", sent)
	}
}

// maxPongs is the most consecutive pings of which each is answered.
const maxPongs = 16

// checkPongs expects the pings to be answered in order: the last one always, and all if
// there are few.
func (fz *fuzzed) checkPongs(t *testing.T, sent sentFrames, want rawpeer.Decoded) {
	var pongs []string
	for _, f := range sent {
		if f.Opcode == rawpeer.OpPong {
			pongs = append(pongs, string(f.Payload))
		}
	}
	rest := want.Pings
	for _, pong := range pongs {
		i := slices.Index(rest, pong)
		if i < 0 {
			t.Fatalf("pongs are %q for the pings %q", pongs, want.Pings)
		}
		rest = rest[i+1:]
	}
	n := len(want.Pings)
	answered := fz.way != byClose && !want.Torn && (fz.stays || want.Close != nil || len(want.Codes) > 0)
	if answered && n > 0 && (len(pongs) == 0 || pongs[len(pongs)-1] != want.Pings[n-1] || n <= maxPongs && len(pongs) < n) {
		t.Fatalf("pongs are %q for the pings %q", pongs, want.Pings)
	}
}
