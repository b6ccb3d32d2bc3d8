// Package wspb reads and writes protocol buffer messages. Only programs that
// import it link google.golang.org/protobuf.
package wspb

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bufpool"
	"google.golang.org/protobuf/proto"
)

// ErrMessageType is the error of Read for a text message.
var ErrMessageType = errors.New("message is not binary")

// Read waits for the next message and decodes it into m by [proto.Unmarshal], which
// resets m. m does not refer to pooled memory.
//
// A text message closes the connection with StatusUnsupportedData, and Read returns an
// error that is [ErrMessageType]. If the message can't be decoded, the error wraps that
// of the decoder, and the connection stays open: the next Read reads the next message.
// Contexts, the read limit and other errors are those of [websocket.Conn.Reader].
func Read(ctx context.Context, c *websocket.Conn, m proto.Message) error {
	typ, r, err := c.Reader(ctx)
	if err != nil {
		return err
	}
	if typ != websocket.MessageBinary {
		c.Close(websocket.StatusUnsupportedData, "expected a binary message")
		return fmt.Errorf("wspb: read: %w", ErrMessageType)
	}
	b := bufpool.GetBuffer()
	defer b.Free()
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	// AliasBuffer is not set: Unmarshal copies.
	if err := proto.Unmarshal(b.Bytes(), m); err != nil {
		return fmt.Errorf("wspb: read: %w", err)
	}
	return nil
}

// Write encodes m by [proto.Marshal] and sends it as a binary message. If m can't be
// encoded, the error wraps that of the encoder, nothing is sent and the connection stays
// open. Contexts and other errors are those of [websocket.Conn.Write].
func Write(ctx context.Context, c *websocket.Conn, m proto.Message) error {
	b := bufpool.GetBuffer()
	defer b.Free()
	p, err := proto.MarshalOptions{}.MarshalAppend(b.AvailableBuffer(), m)
	if err != nil {
		return fmt.Errorf("wspb: write: %w", err)
	}
	if cap(p) > b.Cap() {
		b.Buffer = *bytes.NewBuffer(p[:0]) // it grew
	}
	return c.Write(ctx, websocket.MessageBinary, p)
}
