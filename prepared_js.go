package websocket

import (
	"bytes"
	"context"
)

// preparedFrames is a message as the browser takes it.
type preparedFrames struct {
	p []byte
}

func (m *preparedFrames) prepare(_ MessageType, p []byte) {
	m.p = bytes.Clone(p)
}

// writePrepared sends a message that was checked before.
func (e *engine) writePrepared(ctx context.Context, m *PreparedMessage) error {
	if err := e.checkWrite(ctx, m.typ); err != nil {
		return err
	}
	return e.send(ctx, m.typ, m.p)
}
