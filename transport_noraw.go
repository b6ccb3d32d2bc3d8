//go:build !unix && !js

package websocket

import "context"

// rawReading is empty where sockets are read and written by package net alone.
type rawReading struct{}

type blockMode uint8

const (
	blocking blockMode = iota
	notBlocking
)

func (s *stream) openRaw() {}

func (s *stream) rawRead(context.Context, []byte, *inbox) (int, error) {
	panic("websocket: no raw connection")
}

func (s *stream) rawWrite(context.Context, []byte, blockMode) (int, error) {
	panic("websocket: no raw connection")
}

func (s *stream) rawWriteBoth(context.Context, []byte, []byte) (int, error) {
	panic("websocket: no raw connection")
}
