// Package wsjson reads and writes JSON messages.
package wsjson

import (
	"context"
	"encoding/json"
	"fmt"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bufpool"
)

// Read waits for the next message of either type and decodes it into v by
// [json.Unmarshal]. v does not refer to pooled memory.
//
// If the message can't be decoded, the error wraps that of the decoder, and the
// connection stays open: the next Read reads the next message. Contexts, the read limit
// and other errors are those of [websocket.Conn.Reader].
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

// Write encodes v by [json.Encoder], which adds a newline, and sends it as a text
// message. If v can't be encoded, the error wraps that of the encoder, nothing is sent
// and the connection stays open. Contexts and other errors are those of
// [websocket.Conn.Write].
func Write(ctx context.Context, c *websocket.Conn, v any) error {
	b := bufpool.GetBuffer()
	defer b.Free()
	if err := json.NewEncoder(b).Encode(v); err != nil {
		return fmt.Errorf("wsjson: write: %w", err)
	}
	return c.Write(ctx, websocket.MessageText, b.Bytes())
}
