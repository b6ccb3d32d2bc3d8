package nettest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bhojpur/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// network is a network below WebSocket connections.
type network struct {
	name   string
	listen func(*testing.T) (net.Listener, dialFunc)
}

type dialFunc func(context.Context) (net.Conn, error)

var networks = []network{
	{"tcp", listenTCP},
	{"unix", listenUnix},
	{"pipe", listenPipe},
}

var compressions = []struct {
	name string
	mode websocket.CompressionMode
}{
	{"uncompressed", websocket.CompressionDisabled},
	{"takeover", websocket.CompressionContextTakeover},
	{"no takeover", websocket.CompressionNoContextTakeover},
}

func listenTCP(*testing.T) (net.Listener, dialFunc) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	return dialable(ln, err)
}

func listenUnix(t *testing.T) (net.Listener, dialFunc) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	return dialable(ln, err)
}

// dialable returns a listener and a function that dials it. The sockets' buffers are
// small, so that larger writes block until they are read.
func dialable(ln net.Listener, err error) (net.Listener, dialFunc) {
	if err != nil {
		panic(err)
	}
	return tightListener{ln}, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return tight(d.DialContext(ctx, ln.Addr().Network(), ln.Addr().String()))
	}
}

type tightListener struct{ net.Listener }

func (l tightListener) Accept() (net.Conn, error) { return tight(l.Listener.Accept()) }

const tightBuffer = 128 << 10

func tight(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	b := c.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	})
	return c, errors.Join(b.SetReadBuffer(tightBuffer), b.SetWriteBuffer(tightBuffer))
}

// pipeListener accepts the other ends of net.Pipe, whose writes block until they are
// read.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func listenPipe(*testing.T) (net.Listener, dialFunc) {
	l := newPipeListener()
	return l, l.dial
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	if err := l.put(ctx, pipe{server}); err != nil {
		return nil, err
	}
	return pipe{client}, nil
}

// pipe is an end of a net.Pipe. It declares that a Write can continue after one that
// timed out.
type pipe struct{ net.Conn }

func (pipe) ResumesWrites() bool { return true }

// put passes a connection to Accept.
func (l *pipeListener) put(ctx context.Context, c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// tunnel is a server that uses NetConn for each WebSocket connection, with a client
// that does the same.
type tunnel struct {
	mode      websocket.CompressionMode
	server    *http.Server
	serving   sync.WaitGroup
	transport *http.Transport
	accepted  *pipeListener
}

// newTunnel starts a tunnel's server.
func newTunnel(t *testing.T, n network, mode websocket.CompressionMode) *tunnel {
	ln, dial := n.listen(t)
	tn := &tunnel{
		mode:     mode,
		accepted: newPipeListener(),
		transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
	}
	tn.server = &http.Server{Handler: http.HandlerFunc(tn.serve)}
	tn.serving.Go(func() { tn.server.Serve(ln) })
	return tn
}

func (tn *tunnel) stop() {
	tn.accepted.Close()
	tn.server.Close()
	tn.transport.CloseIdleConnections()
	tn.serving.Wait()
}

func (tn *tunnel) serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: tn.mode})
	if err != nil {
		return // the client gets the error
	}
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	if err := tn.accepted.put(context.Background(), nc); err != nil {
		c.CloseNow()
	}
}

// dial returns the client's end of a new connection.
func (tn *tunnel) dial(ctx context.Context) (net.Conn, error) {
	c, _, err := websocket.Dial(ctx, "ws://tunnel", &websocket.DialOptions{
		HTTPClient:      &http.Client{Transport: tn.transport},
		CompressionMode: tn.mode,
	})
	if err != nil {
		return nil, err
	}
	return websocket.NetConn(context.Background(), c, websocket.MessageBinary), nil
}

// pair returns both ends of a new connection.
func (tn *tunnel) pair(ctx context.Context) (client, server net.Conn, err error) {
	client, err = tn.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	server, err = tn.accepted.Accept()
	return client, server, err
}
