//go:build !unix

package netstream

import (
	"context"

	"github.com/bhojpur/api/internal/bufpool"
)

// rawReading is empty where sockets are read and written by package net alone.
type rawReading struct{}

type blockMode uint8

const (
	blocking blockMode = iota
	notBlocking
)

func (s *Stream) openRaw(any) {}

func (s *Stream) rawRead(context.Context, []byte, int) (int, *bufpool.Block, error) {
	panic("netstream: no raw connection")
}

func (s *Stream) rawWrite(context.Context, []byte, blockMode) (int, error) {
	panic("netstream: no raw connection")
}

func (s *Stream) rawWriteBoth(context.Context, []byte, []byte) (int, error) {
	panic("netstream: no raw connection")
}
