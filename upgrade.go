package websocket

import (
	"net/http"

	"github.com/bhojpur/api/internal/httpheader"
)

// HandshakeError is the error of a handshake that failed with an HTTP status.
// [Accept] returns it for a request that it refuses, [Dial] for a response with another
// status than 101. Use [errors.As] to find it. A browser does not report the status, so
// Dial never returns a HandshakeError there.
type HandshakeError struct {
	// StatusCode is the status of the response.
	StatusCode int
	// Err is the reason.
	Err error
}

// Error returns the text of Err.
func (e *HandshakeError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *HandshakeError) Unwrap() error { return e.Err }

// IsUpgrade reports whether r requests a WebSocket connection, so that one URL can serve
// a page and a WebSocket. It returns true for a GET request to upgrade to websocket (RFC
// 6455 section 4.2.1), and for a CONNECT request with the :protocol websocket (RFC 8441
// section 4, RFC 9220 section 3). [Accept] may still refuse r.
func IsUpgrade(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
		return httpheader.Has(r.Header["Upgrade"], "websocket") && httpheader.Has(r.Header["Connection"], "upgrade")
	case http.MethodConnect:
		protocol := r.Header[":protocol"]
		return len(protocol) == 1 && httpheader.EqualFold(protocol[0], "websocket")
	}
	return false
}
