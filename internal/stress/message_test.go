//go:build !js

package stress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// A stressMessage identifies itself, so its receiver can check that it is complete and
// in order.
type stressMessage struct {
	Writer, Number uint32
	Sum            uint32 // of Body
	Body           string
}

const stressHeader = "%08x %08x %08x %08x:"

// sharedWriter is the writer number of messages that may arrive any number of times.
const sharedWriter = 0xffff

// asJSON returns the message as JSON.
func (m *stressMessage) asJSON() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// bytes returns the message in text form, if its body is text, or in binary form.
func (m *stressMessage) bytes() []byte {
	b := fmt.Appendf(nil, stressHeader, m.Writer, m.Number, m.Sum, len(m.Body))
	return append(b, m.Body...)
}

// parseStressMessage parses both forms.
func parseStressMessage(p []byte) (m stressMessage, err error) {
	if len(p) > 0 && p[0] == '{' {
		err = json.Unmarshal(p, &m)
	} else {
		head, body, _ := bytes.Cut(p, []byte(":"))
		var size int
		_, err = fmt.Sscanf(string(head)+":", stressHeader, &m.Writer, &m.Number, &m.Sum, &size)
		m.Body = string(body)
		if err == nil && size != len(body) {
			err = fmt.Errorf("the body has %d bytes, not %d", len(body), size)
		}
	}
	if err == nil {
		err = m.check()
	}
	return m, err
}

func (m *stressMessage) check() error {
	if sum := crc32.ChecksumIEEE([]byte(m.Body)); sum != m.Sum {
		return fmt.Errorf("the sum of %d bytes is %#x, not %#x", len(m.Body), sum, m.Sum)
	}
	return nil
}

// The bodies are cut from these.
var (
	stressNoise = func() string {
		b := make([]byte, 300_000)
		r := newRNG(1)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}()
	stressText = strings.Repeat("this, which is much like that, but for ", 3000) + conntest.Filler(50_000)
	stressWide = strings.Repeat("日本語は三つ", 10_000)
)

// stressBody returns a body of at most max bytes.
func stressBody(r rng, typ websocket.MessageType, max int) string {
	n := r.upTo(max)
	from := pick(r, stressNoise, stressText)
	if typ == websocket.MessageText {
		if from = pick(r, stressText, stressWide); from == stressWide {
			n -= n % utf8.RuneLen('日')
		}
	}
	n = min(n, len(from)/2)
	at := r.IntN(len(from) / 2)
	if from == stressWide {
		at -= at % utf8.RuneLen('日')
		n -= n % utf8.RuneLen('日')
	}
	return from[at : at+n]
}

// prepare creates the messages that all connections send.
func (r *stressRound) prepare(t *testing.T) {
	for i := range 4 {
		body := stressBody(r.rng, websocket.MessageText, 20_000)
		m := stressMessage{sharedWriter, uint32(i), crc32.ChecksumIEEE([]byte(body)), body}
		prepared, err := websocket.NewPreparedMessage(websocket.MessageText, m.asJSON())
		conntest.WantNoError(t, err)
		r.shared = append(r.shared, prepared)
	}
}

// A stressLedger records the messages that one side sends and the other receives.
type stressLedger struct {
	mu    sync.Mutex
	fates map[stressKey]fate
	got   map[stressKey]bool
	last  map[uint32]uint32 // by writer, if messages are read in order
}

type stressKey struct{ writer, number uint32 }

// A fate is the result of writing a message.
type fate uint8

const (
	unknown fate = iota // the connection ended
	sent                // the write succeeded
	unsent              // the write failed without sending it
)

func newStressLedger() *stressLedger {
	return &stressLedger{fates: map[stressKey]fate{}, got: map[stressKey]bool{}, last: map[uint32]uint32{}}
}

// wrote records the result of writing a message.
func (l *stressLedger) wrote(m *stressMessage, err error) {
	f := unsent
	switch {
	case err == nil:
		f = sent
	case errors.Is(err, net.ErrClosed):
		f = unknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fates[stressKey{m.Writer, m.Number}] = f
}

// arrived records a received message. It returns an error if the message is repeated or
// out of order.
func (l *stressLedger) arrived(m *stressMessage, inOrder bool) error {
	if m.Writer == sharedWriter {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := stressKey{m.Writer, m.Number}
	if l.got[key] {
		return fmt.Errorf("message %d of writer %d arrived twice", m.Number, m.Writer)
	}
	l.got[key] = true
	if !inOrder {
		return nil
	}
	if last, ok := l.last[m.Writer]; ok && m.Number <= last {
		return fmt.Errorf("message %d of writer %d arrived after its %d", m.Number, m.Writer, last)
	}
	l.last[m.Writer] = m.Number
	return nil
}

// check compares sent and received messages. With all, each sent message must have
// arrived.
func (l *stressLedger) check(all bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, f := range l.fates {
		switch got := l.got[key]; {
		case f == unsent && got:
			return fmt.Errorf("message %d of writer %d arrived, though its write failed without sending it", key.number, key.writer)
		case f == sent && !got && all:
			return fmt.Errorf("message %d of writer %d did not arrive before the close frame", key.number, key.writer)
		}
	}
	for key := range l.got {
		if _, ok := l.fates[key]; !ok {
			return fmt.Errorf("message %d of writer %d was never written", key.number, key.writer)
		}
	}
	return nil
}
