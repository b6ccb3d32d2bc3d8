//go:build !go1.27

package rawpeer

import "net/http"

// takeManyHeaders does nothing: before Go 1.27 a server limits only the bytes of
// headers.
func takeManyHeaders(*http.Server) {}
