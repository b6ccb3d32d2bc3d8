package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"math/rand/v2"
)

// peer is a client connection that reads and writes raw bytes, without a library's
// memory or behavior.
type peer struct {
	conn    net.Conn
	seed    uint64
	sent    uint64
	deflate *takeover // nil without compression
}

const (
	opText   = 0x1
	rsv1Bit  = 0x40
	finBit   = 0x80
	maskBit  = 0x80
	maxFrame = 1 << 16
)

// request sends the handshake.
func (p *peer) request(extensions string) error {
	var b strings.Builder
	b.WriteString("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
	if extensions != "" {
		b.WriteString("Sec-WebSocket-Extensions: " + extensions + "\r\n")
	}
	b.WriteString("\r\n")
	_, err := io.WriteString(p.conn, b.String())
	return err
}

// shake performs the handshake. Servers do not send first, so only the response
// arrives.
func (p *peer) shake(extensions string) error {
	if err := p.request(extensions); err != nil {
		return err
	}
	b := make([]byte, 4<<10)
	n := 0
	for !bytes.HasSuffix(b[:n], []byte("\r\n\r\n")) {
		if n == len(b) {
			return errors.New("the answer is too long")
		}
		k, err := p.conn.Read(b[n:])
		if err != nil {
			return err
		}
		n += k
	}
	answer := string(b[:n])
	if !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		status, _, _ := strings.Cut(answer, "\r\n")
		return fmt.Errorf("the server answers %q", status)
	}
	for line := range strings.SplitSeq(answer, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Sec-WebSocket-Extensions") {
			t, err := newTakeover(strings.TrimSpace(value))
			if err != nil {
				return err
			}
			p.deflate = t
		}
	}
	return nil
}

// write sends a text message of one frame.
func (p *peer) write(payload []byte, rsv byte) error {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := make([]byte, 0, len(payload)+8)
	b = append(b, finBit|rsv|opText)
	if len(payload) < 126 {
		b = append(b, maskBit|byte(len(payload)))
	} else {
		b = append(b, maskBit|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i&3])
	}
	_, err := p.conn.Write(b)
	return err
}

// read reads a frame, and returns its payload and its first byte.
func (p *peer) read() (payload []byte, first byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(p.conn, head[:2]); err != nil {
		return nil, 0, err
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(p.conn, head[2:]); err != nil {
			return nil, 0, err
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	} else if n > 126 {
		return nil, 0, errBroken // masked, or far too long
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(p.conn, payload)
	return payload, head[0], err
}

// message returns the connection's next message: JSON of size bytes, with the same
// names as the others and different values.
func (p *peer) message(size int) []byte {
	random := rand.New(rand.NewPCG(p.seed, p.sent))
	b := fmt.Appendf(make([]byte, 0, size+80), `{"seq":%d,"list":[`, p.sent)
	p.sent++
	for len(b) < size-70 {
		b = fmt.Appendf(b, `{"id":%d,"name":"user-%x","score":%.3f},`,
			random.IntN(1e6), random.Uint32(), 1000*random.Float64())
	}
	b = append(b, `"`...)
	for len(b) < size-3 {
		b = append(b, "0123456789abcdef"[random.IntN(16)])
	}
	return append(b, `"]}`...)
}
