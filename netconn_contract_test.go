//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A text that is cut off by a deadline, or by one that is moved, is never cut
// inside a character: each message is UTF-8, and the rest can be written.
func TestNetConnTextCutOff(t *testing.T) {
	text := "x" + strings.Repeat("é", 50_000)
	narrow := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: 1000}}
	for name, write := range map[string]func(*testing.T, net.Conn) func() error{
		"passed": func(t *testing.T, nc net.Conn) func() error {
			nc.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := nc.Write([]byte(text))
			conntest.WantTimeout(t, err)
			nc.SetWriteDeadline(time.Time{})
			return rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(text[n:])); return err }).Err
		},
		"moved": func(t *testing.T, nc net.Conn) func() error {
			call := rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(text)); return err })
			synctest.Wait()
			nc.SetWriteDeadline(time.Now().Add(time.Hour))
			return call.Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, narrow, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				result := write(t, websocket.NetConn(t.Context(), c, websocket.MessageText))
				for got := 0; got < len(text); {
					m := p.ReadMessage()
					if !utf8.Valid(m.Payload) {
						t.Fatalf("a message of %d bytes is not UTF-8", len(m.Payload))
					}
					got += len(m.Payload)
				}
				conntest.WantNoError(t, result())
			})
		})
	}
}

// What a Write says it wrote does not include what went nowhere.
func TestNetConnWriteOnReset(t *testing.T) {
	for _, size := range []int{10, 5000, 100_000} {
		forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
			p.Reset()
			if n, err := nc.Write(make([]byte, size)); n != 0 || err == nil {
				t.Errorf("wrote %d bytes, %v, to a stream that had been reset", n, err)
			}
		})
	}
}

// A connection that ended because its context's deadline passed is closed, and
// does not tell its caller to try again.
func TestNetConnContextDeadline(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
		defer nc.Close()
		for range 2 {
			_, err := nc.Read(make([]byte, 1))
			conntest.WantError(t, err, context.DeadlineExceeded)
			conntest.WantError(t, err, net.ErrClosed)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Error("the end of the connection is a timeout")
			}
		}
	})
}

func TestNetConnEmptyRead(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		if n, err := nc.Read(nil); n != 0 || err != nil {
			t.Errorf("read %d, %v into nothing", n, err)
		}
	})
}
