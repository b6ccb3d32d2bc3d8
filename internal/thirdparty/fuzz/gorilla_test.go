package fuzz

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
	gorilla "github.com/gorilla/websocket"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// FuzzGorilla exchanges messages with gorilla. plan has two bytes for each message,
// which may be from either side, of any kind and size, whole or fragmented, compressed
// or not, with pings between frames. Each side must read what the other wrote.
func FuzzGorilla(f *testing.F) {
	text := []byte(strings.Repeat("The quick brown fox, 狐 and 🦊. ", 20))
	var all []byte
	for kind := range 256 {
		all = append(all, byte(kind), byte(kind*37))
	}
	for flags := range uint16(48) {
		f.Add(all[10*flags:][:32], text, flags, uint16(100+97*flags))
	}
	f.Add([]byte{0, 255, 1, 255, 4, 200, 5, 200}, text, uint16(2), uint16(0))
	f.Fuzz(func(t *testing.T, plan, text []byte, flags, frameBytes uint16) {
		if len(plan) > maxPlan || len(text) > maxText {
			return
		}
		s := settings{
			server:      flags&1 != 0,
			compression: websocket.CompressionMode(flags >> 1 % 3),
			threshold:   []int{-1, 0, 1000}[flags>>3%3],
			level:       int(flags >> 5 % 10),
			bits:        []int{0, 8, 9, 10, 11, 12, 13, 14, 15}[flags>>9%9],
			frameBytes:  200 + int(frameBytes)%20_000,
		}
		if !s.server {
			s.bits = 0 // gorilla's server would reject them
		}
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := connect(t, s)
			defer ours.CloseNow()
			defer theirs.Close()
			ours.SetReadLimit(-1)
			d := &dialogue{t: t, ours: ours, theirs: theirs, text: text}
			theirs.SetPongHandler(func(payload string) error {
				d.pongs = append(d.pongs, payload)
				return nil
			})
			for i := 0; i+1 < len(plan); i += 2 {
				d.message(plan[i], plan[i+1])
			}
			d.end(flags>>15 != 0)
		})
	})
}

const (
	maxPlan = 64
	maxText = 4096
)

// dialogue is the state of a run of FuzzGorilla.
type dialogue struct {
	t      *testing.T
	ours   *websocket.Conn
	theirs *gorilla.Conn
	text   []byte

	count  int
	pings  []string                  // sent by gorilla
	pongs  []string                  // received by gorilla
	waited []*rawpeer.Call[struct{}] // pings by this library
}

// The bits of a message's kind.
const (
	fromUs    = 1 << iota
	ofBinary  //
	inParts   // written in several pieces
	prepared  // a prepared message, if not in parts
	withPing  // a ping before it, or between the parts
	asItIs    // not compressed by gorilla
	inSlices  // read in small pieces
	twoParted // in two pieces instead of many
)

// content returns the payload for a kind and size: up to 64 KB.
func (d *dialogue) content(kind, size byte) []byte {
	n := int(size)
	if n > 128 {
		n = (n - 128) * 500
	}
	d.count++
	p := d.text
	if len(p) == 0 {
		p = []byte{size}
	}
	p = p[d.count*31%len(p):]
	p = bytes.Repeat(p, n/len(p)+1)[:n]
	if kind&ofBinary == 0 {
		p = bytes.ToValidUTF8(p, []byte("?"))
	}
	return p
}

// message writes a message at one side, and reads it at the other.
func (d *dialogue) message(kind, size byte) {
	p := d.content(kind, size)
	if kind&fromUs != 0 {
		d.mustWrite(d.write(kind, p), "us")
		typ, got, err := d.theirs.ReadMessage()
		d.want(kind, p, typ, got, err)
	} else {
		d.mustWrite(d.gorillaWrites(kind, p), "gorilla")
		typ, got, err := d.read(kind)
		d.want(kind, p, int(typ), got, err)
	}
	synctest.Wait() // until pongs have arrived
}

func (d *dialogue) mustWrite(err error, by string) {
	if err != nil {
		d.t.Fatalf("message %d by %s: %v", d.count, by, err)
	}
}

func (d *dialogue) want(kind byte, want []byte, typ int, got []byte, err error) {
	wantType := gorilla.TextMessage
	if kind&ofBinary != 0 {
		wantType = gorilla.BinaryMessage
	}
	if err != nil || typ != wantType || !bytes.Equal(got, want) {
		d.t.Fatalf("message %d of kind %08b: got type %d with %d bytes %.40q, %v; want type %d with %d bytes %.40q",
			d.count, kind, typ, len(got), got, err, wantType, len(want), want)
	}
}

