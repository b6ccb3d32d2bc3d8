//go:build go1.27

package rawpeer

import "net/http"

// takeManyHeaders raises the limit on the number of headers that servers have since Go
// 1.27.
func takeManyHeaders(s *http.Server) { s.MaxHeaderValueCount = 1 << 20 }
