//go:build go1.27

package rawpeer

import "net/http"

// takeManyHeaders lets a server hand on requests with more headers than it does by
// itself since Go 1.27.
func takeManyHeaders(s *http.Server) { s.MaxHeaderValueCount = 1 << 20 }
