//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// hesitantContext has ended, but who asks why has to wait for the answer.
type hesitantContext struct {
	context.Context
	answer chan struct{}
}

func (c *hesitantContext) Err() error {
	err := c.Context.Err()
	if err != nil {
		<-c.answer
	}
	return err
}

// A context that is about to end the handshake when the answer arrives makes it
// fail, with what the context says: Dial never returns neither a connection nor an
// error.
func TestDialContextIsEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, cancel := context.WithCancel(t.Context())
		ctx := &hesitantContext{Context: inner, answer: make(chan struct{})}
		call, p := conntest.GoDial(t, ctx, rawpeer.URL, nil)
		cancel()
		synctest.Wait()
		if call.Returned() {
			t.Fatal("the context has ended the handshake already")
		}
		p.Answer(nil)
		synctest.Wait()
		close(ctx.answer)
		result, err := call.Result()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
		if result.Conn != (*websocket.Conn)(nil) {
			t.Error("got a connection")
		}
		p.WantEnd()
	})
}
