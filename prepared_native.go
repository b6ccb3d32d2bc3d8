//go:build !js

package websocket

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/sender"
	"github.com/bhojpur/api/internal/sendqueue"
)

// preparedFrames are the frames that a prepared message goes out as.
type preparedFrames struct {
	plain sender.Preframed

	// deflated is a list of the compressed frames, one for each setting that was
	// asked for. Frames are only added, in front.
	deflated atomic.Pointer[deflatedFrame]

	mu sync.Mutex // a leaf; held by the goroutine that compresses
}

// deflatedFrame is the frame for connections that agreed on a setting.
type deflatedFrame struct {
	sender.Preframed
	setting deflateSetting
	next    *deflatedFrame
}

// maxText bounds the text that a connection refers to until it compresses again: as much
// as a compressor keeps.
const maxText = 2 << 10

func (m *preparedFrames) prepare(typ MessageType, p []byte) {
	m.plain = sender.Preframe(frame.Final(opcode(typ)), p)
}

// compressed returns the frame for connections that agreed on s. The first call makes it,
// and concurrent ones wait for that.
func (m *PreparedMessage) compressed(s deflateSetting) *sender.Preframed {
	if f := m.find(s); f != nil {
		return f
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.find(s); f != nil {
		return f
	}
	p := m.plain.Payload
	b := bufpool.Get(len(p) + len(p)>>10 + 64)
	defer b.Free()
	const takeover = false
	z := deflate.NewCompressor(s.sendBits, s.level, takeover).Append(b.B[:0], p)
	f := &deflatedFrame{
		Preframed: sender.Preframe(frame.Final(opcode(m.typ))|frame.BitRSV1, z),
		setting:   s,
		next:      m.deflated.Load(),
	}
	f.Text, f.Size = p, len(p)
	if len(p) > maxText {
		f.Text = bytes.Clone(p[len(p)-maxText:])
	}
	m.deflated.Store(f)
	return &f.Preframed
}

func (m *preparedFrames) find(s deflateSetting) *sender.Preframed {
	for f := m.deflated.Load(); f != nil; f = f.next {
		if f.setting == s {
			return &f.Preframed
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
	if d := e.rcv.deflate; d != nil && len(pre.Payload) >= d.threshold {
		pre = m.compressed(d.deflateSetting)
	}
	f := sender.Frame{Byte0: byte0(pre.Bytes[0]), Payload: pre.Payload, Pre: pre}
	return e.send(ctx, sendqueue.Message, f)
}
