package conformance

import (
	"context"
	"net"
	"net/http"
)

// peer is an implementation, in an echo program as its documentation and its own
// test with the original suite have it: with compression, and with a check of
// UTF-8 where there is a way to have it checked.
type peer struct {
	name   string // in the table
	module string // in go.mod

	// serve accepts a connection and echoes until it has ended.
	serve func(http.ResponseWriter, *http.Request) error

	// dial connects to url, over the stream of a dialer, and echoes until the
	// connection has ended.
	dial func(ctx context.Context, url string, over dialer) error
}

// dialer makes the stream that a client uses.
type dialer func(context.Context) (net.Conn, error)

// to is the dialer in the form that most clients take.
func (d dialer) to(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

func (d dialer) httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.to}}
}

// peers are in the order of the table's columns.
var peers = []peer{ourPeer, coderPeer, gorillaPeer, gwsPeer, gobwasPeer}
