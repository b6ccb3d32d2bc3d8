package behaviour

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A Read of a message's reader fills the slice from the frame, however its bytes
// arrive.
func TestReadFillsTheSlice(t *testing.T) {
	c, p := dial(t)
	payload := bytes.Repeat([]byte("0123456789"), 140)
	sent := frame(binaryMessage, payload)
	p.send(sent[:124])
	_, r, err := c.Reader(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	type result struct {
		n   int
		err error
	}
	read := make(chan result, 1)
	go func() {
		n, err := r.Read(b)
		read <- result{n, err}
	}()
	select {
	case got := <-read:
		t.Fatalf("got %d bytes of %d, error %v", got.n, len(payload), got.err)
	case <-time.After(time.Second):
	}
	p.send(sent[124:])
	if got := <-read; got.n != len(payload) || !bytes.Equal(b[:got.n], payload) {
		t.Errorf("got %d bytes of %d, error %v", got.n, len(payload), got.err)
	}
}

// Each Read of a NetConn returns one message, if the slice is large enough.
func TestNetConnReadsMessages(t *testing.T) {
	c, p := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	nc.SetReadDeadline(time.Now().Add(limit))
	var sent []byte
	const messages, size = 5, 1400
	for i := range messages {
		sent = append(sent, frame(binaryMessage, bytes.Repeat([]byte{byte(i)}, size))...)
	}
	go func() {
		for piece := range slices.Chunk(sent, 124) {
			p.Write(piece)
		}
	}()
	b := make([]byte, 2000)
	for i := range messages {
		if n, err := nc.Read(b); n != size || err != nil {
			t.Fatalf("got %d bytes, error %v in read %d", n, err, i)
		}
	}
}

// Invalid JSON closes the connection.
func TestBadJSONCloses(t *testing.T) {
	c, p := dial(t)
	p.send(frame(text, []byte("{")))
	received := make(chan byte, 1)
	go func() {
		first, _ := p.readFrame()
		received <- first
		p.sendClose(websocket.StatusInvalidFramePayloadData)
	}()
	var v any
	if err := wsjson.Read(bounded(t), c, &v); err == nil {
		t.Fatal("no error")
	}
	c.Write(bounded(t), websocket.MessageText, []byte("still open"))
	if first := <-received; first != closed {
		t.Errorf("the peer got a frame %#x, not a close frame", first)
	}
}

// Invalid UTF-8 in a text message is received and sent unchanged.
func TestTextIsNotChecked(t *testing.T) {
	c, p := dial(t)
	p.send(frame(text, []byte("\xff")))
	if _, b, err := c.Read(bounded(t)); string(b) != "\xff" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if err := c.Write(bounded(t), websocket.MessageText, []byte("\xff")); err != nil {
		t.Error(err)
	}
}

// A deadline that passes during a Read of a NetConn closes the connection.
func TestNetConnDeadlineCloses(t *testing.T) {
	c, p := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	b := make([]byte, 5)
	if _, err := nc.Read(b); err == nil {
		t.Fatal("no error")
	}
	nc.SetReadDeadline(time.Now().Add(limit))
	p.Write(frame(binaryMessage, b))
	if n, err := nc.Read(b); err == nil {
		t.Errorf("read %d bytes after the deadline", n)
	}
}

// At its end a NetConn returns io.EOF also from a Read into an empty slice.
func TestNetConnReadsNothingAtTheEnd(t *testing.T) {
	c, p := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	p.sendClose(websocket.StatusNormalClosure)
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("got %v", err)
	}
	if _, err := nc.Read(nil); !errors.Is(err, io.EOF) {
		t.Errorf("got %v for no bytes", err)
	}
}

// The addresses of a client's NetConn are not those of the network.
func TestNetConnAddress(t *testing.T) {
	c, _ := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	if got := nc.RemoteAddr().String(); got != "websocket/unknown-addr" {
		t.Errorf("got %q", got)
	}
}

// A message is complete when its last byte has been read: io.EOF need not be read.
func TestNextMessageAfterTheLastByte(t *testing.T) {
	for _, size := range []int{1, 125, 5000} {
		c, p := dial(t)
		for i := range 3 {
			p.send(frame(binaryMessage, make([]byte, size)))
			_, r, err := c.Reader(bounded(t))
			if err != nil {
				t.Fatalf("message %d of %d bytes: %v", i, size, err)
			}
			if _, err := io.ReadFull(r, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The limit is the largest allowed size of a message.
func TestReadLimit(t *testing.T) {
	for _, limit := range []int64{0, 1, 1000} {
		c, p := dial(t)
		c.SetReadLimit(limit)
		p.send(frame(text, make([]byte, limit)))
		if _, b, err := c.Read(bounded(t)); int64(len(b)) != limit || err != nil {
			t.Errorf("got %d bytes, %v with a limit of %d", len(b), err, limit)
		}
		reading := startRead(t, c, p)
		p.send(frame(text, make([]byte, limit+1)))
		if code := p.wantClose(); code != websocket.StatusMessageTooBig {
			t.Errorf("got %v", code)
		}
		p.sendClose(websocket.StatusMessageTooBig)
		if err := reading.err(t); !errors.Is(err, websocket.ErrMessageTooBig) {
			t.Errorf("got %v", err)
		}
	}
}

// If the connection is lost, a NetConn returns an error that wraps io.EOF.
func TestNetConnGone(t *testing.T) {
	c, p := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	p.Close()
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || err == io.EOF {
		t.Errorf("got %v", err)
	}
}

// The error of a NetConn contains any other cause of the end.
func TestNetConnErrors(t *testing.T) {
	c, p := dial(t)
	p.sendClose(4000)
	_, err := websocket.NetConn(context.Background(), c, websocket.MessageBinary).Read(make([]byte, 1))
	if websocket.CloseStatus(err) != 4000 {
		t.Errorf("got %v", err)
	}

	c, p = dial(t)
	p.send(frame(text, nil))
	if _, err := websocket.NetConn(context.Background(), c, websocket.MessageBinary).Read(make([]byte, 1)); err == nil {
		t.Error("no error for text")
	}
	if code := p.wantClose(); code != websocket.StatusUnsupportedData {
		t.Errorf("got a close frame with %v", code)
	}

	c, _ = dial(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := websocket.NetConn(ctx, c, websocket.MessageBinary).Read(make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A Read of a NetConn whose deadline passes returns context.Canceled.
func TestNetConnDeadlineError(t *testing.T) {
	c, _ := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// After CloseRead, a Read waits until its context ends.
func TestReadAfterCloseRead(t *testing.T) {
	c, _ := dial(t)
	c.CloseRead(context.Background())
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
