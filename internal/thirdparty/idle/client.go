package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// echoClient is the client process: it opens connections and compares the echoes.
type echoClient struct {
	address string
	s       situation
	silent  bool
	seed    uint64
	conns   []*peer
}

// workers is the number of connections handled concurrently.
const workers = 32

// patience bounds the wait for each echo.
const patience = 60 * time.Second

const (
	plainSize     = 136
	deflatedSize  = 1 << 10
	deflatedCount = 64
)

// answer executes the parent's commands.
func (e *echoClient) answer(command string, n int, _ string) (string, error) {
	switch command {
	case "open":
		e.conns = make([]*peer, n)
		err := e.each(e.open)
		return fmt.Sprint(n), err
	case "echo":
		var answered atomic.Int64
		err := e.each(func(i int) error {
			if err := e.echo(i, 1); err != nil {
				return err
			}
			answered.Add(1)
			return nil
		})
		return fmt.Sprint(answered.Load()), err
	}
	return "", errors.New("unknown command " + command)
}

// each calls f for all connections, several at a time, and returns the first error.
func (e *echoClient) each(f func(i int) error) error { return atOnce(len(e.conns), f) }

func (e *echoClient) open(i int) error {
	conn, err := net.Dial("tcp", e.address)
	if err != nil {
		return err
	}
	p := &peer{conn: conn, seed: e.seed<<32 | uint64(i)}
	e.conns[i] = p
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if e.silent {
		return p.request("")
	}
	if e.s.windowBits() == 0 {
		if err := p.shake(""); err != nil {
			return err
		}
		return e.echo(i, 1)
	}
	if err := p.shake(deflateOffer); err != nil {
		return err
	}
	if p.deflate == nil {
		return errors.New("the server does not compress")
	}
	if got, want := p.deflate.bits, e.s.windowBits(); got != want {
		return fmt.Errorf("the server agrees on a window of %d bits, want %d", got, want)
	}
	return e.echo(i, deflatedCount)
}

// echo sends a connection new messages, one after the other, and compares each echo.
func (e *echoClient) echo(i, count int) error {
	p := e.conns[i]
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if p.deflate != nil {
		return p.deflate.echo(p, count)
	}
	for range count {
		want := p.message(plainSize)
		if err := p.write(want, 0); err != nil {
			return err
		}
		got, first, err := p.read()
		if err != nil {
			return err
		}
		if first != opText|finBit || !bytes.Equal(got, want) {
			return errBroken
		}
	}
	return nil
}

var errBroken = errors.New("the echo is not the message")

// close closes all connections.
func (e *echoClient) close() {
	for _, p := range e.conns {
		if p != nil {
			p.conn.Close()
		}
	}
}
