package bench

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
)

// The types of messages, as in RFC 6455 section 5.2 and in every library.
const (
	opText   = 1
	opBinary = 2
)

// conn is a connection of a server or a client. Each library's implementation uses the
// library's fastest calls. The cost of both methods is the same for all.
type conn interface {
	// receive reads messages and calls each with them, until that says false. p
	// is where a message can be read to; what each gets is valid until it
	// returns.
	receive(p []byte, each func(message []byte) bool) error
	write(op int, p []byte) error
	close()
}

// prepared writes a message that was framed before.
type prepared interface{ writeTo(c conn) error }

// library is a library that is measured.
type library struct {
	name    string
	accept  func(w http.ResponseWriter, r *http.Request, s settings) (conn, error)
	client  func(connect connector, s settings) dialer // nil if it has no client's rows
	prepare func(op int, p []byte) (prepared, error)   // nil if the library has none

	// oneWriter: only one goroutine may write at a time.
	oneWriter bool
	// later: a prepared message is written by another goroutine.
	later bool
}

// connector opens the connections of a client.
type connector func() (net.Conn, error)

// dialer does an opening handshake on a new connection. ctx can be canceled, and is
// that of the calls on the connection too.
type dialer func(ctx context.Context) (conn, error)

// httpClient returns a client of net/http with connections that connect opens.
func httpClient(connect connector) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return connect() },
	}}
}

// settings are the settings of a connection.
type settings struct {
	deflate deflate
	// text is set if text is read: one library has another call that validates.
	text textCheck
}

type textCheck int

const (
	noText textCheck = iota
	validated
)

// deflate says which compression client and server agree on.
type deflate int

const (
	plain deflate = iota
	takeover
	noTakeover
)

// offer returns the extensions that the client offers: those of browsers, and with
// noTakeover without context takeover.
func (d deflate) offer() string {
	switch d {
	case takeover:
		return "permessage-deflate; client_max_window_bits"
	case noTakeover:
		return "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
	}
	return ""
}

var all = []library{bhojpur, coder, gorilla, gwsLibrary, gobwas}

// inTurn returns the order in which a row runs libs: each round begins with another one.
func inTurn(libs []library) []library {
	n := *first % len(libs)
	return slices.Concat(libs[n:], libs[:n])
}

// and returns libs and others.
func and(libs []library, others ...library) []library { return slices.Concat(libs, others) }

// readInto reads all of r into p. A message that is longer is cut, which the caller
// sees at its length.
func readInto(r io.Reader, p []byte) ([]byte, error) {
	n := 0
	for n < len(p) {
		k, err := r.Read(p[n:])
		n += k
		if err == io.EOF {
			return p[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
	return p[:n], nil
}
