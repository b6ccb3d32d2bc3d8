package conformance

import (
	"context"
	"net"
	"net/http"
)

// peer is an echo program on an implementation, according to its documentation and its
// own test with the original suite: with compression, and with a check of UTF-8 if the
// implementation has one.
type peer struct {
	name   string // in the tables
	module string // in go.mod

	// serve accepts a connection and echoes until it has ended.
	serve func(http.ResponseWriter, *http.Request) error

	// dial connects to url over the stream of a dialer, and echoes until the connection
	// ends.
	dial func(ctx context.Context, url string, over dialer) error
}

// dialer opens a client's stream.
type dialer func(context.Context) (net.Conn, error)

// to is the dialer in the form of most clients' options.
func (d dialer) to(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

func (d dialer) httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.to}}
}

// peers are in the order of the tables' columns.
var peers = []peer{ourPeer, coderPeer, gorillaPeer, gwsPeer, gobwasPeer}
