package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/bhojpur/api"
)

// exchange is a conversation on one connection.
type exchange struct {
	name         string
	behavior     behavior
	subprotocols []string // offered by the client
	counted      bool     // the session counts bytes
	not          string   // a peer that does not support it

	run func(*testing.T, *session)

	// code and reason are those that the peer receives at the end. The zero values mean
	// that run leaves the connection open.
	code   websocket.StatusCode
	reason string
}

const (
	text   = websocket.MessageText
	binary = websocket.MessageBinary

	mebibyte = 1 << 20
)

var exchanges = append([]exchange{
	{name: "text", behavior: echo, run: echoes(text, prose(2000))},
	{name: "binary", behavior: echo, run: echoes(binary, noise(2000))},
	{name: "empty text", behavior: echo, run: echoes(text, nil)},
	{name: "empty binary", behavior: echo, run: echoes(binary, nil)},
	{name: "1 MiB text", behavior: echo, run: echoes(text, prose(mebibyte))},
	{name: "1 MiB binary", behavior: echo, run: echoes(binary, noise(mebibyte))},
	{name: "many messages", behavior: echo, run: manyMessages},
	{name: "the same message", behavior: echo, counted: true, run: sameMessage},
	{name: "fragmented text by us", behavior: echo, run: fragmentsByUs(text, prose(200_000))},
	{name: "fragmented binary by us", behavior: echo, run: fragmentsByUs(binary, noise(200_000))},
	{name: "fragmented text by the peer", behavior: fragments, run: fragmentsByPeer(text, prose(20_000))},
	{name: "fragmented binary by the peer", behavior: fragments, run: fragmentsByPeer(binary, noise(20_000))},
	{name: "ping by us", behavior: echo, run: pingByUs},
	{name: "ping by the peer", behavior: ping, run: pingByPeer},
	{name: "subprotocol", behavior: echo, subprotocols: []string{"unknown", "interop"}, run: echoes(text, prose(2000))},
}, closeExchanges()...)

// prose returns n bytes of text with characters of each length.
func prose(n int) []byte {
	const line = "The quick brown fox, ein fauler Hund, ένα γρήγορο αλεπού, 狐 and 🦊. "
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d. %s", i*i, line)
	}
	return []byte(strings.ToValidUTF8(b.String()[:n], ""))
}

// noise returns n fixed bytes that do not compress.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// echoes sends a message and expects its echo, three times if it is short.
func echoes(typ websocket.MessageType, p []byte) func(*testing.T, *session) {
	times := 3
	if len(p) > mebibyte/2 {
		times = 1
	}
	return func(t *testing.T, s *session) {
		s.conn.SetReadLimit(int64(len(p)))
		for range times {
			s.write(t, typ, p)
			s.want(t, typ, p)
		}
	}
}