// pieces returns the pieces in which a message is written.
func pieces(kind byte, p []byte) [][]byte {
	if kind&twoParted != 0 {
		return [][]byte{p[:len(p)/3], p[len(p)/3:]}
	}
	var all [][]byte
	for n := 1; len(p) > 0; n = 3*n - 1 {
		n = min(n+1, len(p))
		all, p = append(all, p[:n]), p[n:]
	}
	return all
}

// write writes a message with this library.
func (d *dialogue) write(kind byte, p []byte) error {
	ctx := d.t.Context()
	typ := websocket.MessageText
	if kind&ofBinary != 0 {
		typ = websocket.MessageBinary
	}
	ping := func() {
		d.waited = append(d.waited, rawpeer.GoErr(d.t, func() error { return d.ours.Ping(ctx) }))
		synctest.Wait()
	}
	if kind&inParts == 0 {
		if kind&withPing != 0 {
			ping()
		}
		if kind&prepared == 0 {
			return d.ours.Write(ctx, typ, p)
		}
		m, err := websocket.NewPreparedMessage(typ, p)
		if err != nil {
			return err
		}
		return d.ours.WritePrepared(ctx, m)
	}
	w, err := d.ours.Writer(ctx, typ)
	if err != nil {
		return err
	}
	for i, piece := range pieces(kind, p) {
		if i == 1 && kind&withPing != 0 {
			ping()
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return w.Close()
}

// gorillaWrites writes a message with gorilla.
func (d *dialogue) gorillaWrites(kind byte, p []byte) error {
	typ := gorilla.TextMessage
	if kind&ofBinary != 0 {
		typ = gorilla.BinaryMessage
	}
	d.theirs.EnableWriteCompression(kind&asItIs == 0)
	ping := func() error {
		d.pings = append(d.pings, string(p[:min(len(p), 125)]))
		return d.theirs.WriteControl(gorilla.PingMessage, p[:min(len(p), 125)], time.Time{})
	}
	if kind&inParts == 0 {
		var err error
		if kind&withPing != 0 {
			err = ping()
		}
		if err != nil || kind&prepared == 0 {
			return errors.Join(err, d.theirs.WriteMessage(typ, p))
		}
		m, err := gorilla.NewPreparedMessage(typ, p)
		if err != nil {
			return err
		}
		return d.theirs.WritePreparedMessage(m)
	}
	w, err := d.theirs.NextWriter(typ)
	if err != nil {
		return err
	}
	for i, piece := range pieces(kind, p) {
		if i == 1 && kind&withPing != 0 {
			if err := ping(); err != nil {
				return err
			}
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return w.Close()
}

// read reads a message with this library.
func (d *dialogue) read(kind byte) (websocket.MessageType, []byte, error) {
	if kind&inSlices == 0 {
		return d.ours.Read(d.t.Context())
	}
	typ, r, err := d.ours.Reader(d.t.Context())
	if err != nil {
		return 0, nil, err
	}
	var got bytes.Buffer
	_, err = io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{r}, make([]byte, 1+d.count*7))
	return typ, got.Bytes(), err
}

// end closes the connection from either side, and checks the errors of both and the
// pongs.
func (d *dialogue) end(byUs bool) {
	const reason = "that was all"
	ctx := context.Background()
	if byUs {
		closing := rawpeer.GoErr(d.t, func() error { return d.ours.Close(websocket.StatusGoingAway, reason) })
		d.wantGorillaClosed(gorilla.CloseGoingAway, reason)
		if err := closing.Err(); err != nil {
			d.t.Fatalf("Close: %v", err)
		}
		for _, ping := range d.waited {
			ping.Err() // it may also fail, if the pong is too late
		}
	} else {
		d.mustWrite(d.theirs.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(4000, reason), time.Time{}), "gorilla")
		_, _, err := d.ours.Read(ctx)
		if ce, ok := errors.AsType[websocket.CloseError](err); !ok || ce != (websocket.CloseError{Code: 4000, Reason: reason}) {
			d.t.Fatalf("got %v from Read", err)
		}
		d.wantGorillaClosed(4000, reason)
		for i, ping := range d.waited {
			if err := ping.Err(); err != nil {
				d.t.Fatalf("our ping %d: %v", i, err)
			}
		}
	}
	if len(d.pongs) != len(d.pings) || strings.Join(d.pongs, "|") != strings.Join(d.pings, "|") {
		d.t.Fatalf("gorilla got pongs %.20q for its pings %.20q", d.pongs, d.pings)
	}
}

func (d *dialogue) wantGorillaClosed(code int, reason string) {
	_, _, err := d.theirs.ReadMessage()
	if ce, ok := errors.AsType[*gorilla.CloseError](err); !ok || ce.Code != code || ce.Text != reason {
		d.t.Fatalf("gorilla got %v, want close %d %q", err, code, reason)
	}
}
