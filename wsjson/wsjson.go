// Package wsjson reads and writes JSON messages.
package wsjson

import (
	"context"
	"encoding/json"
	"fmt"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bufpool"
)

// Read waits for the next message, of either type, and decodes it into v as
// [json.Unmarshal] does. v holds nothing of the buffers that are reused.
//
// A message that does not decode is an error that wraps the decoder's and
// leaves the connection open: the next Read reads the next message. What Read
// says of contexts, limits and the other errors is that of
// [websocket.Conn.Reader].
func Read(ctx context.Context, c *websocket.Conn, v any) error {
	_, r, err := c.Reader(ctx)
	if err != nil {
		return err
	}
	b := bufpool.GetBuffer()
	defer b.Free()
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if err := json.Unmarshal(b.Bytes(), v); err != nil {
		return fmt.Errorf("wsjson: read: %w", err)
	}
	return nil
}

// Write encodes v as [json.Encoder] does, with a newline at the end, and sends
// it as a text message. A
// value that does not encode is an error that wraps the encoder's; nothing is
// sent and the connection stays open. What it says of contexts and the other
// errors is that of [websocket.Conn.Write].
func Write(ctx context.Context, c *websocket.Conn, v any) error {
	b := bufpool.GetBuffer()
	defer b.Free()
	if err := json.NewEncoder(b).Encode(v); err != nil {
		return fmt.Errorf("wsjson: write: %w", err)
	}
	return c.Write(ctx, websocket.MessageText, b.Bytes())
}