// manyMessages sends similar messages of many sizes without waiting for the echoes.
func manyMessages(t *testing.T, s *session) {
	const count = 200
	message := func(i int) (websocket.MessageType, []byte) {
		p, _ := json.Marshal(map[string]any{"seq": i, "text": strings.Repeat("ab", i*i%3000), "noise": noise(i)})
		return text + websocket.MessageType(i%2), p
	}
	sent := make(chan error, 1)
	go func() {
		for i := range count {
			typ, p := message(i)
			if err := s.conn.Write(s.ctx, typ, p); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := range count {
		typ, p := message(i)
		s.want(t, typ, p)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// sameMessage sends a message repeatedly. The number of bytes on the wire shows whether
// both sides compress, and whether they use context takeover.
func sameMessage(t *testing.T, s *session) {
	const (
		count = 4
		// entropy is that of the message, which is almost three times as long: the
		// repetition is outside windows of 10 bits, and within those of 12.
		entropy = 1 << 10
	)
	within := s.agreed.windowBits == 0 || s.agreed.windowBits >= 12
	message := records(entropy)
	for range count {
		s.write(t, text, message)
		s.want(t, text, message)
	}
	for _, direction := range []struct {
		name     string
		bytes    int64
		takeover bool
	}{
		{"sent", s.wire.sent.Load(), s.ourTakeover(s.agreed) && within},
		{"received", s.wire.received.Load(), s.peerTakeover(s.agreed) && within},
	} {
		low, high := int64(count*len(message)), int64(count*len(message)+entropy)
		switch {
		case direction.takeover:
			// A fast compressor does not find all repetitions.
			low, high = entropy, 3*entropy
		case s.agreed.deflate:
			low, high = count*entropy, count*entropy*3/2
		}
		if direction.bytes < low || direction.bytes > high {
			t.Errorf("%d bytes %s, want %d to %d", direction.bytes, direction.name, low, high)
		}
	}
}

// records returns lines of JSON that contain entropy bytes of noise. More than half of
// the text is hexadecimal digits.
func records(entropy int) []byte {
	var b bytes.Buffer
	for line := range slices.Chunk(noise(entropy), 16) {
		fmt.Fprintf(&b, "{\"noise\":\"%x\"}\n", line)
	}
	return b.Bytes()
}

// fragmentsByUs sends a message with Writer, in parts of odd sizes.
func fragmentsByUs(typ websocket.MessageType, p []byte) func(*testing.T, *session) {
	return func(t *testing.T, s *session) {
		s.conn.SetReadLimit(int64(len(p)))
		for range 2 {
			w, err := s.conn.Writer(s.ctx, typ)
			if err != nil {
				t.Fatal(err)
			}
			for rest, n := p, 1; len(rest) > 0; n = n*3 + 1 {
				n = min(n, len(rest))
				if _, err := w.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s.want(t, typ, p)
		}
	}
}

// fragmentsByPeer expects a message in fragments, with a ping between them.
func fragmentsByPeer(typ websocket.MessageType, p []byte) func(*testing.T, *session) {
	return func(t *testing.T, s *session) {
		for range 2 {
			s.write(t, typ, p)
			s.want(t, typ, p)
		}
		if !s.pinged("between", "between") {
			t.Errorf("got pings %q, want two", s.pings)
		}
	}
}

// pingByUs pings while another goroutine reads.
func pingByUs(t *testing.T, s *session) {
	pinged := make(chan error, 1)
	go func() {
		for range 3 {
			if err := s.conn.Ping(s.ctx); err != nil {
				pinged <- err
				return
			}
		}
		// The echo ends the read below.
		pinged <- s.conn.Write(s.ctx, text, []byte("after the pongs"))
	}()
	s.want(t, text, []byte("after the pongs"))
	if err := <-pinged; err != nil {
		t.Fatal(err)
	}
}

func pingByPeer(t *testing.T, s *session) {
	payloads := []string{"", "a", strings.Repeat("x", 125)}
	for _, payload := range payloads {
		s.write(t, text, []byte(payload))
		s.want(t, text, []byte("pong "+payload))
	}
	if !s.pinged(payloads...) {
		t.Errorf("got pings %q, want %q", s.pings, payloads)
	}
}

// closeExchanges returns exchanges in which each side closes in many ways.
func closeExchanges() []exchange {
	var all []exchange
	for _, status := range []websocket.CloseError{
		{Code: websocket.StatusNormalClosure},
		{Code: websocket.StatusNormalClosure, Reason: "bye"},
		{Code: websocket.StatusGoingAway, Reason: "weg, 走了"},
		{Code: websocket.StatusPolicyViolation, Reason: "not so"},
		{Code: 3000, Reason: "registered"},
		{Code: 4999, Reason: strings.Repeat("r", 123)},
		{Code: websocket.StatusNoStatusRcvd},
	} {
		name := fmt.Sprintf("close %d with %d bytes", status.Code, len(status.Reason))
		all = append(all, exchange{
			name:     name + " by us",
			behavior: echo,
			run:      closeByUs(status),
			code:     status.Code,
			reason:   status.Reason,
		})
		e := exchange{
			name:     name + " by the peer",
			behavior: closes,
			run:      closeByPeer(status),
			code:     status.Code,
			reason:   status.Reason,
		}
		if status.Code == websocket.StatusNoStatusRcvd {
			e.not = pythonPeer.name // whose close frames always have a code
		}
		all = append(all, e)
	}
	return all
}

func closeByUs(status websocket.CloseError) func(*testing.T, *session) {
	return func(t *testing.T, s *session) {
		s.write(t, text, []byte("before"))
		if err := s.conn.Close(status.Code, status.Reason); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, _, err := s.conn.Read(s.ctx); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: got %v, want %v", err, net.ErrClosed)
		}
	}
}

func closeByPeer(status websocket.CloseError) func(*testing.T, *session) {
	return func(t *testing.T, s *session) {
		cl := closing{Code: int(status.Code), Reason: status.Reason}
		if status.Code == websocket.StatusNoStatusRcvd {
			cl.Code = 0
		}
		p, err := json.Marshal(cl)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, text, p)
		_, _, err = s.conn.Read(s.ctx)
		if got, ok := errors.AsType[websocket.CloseError](err); !ok || got != status {
			t.Errorf("Read: got %v, want %v", err, status)
		}
		if err := s.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("Close after the peer's: %v", err)
		}
	}
}

func (s *session) write(t *testing.T, typ websocket.MessageType, p []byte) {
	t.Helper()
	if err := s.conn.Write(s.ctx, typ, p); err != nil {
		t.Fatal(err)
	}
}

// want reads the next message.
func (s *session) want(t *testing.T, typ websocket.MessageType, p []byte) {
	t.Helper()
	gotType, r, err := s.conn.Reader(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if gotType != typ || !bytes.Equal(got, p) {
		t.Fatalf("got %v of %d bytes %.40q, want %v of %d bytes %.40q", gotType, len(got), got, typ, len(p), p)
	}
}
