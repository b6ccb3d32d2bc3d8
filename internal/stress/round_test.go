//go:build !js

package stress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A stressRound is a number of concurrent connections on one network, which share the
// pools.
type stressRound struct {
	totals *stressTotals
	rng    rng
	shared []*websocket.PreparedMessage // written to all connections
	pairs  []*stressPair

	mu       sync.Mutex
	contexts []*conntest.CountedContext
}

func newStressRound(seed uint64, totals *stressTotals) *stressRound {
	return &stressRound{totals: totals, rng: newRNG(seed)}
}

// registrations counts the registrations with contexts that are not done.
func (r *stressRound) registrations() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ctx := range r.contexts {
		waiting, _ := ctx.Counts()
		n += waiting
	}
	return n
}

// newContext returns a context that counts its registrations.
func (r *stressRound) newContext() *conntest.CountedContext {
	ctx := conntest.NewCountedContext()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.contexts = append(r.contexts, ctx)
	return ctx
}

func (r *stressRound) run(t *testing.T) {
	network, url := r.listen(t)
	t.Logf("%T, %s", network, url)
	for i := range 1 + r.rng.IntN(6) {
		r.pairs = append(r.pairs, newStressPair(t, r, i))
	}
	r.prepare(t)
	rawpeer.Serve(t, network, http.HandlerFunc(r.handle))
	var all sync.WaitGroup
	for i, p := range r.pairs {
		all.Go(func() { p.run(network, fmt.Sprintf("%s/%d", url, i)) })
	}
	all.Wait()
}

// listen creates a network, and returns its server's URL.
func (r *stressRound) listen(t *testing.T) (n rawpeer.Network, url string) {
	switch pick(r.rng, "memory", "tcp", "unix") {
	case "memory":
		n = rawpeer.Listen(&rawpeer.PipeOptions{
			Capacity:    pick(r.rng, 0, 0, rawpeer.Rendezvous, 100, 5000),
			ResetUnread: r.rng.oneIn(2),
		})
	case "tcp":
		n = rawpeer.ListenLoopback(t)
	case "unix":
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		conntest.WantNoError(t, err)
		n = unixNetwork{l}
	}
	if r.rng.oneIn(4) {
		return tlsNetwork{n}, "wss://example.com"
	}
	return n, "ws://example.com"
}

// unixNetwork is a Network of Unix domain sockets.
type unixNetwork struct{ net.Listener }

func (n unixNetwork) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", n.Addr().String())
}

// tlsNetwork has a TLS server. Its clients dial the network below TLS.
type tlsNetwork struct{ rawpeer.Network }

func (n tlsNetwork) Accept() (net.Conn, error) {
	conn, err := n.Network.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(conn, stressTLS().server), nil
}

type tlsConfigs struct{ server, client *tls.Config }

// stressTLS are the configurations of a server for example.com and its clients.
var stressTLS = sync.OnceValue(func() tlsConfigs {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return tlsConfigs{
		&tls.Config{Certificates: s.TLS.Certificates},
		s.Client().Transport.(*http.Transport).TLSClientConfig,
	}
})

// handle accepts the connection that the path identifies.
func (r *stressRound) handle(w http.ResponseWriter, req *http.Request) {
	i, err := strconv.Atoi(strings.Trim(req.URL.Path, "/"))
	if err != nil {
		panic(err)
	}
	p := r.pairs[i]
	c, err := websocket.Accept(w, req, p.accept)
	if err != nil {
		p.t.Errorf("Accept: %v", err)
		return
	}
	p.accepted <- acceptedConn{c, req.Context()}
	<-p.handlerReturns
}

// A stressPair is the two ends of a connection, with the goroutines that use them.
type stressPair struct {
	t     *testing.T
	round *stressRound
	rng   rng
	json  bool // all messages are JSON

	secure bool // over TLS

	dial           *websocket.DialOptions
	accept         *websocket.AcceptOptions
	raw            net.Conn // the client's, below TLS
	accepted       chan acceptedConn
	handlerReturns chan struct{}
	returnHandler  func()
	requestContext context.Context

	client, server *stressSide

	calls  atomic.Int64
	enough int64 // the number of calls after which the connection is ended
	tired  chan struct{}

	// garbled is set before bytes are inserted or removed: the received messages may be
	// anything then.
	garbled atomic.Bool

	workers sync.WaitGroup
	check   func() // runs after the last call
}

