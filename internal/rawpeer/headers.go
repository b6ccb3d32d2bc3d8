//go:build !go1.27

package rawpeer

import "net/http"

// takeManyHeaders does nothing: before Go 1.27 only the bytes of headers are bounded.
func takeManyHeaders(*http.Server) {}
