//go:build !js

package websocket

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/bhojpur/api/internal/deflate"
)

// The sizes below which a message goes out uncompressed, by default. With
// takeover even short messages find matches in the ones before them.
const (
	takeoverThreshold   = 128
	noTakeoverThreshold = 512
)

// compressionOptions are those that both AcceptOptions and DialOptions have.
type compressionOptions struct {
	mode      CompressionMode
	threshold int
	level     int
	bits      int
}

func (o *AcceptOptions) compression() compressionOptions {
	return compressionOptions{o.CompressionMode, o.CompressionThreshold, o.CompressionLevel, o.CompressionWindowBits}
}

func (o *DialOptions) compression() compressionOptions {
	return compressionOptions{o.CompressionMode, o.CompressionThreshold, o.CompressionLevel, o.CompressionWindowBits}
}

// check returns an error for an option that is out of range.
func (o compressionOptions) check() error {
	switch {
	case o.mode < CompressionDisabled || o.mode > CompressionNoContextTakeover:
		return fmt.Errorf("CompressionMode %d is not %d to %d", o.mode, CompressionDisabled, CompressionNoContextTakeover)
	case o.level < 0 || o.level > deflate.MaxLevel:
		return fmt.Errorf("CompressionLevel %d is not 0 to %d", o.level, deflate.MaxLevel)
	case o.bits != 0 && (o.bits < minWindowBits || o.bits > maxWindowBits):
		return fmt.Errorf("CompressionWindowBits %d is not 0, nor %d to %d", o.bits, minWindowBits, maxWindowBits)
	}
	return nil
}

// checkSubprotocols returns an error for names that are not tokens, or are there
// twice (RFC 6455 section 4.1).
func checkSubprotocols(names []string) error {
	for _, name := range names {
		if !isToken(name) {
			return fmt.Errorf("Subprotocols: %.100q is not a token", name)
		}
	}
	return checkDoubled(names)
}

// checkDoubled returns an error for a subprotocol that is there twice. The empty
// string names none.
func checkDoubled(names []string) error {
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			return fmt.Errorf("Subprotocols: %.100q is there twice", name)
		}
	}
	return nil
}

// check returns an error for options with which no request can be accepted.
func (o *AcceptOptions) check() error {
	if err := o.compression().check(); err != nil {
		return err
	}
	if err := checkDoubled(o.Subprotocols); err != nil {
		return err
	}
	return checkPatterns(o.OriginPatterns)
}

// from applies the default to the threshold.
func (o compressionOptions) from() int {
	switch {
	case o.threshold < 0:
		return 0
	case o.threshold > 0:
		return o.threshold
	case o.mode == CompressionContextTakeover:
		return takeoverThreshold
	default:
		return noTakeoverThreshold
	}
}

// setting applies the defaults to what is sent, of which the peer bounds the
// window, or 0.
func (o compressionOptions) setting(bound int) deflateSetting {
	s := deflateSetting{sendBits: maxWindowBits, level: deflate.DefaultLevel}
	for _, bits := range []int{o.bits, bound} {
		if bits != 0 {
			s.sendBits = min(s.sendBits, bits)
		}
	}
	if o.level != 0 && s.sendBits == maxWindowBits {
		s.level = o.level // smaller windows have a level of their own
	}
	return s
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
