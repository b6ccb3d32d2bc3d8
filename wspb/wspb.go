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

// Read waits for the next message and decodes it into m, which it resets, as
// [proto.Unmarshal] does. m holds nothing of the buffers that are reused.
//
// A text message closes the connection with StatusUnsupportedData and is an
// error that is [ErrMessageType]. A message that does not decode is an error
// that wraps the decoder's and leaves the connection open: the next Read reads
// the next message. What it says of contexts, limits and the other errors is
// that of [websocket.Conn.Reader].
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
	// AliasBuffer is not set: what m keeps is copied.
	if err := proto.Unmarshal(b.Bytes(), m); err != nil {
		return fmt.Errorf("wspb: read: %w", err)
	}
	return nil
}

// Write encodes m as [proto.Marshal] does and sends it as a binary message. A
// message that does not encode is an error that wraps the encoder's; nothing
// is sent and the connection stays open. What it says of contexts and the
// other errors is that of [websocket.Conn.Write].
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