type acceptedConn struct {
	conn *websocket.Conn
	ctx  context.Context
}

func newStressPair(t *testing.T, r *stressRound, i int) *stressPair {
	p := &stressPair{
		t: t, round: r, rng: r.rng.fork(), json: r.rng.oneIn(4),
		accepted:       make(chan acceptedConn, 1),
		handlerReturns: make(chan struct{}),
		tired:          make(chan struct{}),
		enough:         int64(1 + r.rng.upTo(600)),
	}
	p.returnHandler = sync.OnceFunc(func() { close(p.handlerReturns) })
	onPing := pick(r.rng, nil, func(context.Context, []byte) bool { return true })
	onPong := pick(r.rng, nil, func(context.Context, []byte) {})
	p.accept = &websocket.AcceptOptions{OnPingReceived: onPing, OnPongReceived: onPong}
	p.dial = &websocket.DialOptions{OnPingReceived: onPing, OnPongReceived: onPong}
	modes := []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover}
	p.accept.CompressionMode = pick(r.rng, modes...)
	p.dial.CompressionMode = pick(r.rng, modes...)
	p.accept.CompressionThreshold = pick(r.rng, 0, -1, 1000)
	p.dial.CompressionThreshold = pick(r.rng, 0, -1, 1000)
	p.accept.CompressionLevel = pick(r.rng, 0, 1, 5)
	p.dial.CompressionLevel = pick(r.rng, 0, 1, 5)
	if r.rng.oneIn(3) {
		p.accept.CompressionWindowBits = 8 + r.rng.IntN(8)
	}
	p.client, p.server = newStressSide(p, "client"), newStressSide(p, "server")
	p.client.peer, p.server.peer = p.server, p.client
	return p
}

// run runs the connection from the handshake to its end.
func (p *stressPair) run(network rawpeer.Network, url string) {
	defer p.returnHandler()
	if !p.connect(network, url) {
		return
	}
	defer p.raw.Close()
	p.round.totals.connections.Add(1)
	var ending func()
	if p.json || !p.rng.oneIn(3) {
		ending = p.talk()
	} else {
		ending = p.stream()
	}
	select {
	case <-p.tired:
	case <-time.After(200 * time.Millisecond): // possibly no goroutine is left that makes calls
	}
	ending()
	if !p.ends(100 * time.Millisecond) {
		p.client.conn.CloseNow()
		p.server.conn.CloseNow()
	}
	if !p.ends(stressBound) {
		p.t.Errorf("calls that do not return after the end\n%s", allStacks())
		return
	}
	p.check()
	p.client.conn.CloseNow()
	p.server.conn.CloseNow()
}

// connect performs the handshake.
func (p *stressPair) connect(network rawpeer.Network, url string) bool {
	below := network
	if n, ok := network.(tlsNetwork); ok {
		below, p.secure = n.Network, true
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   stressTLS().client.Clone(),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var err error
			p.raw, err = below.Dial(ctx)
			p.narrow()
			return p.raw, err
		},
	}
	p.dial.HTTPClient = &http.Client{Transport: transport}
	c, _, err := websocket.Dial(p.t.Context(), url, p.dial)
	if err != nil {
		p.t.Errorf("Dial: %v", err)
		return false
	}
	server := <-p.accepted
	p.client.conn, p.server.conn = c, server.conn
	p.requestContext = server.ctx
	return true
}

// narrow gives the stream small buffers, so that writes block and reads return few
// bytes.
func (p *stressPair) narrow() {
	switch conn := p.raw.(type) {
	case *rawpeer.Stream:
		if p.rng.oneIn(3) {
			conn.ChunkReads(1 + p.rng.IntN(2000))
			conn.Peer().ChunkReads(1 + p.rng.IntN(2000))
		}
	case interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}:
		if p.rng.oneIn(2) {
			conn.SetReadBuffer(4 << 10)
			conn.SetWriteBuffer(4 << 10)
		}
	}
}

// work runs f on a goroutine with its own random numbers.
func (p *stressPair) work(f func(r rng)) {
	r := p.rng.fork()
	p.workers.Go(func() { f(r) })
}

// called counts a call, and closes tired after enough of them.
func (p *stressPair) called() {
	p.round.totals.calls.Add(1)
	if p.calls.Add(1) == p.enough {
		close(p.tired)
	}
}

// ends reports whether all workers return within d.
func (p *stressPair) ends(d time.Duration) bool {
	done := make(chan struct{})
	go func() {
		p.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
