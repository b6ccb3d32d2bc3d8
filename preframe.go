//go:build !js

package websocket

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/sendqueue"
)

// preparedFrames are the frames that a prepared message goes out as.
type preparedFrames struct {
	plain preframed

	// deflated is a list of the compressed frames, one for each setting that was
	// asked for. Frames are only added, in front.
	deflated atomic.Pointer[deflatedFrame]

	mu sync.Mutex // a leaf; held by the goroutine that compresses
}

// preframed is the frame of a whole message, made before it is sent.
type preframed struct {
	bytes   []byte // as a server sends it
	payload []byte // its end

	// text is what the windows of receivers end with afterwards, of a message of
	// size bytes. It is nil if the frame is not compressed.
	text []byte
	size int
}

// deflatedFrame is the frame for connections that agreed on a setting.
type deflatedFrame struct {
	preframed
	setting deflateSetting
	next    *deflatedFrame
}

// maxText bounds the text of a preframed, which a connection refers to until it
// compresses again: as much as a compressor keeps.
const maxText = 2 << 10

func (m *preparedFrames) prepare(typ MessageType, p []byte) {
	m.plain = preframe(finalByte0(opcode(typ)), p)
}

// preframe makes a frame. It copies p.
func preframe(b byte0, p []byte) preframed {
	h := header{byte0: b, length: int64(len(p))}
	f := appendHeader(make([]byte, 0, maxHeader+len(p)), h)
	n := len(f)
	f = append(f, p...)
	return preframed{bytes: f, payload: f[n:]}
}

// compressed returns the frame for connections that agreed on s. The first call
// makes it, and concurrent ones wait for that.
func (m *PreparedMessage) compressed(s deflateSetting) *preframed {
	if f := m.find(s); f != nil {
		return f
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.find(s); f != nil {
		return f
	}
	p := m.plain.payload
	b := bufpool.Get(len(p) + len(p)>>10 + 64)
	defer b.Free()
	z := s.compressor(singly).Append(b.B[:0], p)
	f := &deflatedFrame{
		preframed: preframe(finalByte0(opcode(m.typ))|bitRSV1, z),
		setting:   s,
		next:      m.deflated.Load(),
	}
	f.text, f.size = p, len(p)
	if len(p) > maxText {
		f.text = bytes.Clone(p[len(p)-maxText:])
	}
	m.deflated.Store(f)
	return &f.preframed
}

func (m *preparedFrames) find(s deflateSetting) *preframed {
	for f := m.deflated.Load(); f != nil; f = f.next {
		if f.setting == s {
			return &f.preframed
		}
	}
	return nil
}

// writePrepared sends a prepared message.
func (e *engine) writePrepared(ctx context.Context, m *PreparedMessage) error {
	if err := e.checkWrite(ctx, m.typ); err != nil {
		return err
	}
	pre := &m.plain
	if d := e.snd.deflate; d != nil && len(pre.payload) >= d.threshold {
		pre = m.compressed(d.deflateSetting)
	}
	f := frame{byte0: byte0(pre.bytes[0]), payload: pre.payload, pre: pre}
	return e.send(ctx, sendqueue.Message, f)
}

// noteSent tells the compressor what the peer's window ends with after a prepared
// message. The caller has the lead.
func (s *sender) noteSent(pre *preframed) {
	if c := s.deflater.Load(); c != nil && pre.text != nil {
		c.Sent(pre.text, pre.size)
	}
}

// noteUnsent tells the compressor that a frame was withdrawn that it made, or was
// told of. The caller has the lead.
func (s *sender) noteUnsent(f frame) {
	if c := s.deflater.Load(); c != nil && (f.encoding == deflated || f.pre != nil && f.pre.text != nil) {
		c.Discard()
	}
}
