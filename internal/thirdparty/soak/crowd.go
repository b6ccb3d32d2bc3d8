package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// grace is added to all timeouts, for a busy machine.
const grace = 20 * time.Second

// crowd are all clients.
type crowd struct {
	set     settings
	address string
	corpus  *corpus
	usual   *http.Client // dials as programs do
	narrow  *http.Client // for clients that read little at a time

	open   atomic.Int64 // connections
	counts map[string]*counts
	failures
}

func newCrowd(set settings, address string) *crowd {
	c := &crowd{
		set: set, address: address, corpus: newCorpus(set.seed), counts: map[string]*counts{},
	}
	c.usual = &http.Client{Transport: &http.Transport{DialContext: usually}}
	c.narrow = &http.Client{Transport: &http.Transport{DialContext: narrow}}
	for _, b := range behaviours {
		c.counts[b.name] = new(counts)
	}
	return c
}

// narrowBuffer lets a server detect soon that a client does not read. It is large
// enough for a segment of the loopback interface: with less, the kernel would drop
// segments with the acknowledgements in them, and neither side would receive anything.
const narrowBuffer = 64 << 10

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// usually dials as programs do.
var usually dialer = new(net.Dialer).DialContext

// narrow makes connections with narrow buffers.
func narrow(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := usually(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	if err := errors.Join(tcp.SetReadBuffer(narrowBuffer), tcp.SetWriteBuffer(narrowBuffer)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// run runs clients that connect and leave until ctx ends, and returns when all have
// left.
func (c *crowd) run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range c.set.connections {
		all.Go(func() {
			random := rand.New(rand.NewPCG(c.set.seed, uint64(i)+1))
			// The clients start over the time that a client stays.
			wait(ctx, c.set.life*time.Duration(i)/time.Duration(c.set.connections))
			for ctx.Err() == nil {
				c.visit(ctx, random)
			}
		})
	}
	all.Wait()
	c.usual.CloseIdleConnections()
	c.narrow.CloseIdleConnections()
}

// wait returns after d, or when ctx ends, and reports which.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// visit is the stay of a client.
type visit struct {
	*crowd
	*counts
	ctx    context.Context // done at the end of the run
	random *rand.Rand
	until  time.Time // when the client is to leave
}

// visit runs a client with a random behavior until it leaves, and waits before the next
// one.
func (c *crowd) visit(ctx context.Context, random *rand.Rand) {
	life := time.Duration((0.5 + random.Float64()) * float64(c.set.life))
	b := chooseBehaviour(random)
	v := &visit{crowd: c, counts: c.counts[b.name], ctx: ctx, random: random, until: time.Now().Add(life)}
	err := b.do(v)
	switch {
	case ctx.Err() != nil:
		v.interrupted.Add(1)
	case err != nil:
		v.failed.Add(1)
		c.failures.add(b.name, err)
	default:
		v.done.Add(1)
	}
	// The place of a client that left early stays empty for as long as others stay.
	wait(ctx, max(time.Until(v.until), c.set.life/20))
}

// rest waits between two messages. It returns false when the client is to leave.
func (v *visit) rest() bool {
	pause := time.Duration((0.5 + v.random.Float64()) / v.set.rate * float64(time.Second))
	left := time.Until(v.until)
	return wait(v.ctx, max(0, min(pause, left))) && left > pause
}

// behaviour is the purpose of a client.
type behaviour struct {
	name  string
	share int // relative frequency
	do    func(v *visit) error
}

var behaviours = []behaviour{
	{"echo", 24, echoes},
	{"fragments", 8, fragments},
	{"pings", 6, pings},
	{"news", 8, listens},
	{"idle", 8, idles},
	{"slow reader", 4, readsSlowly},
	{"close handshake", 5, closes},
	{"closed by the server", 4, isClosed},
	{"stall in a frame", 4, stalls},
	{"stall for good", 2, stallsForGood},
	{"never reads", 2, neverReads},
	{"ignores a close frame", 2, ignoresClose},
	{"reset", 4, resets},
	{"half-close", 3, halfCloses},
	{"lost in the handshake", 4, vanishes},
	{"violation", 6, violates},
	{"text that is not UTF-8", 3, garbles},
	{"deflate bomb", 2, bombs},
	{"over the read limit", 3, exceeds},
	{"ping flood", 2, floods},
	{"plain HTTP", 4, requests},
}

func chooseBehaviour(random *rand.Rand) behaviour {
	all := 0
	for _, b := range behaviours {
		all += b.share
	}
	n := random.IntN(all)
	for _, b := range behaviours {
		if n -= b.share; n < 0 {
			return b
		}
	}
	panic("unreachable")
}
