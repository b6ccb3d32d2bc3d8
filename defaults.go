//go:build !js

package websocket

import "net/http"

// The sizes below which a message goes out uncompressed, by default. With
// takeover even short messages find matches in the ones before them.
const (
	takeoverThreshold   = 128
	noTakeoverThreshold = 512
)

// compressionThreshold applies the defaults to a CompressionThreshold.
func compressionThreshold(n int, mode CompressionMode) int {
	switch {
	case n < 0:
		return 0
	case n > 0:
		return n
	case mode == CompressionContextTakeover:
		return takeoverThreshold
	default:
		return noTakeoverThreshold
	}
}

var noAcceptOptions AcceptOptions

// orDefault returns the options that o stands for: never nil, not to be
// changed.
func (o *AcceptOptions) orDefault() *AcceptOptions {
	if o == nil {
		return &noAcceptOptions
	}
	return o
}

func (o *DialOptions) httpClient() *http.Client {
	if o.HTTPClient == nil {
		return http.DefaultClient
	}
	return o.HTTPClient
}
