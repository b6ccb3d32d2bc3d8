package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// deflateOffer is the offer of browsers.
const deflateOffer = "permessage-deflate; client_max_window_bits"

// takeover is the compression of a connection, with the history of both directions.
// Between echoes it holds only the histories.
type takeover struct {
	bits    int    // of the client's window
	out, in []byte // the windows of both directions
}

const windowSize = 32 << 10

func newTakeover(extensions string) (*takeover, error) {
	t := &takeover{bits: 15}
	params := strings.Split(extensions, ";")
	if strings.TrimSpace(params[0]) != "permessage-deflate" {
		return nil, fmt.Errorf("the server agrees on %q", extensions)
	}
	for _, param := range params[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch name {
		case "client_max_window_bits":
			bits, err := strconv.Atoi(strings.Trim(value, `"`))
			if err != nil || bits < 8 || bits > 15 {
				return nil, fmt.Errorf("the server agrees on %q", extensions)
			}
			t.bits = bits
		case "server_max_window_bits":
			// Any window is accepted: the client inflates with the largest.
		default:
			return nil, fmt.Errorf("no context takeover: the server agrees on %q", extensions)
		}
	}
	return t, nil
}

// compressors are shared by connections, with one pool for each window.
var compressors [16]sync.Pool

// level is the level of the compressors with the largest window.
const level = 5

func (t *takeover) compressor(w io.Writer) (*flate.Writer, error) {
	if z, ok := compressors[t.bits].Get().(*flate.Writer); ok {
		z.ResetDict(w, t.out)
		return z, nil
	}
	if t.bits == 15 {
		return flate.NewWriterDict(w, level, t.out)
	}
	z, err := flate.NewWriterWindow(w, 1<<t.bits)
	if err == nil && len(t.out) > 0 {
		z.ResetDict(w, t.out)
	}
	return z, err
}

// syncTail is the end of a flush, which is not sent (RFC 7692 section 7.2.1).
var syncTail = []byte{0, 0, 0xff, 0xff}

// finalBlock ends a message for the inflater.
var finalBlock = []byte{1, 0, 0, 0xff, 0xff}

// echo sends count messages and compares the echoes. The same compressor is used for
// all of them.
func (t *takeover) echo(p *peer, count int) error {
	var wire bytes.Buffer
	z, err := t.compressor(&wire)
	if err != nil {
		return err
	}
	defer compressors[t.bits].Put(z)
	for range count {
		want := p.message(deflatedSize)
		wire.Reset()
		if _, err := z.Write(want); err != nil {
			return err
		}
		if err := z.Flush(); err != nil {
			return err
		}
		deflated, ok := bytes.CutSuffix(wire.Bytes(), syncTail)
		if !ok {
			return errors.New("the compressor does not end its flush")
		}
		if err := p.write(deflated, rsv1Bit); err != nil {
			return err
		}
		t.out = remember(t.out, want, 1<<t.bits)
		got, err := t.read(p)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return errBroken
		}
	}
	return nil
}

// read reads a message and inflates it.
func (t *takeover) read(p *peer) ([]byte, error) {
	payload, first, err := p.read()
	if err != nil {
		return nil, err
	}
	if first != finBit|rsv1Bit|opText {
		return nil, errBroken
	}
	z := flate.NewReaderDict(io.MultiReader(
		bytes.NewReader(payload), bytes.NewReader(syncTail), bytes.NewReader(finalBlock)), t.in)
	message, err := io.ReadAll(z)
	t.in = remember(t.in, message, windowSize)
	return message, err
}

// remember appends to a history of at most size bytes.
func remember(history, p []byte, size int) []byte {
	history = append(history, p...)
	if len(history) > size {
		history = append(history[:0], history[len(history)-size:]...)
	}
	return history
}
