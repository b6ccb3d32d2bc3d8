package netstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inMemory is a stream without another one below it.
type inMemory struct {
	_ sync.Mutex
	_ sync.Cond
	_ []byte
	_ *time.Timer
	_ *inMemory
	_ [2]net.Addr
}

func TestIsPlain(t *testing.T) {
	for _, test := range []struct {
		value any
		want  bool
	}{
		{new(inMemory), true},
		{inMemoryClient(), true},
		{new(net.TCPConn), true},
		{struct{ *net.UnixConn }{}, true},
		{new(tls.Conn), false},
		{struct{ *tls.Conn }{}, false},
		{struct{ net.Conn }{}, false},
		{struct{ c any }{}, false},
		{struct{ w io.Writer }{}, false},
		{struct{ c io.Closer }{}, false},
		{struct{ r *bufio.Reader }{}, false},
		{struct{ close func() }{}, false},
		{struct{ all map[string][]net.Conn }{}, false},
		{struct{ all map[net.Conn]bool }{}, false},
		{struct{ c chan *[1]net.Conn }{}, false},
		{struct{ r *http.Response }{}, false},
		{struct{ f *os.File }{}, true},
	} {
		for range 2 { // the second result is cached
			if got := isPlain(reflect.TypeOf(test.value)); got != test.want {
				t.Errorf("got %t for %T, want %t", got, test.value, test.want)
			}
		}
	}
}

// inMemoryClient returns an end of a net.Pipe.
func inMemoryClient() net.Conn {
	c, _ := net.Pipe()
	return c
}

// slowCloser is plain, and its Close waits for a Write that is under way.
type slowCloser struct {
	lock    chan struct{} // of capacity 1; full while Write or Close runs
	expired chan struct{}
	once    sync.Once
}

func (c *slowCloser) Write([]byte) (int, error) {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	<-c.expired
	return 0, os.ErrDeadlineExceeded
}

func (c *slowCloser) Close() error {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	return nil
}

func (c *slowCloser) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() {
		c.once.Do(func() { close(c.expired) })
	}
	return nil
}

func (c *slowCloser) Read([]byte) (int, error)        { return 0, io.EOF }
func (c *slowCloser) LocalAddr() net.Addr             { return nil }
func (c *slowCloser) RemoteAddr() net.Addr            { return nil }
func (c *slowCloser) SetDeadline(time.Time) error     { return nil }
func (c *slowCloser) SetReadDeadline(time.Time) error { return nil }

// Close does not wait for a call under way, even of a plain type.
func TestClosePlainWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCloser{lock: make(chan struct{}, 1), expired: make(chan struct{})}
		if !isPlain(reflect.TypeOf(c)) {
			t.Fatal("the type of the test is not plain")
		}
		l := new(locks)
		s := &side{New(c, nil, l), l, c}
		wrote := make(chan error, 1)
		go func() {
			_, err := s.write(context.Background(), []byte("x"))
			wrote <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-wrote; err == nil {
			t.Error("a write of a closed stream returned no error")
		}
	})
}
