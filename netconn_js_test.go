package websocket

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

func TestNetConn(t *testing.T) {
	nc := NetConn(t.Context(), dialTest(t, "/echo"), MessageBinary)
	defer nc.Close()
	sent := []byte(randomBytes(1 << 20))
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := sent; len(p) > 0; {
			n, err := nc.Write(p[:min(len(p), 40000)])
			if err != nil {
				t.Error(err)
				return
			}
			p = p[n:]
		}
	})
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(nc, got); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if !bytes.Equal(got, sent) {
		t.Error("the bytes are not the same")
	}
}

func TestNetConnDeadline(t *testing.T) {
	nc := NetConn(t.Context(), dialTest(t, "/echo"), MessageText)
	defer nc.Close()
	isTimeout := func(err error) bool {
		ne, ok := errors.AsType[net.Error](err)
		return ok && ne.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
	}
	p := make([]byte, 3)
	nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := nc.Read(p); n != 0 || !isTimeout(err) {
		t.Errorf("Read: %d bytes, %v", n, err)
	}
	if _, err := io.WriteString(nc, "hello\n"); err != nil {
		t.Fatal(err)
	}
	nc.SetReadDeadline(time.Time{})
	if _, err := io.ReadFull(nc, p); err != nil || string(p) != "hel" {
		t.Errorf("%q, %v", p, err)
	}
	// A deadline in the middle of a message loses nothing.
	nc.SetDeadline(time.Now().Add(-time.Second))
	if n, err := nc.Read(p); n != 0 || !isTimeout(err) {
		t.Errorf("Read: %d bytes, %v", n, err)
	}
	if n, err := io.WriteString(nc, "not sent"); n != 0 || !isTimeout(err) {
		t.Errorf("Write: %d bytes, %v", n, err)
	}
	nc.SetDeadline(time.Now().Add(testTimeout))
	if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || line != "lo\n" {
		t.Errorf("%q, %v", line, err)
	}
	// A deadline that is moved during a call counts for it.
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := nc.Read(p); n != 0 || !isTimeout(err) {
			t.Errorf("Read: %d bytes, %v", n, err)
		}
	})
	time.Sleep(10 * time.Millisecond)
	nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	wg.Wait()
}

func TestNetConnEnds(t *testing.T) {
	for _, tt := range []struct {
		path string
		want error
	}{
		{"/close?code=1000&messages=1", io.EOF},
		{"/close?code=1001", io.EOF},
		{"/close?code=1011", net.ErrClosed},
		{"/drop", io.ErrUnexpectedEOF},
	} {
		nc := NetConn(t.Context(), dialTest(t, tt.path), MessageText)
		nc.SetReadDeadline(time.Now().Add(testTimeout))
		for range 2 {
			_, err := io.Copy(io.Discard, nc)
			if err == nil {
				err = io.EOF
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.path, err, tt.want)
			}
		}
		nc.Close()
	}
}

func TestNetConnWrongType(t *testing.T) {
	id := newID(t)
	c := dialTest(t, "/echo?id="+id)
	if err := c.Write(testContext(t), MessageText, []byte("text")); err != nil {
		t.Fatal(err)
	}
	nc := NetConn(t.Context(), c, MessageBinary)
	if n, err := nc.Read(make([]byte, 1)); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if got, want := endOf(t, id), "4003 "; got[:min(5, len(got))] != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}

func TestNetConnClose(t *testing.T) {
	id := newID(t)
	c := dialTest(t, "/echo?id="+id)
	nc := NetConn(t.Context(), c, MessageBinary)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
	})
	time.Sleep(10 * time.Millisecond)
	for range 2 {
		if err := nc.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if got, want := endOf(t, id), "1000 "; got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
	if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
}

func TestNetConnContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	nc := NetConn(ctx, dialTest(t, "/echo"), MessageBinary)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("Read: %v", err)
		}
	})
	time.Sleep(10 * time.Millisecond)
	cancel()
	wg.Wait()
	if _, err := nc.Write([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
}
