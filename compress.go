//go:build !js

package websocket

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/httpheader"
	"github.com/bhojpur/api/internal/sender"
)

// The extension and its parameters (RFC 7692 section 7.1).
const (
	deflateName         = "permessage-deflate"
	serverNoTakeover    = "server_no_context_takeover"
	clientNoTakeover    = "client_no_context_takeover"
	serverMaxWindowBits = "server_max_window_bits"
	clientMaxWindowBits = "client_max_window_bits"
)

const (
	minWindowBits = 8
	maxWindowBits = 15
)

// deflateParams are the negotiated parameters of a connection.
//
// Messages are inflated with a window of 32 KiB, whatever was negotiated. Twice the
// negotiated window of earlier messages is kept: some peers use one bit more.
type deflateParams struct {
	send         sender.Compression // of outgoing messages
	readTakeover bool               // incoming messages may refer to earlier ones
	readBits     int                // the base-2 logarithm of the peer's window
}

// sending returns the parameters for the Sender, or nil if p is nil.
func (p *deflateParams) sending() *sender.Compression {
	if p == nil {
		return nil
	}
	return &p.send
}

// setting returns the parameters that determine the bytes of a compressed message.
func (p *deflateParams) setting() deflateSetting {
	return deflateSetting{p.send.Bits, p.send.Level}
}

// deflateSetting are the parameters that determine the bytes of a compressed message.
type deflateSetting struct {
	bits  int // the maximum distance of a match is 1<<bits
	level int
}

// extensionParams are the parameters of one offer or response.
type extensionParams struct {
	serverNoTakeover bool
	clientNoTakeover bool
	serverBits       int  // 0 without the parameter
	clientBits       int  // 0 without the parameter, or without a value
	clientBitsFree   bool // client_max_window_bits without a value
}

// parseExtensionParams parses the parameters of an extension. It reports false for an
// unknown or repeated parameter, and for an invalid value. Only an offer may have
// client_max_window_bits without a value (RFC 7692 section 7.1.2.2).
func parseExtensionParams(params []httpheader.Param, from sender.Role) (t extensionParams, ok bool) {
	seen := make(map[string]bool, len(params))
	for _, p := range params {
		if seen[p.Name] {
			return t, false
		}
		seen[p.Name] = true
		switch p.Name {
		case serverNoTakeover:
			t.serverNoTakeover, ok = true, !p.HasValue
		case clientNoTakeover:
			t.clientNoTakeover, ok = true, !p.HasValue
		case serverMaxWindowBits:
			t.serverBits, ok = parseWindowBits(p.Value)
		case clientMaxWindowBits:
			if t.clientBitsFree = !p.HasValue; t.clientBitsFree {
				ok = from == sender.Client
			} else {
				t.clientBits, ok = parseWindowBits(p.Value)
			}
		default:
			ok = false
		}
		if !ok {
			return t, false
		}
	}
	return t, true
}

// parseWindowBits parses a number from 8 to 15 without a leading zero.
func parseWindowBits(s string) (int, bool) {
	bits, err := strconv.Atoi(s)
	return bits, err == nil && strconv.Itoa(bits) == s && minWindowBits <= bits && bits <= maxWindowBits
}

// acceptDeflate accepts the first valid offer. It returns the parameters and the
// extension header of the response (RFC 7692 section 7.1).
func acceptDeflate(lines []string, o compressionOptions) (*deflateParams, string) {
	if o.mode == CompressionDisabled || len(lines) == 0 {
		return nil, ""
	}
	offers, ok := httpheader.ParseExtensions(lines)
	if !ok {
		return nil, ""
	}
	for _, offer := range offers {
		if offer.Name != deflateName {
			continue
		}
		params, ok := parseExtensionParams(offer.Params, sender.Client)
		if !ok {
			continue
		}
		return params.accept(o)
	}
	return nil, ""
}

func (t extensionParams) accept(o compressionOptions) (*deflateParams, string) {
	takeover := o.mode == CompressionContextTakeover
	p := &deflateParams{
		send:         o.sending(t.serverBits, takeover && !t.serverNoTakeover),
		readTakeover: takeover && !t.clientNoTakeover,
		readBits:     maxWindowBits,
	}
	answer := deflateName
	if !p.send.Takeover {
		answer += "; " + serverNoTakeover
	}
	if !p.readTakeover {
		answer += "; " + clientNoTakeover
	}
	if t.serverBits != 0 || p.send.Bits < maxWindowBits {
		answer += "; " + serverMaxWindowBits + "=" + strconv.Itoa(p.send.Bits)
	}
	if p.readTakeover && (t.clientBits != 0 || t.clientBitsFree) {
		// Without takeover no window is kept.
		p.readBits = min(cmp.Or(o.bits, maxWindowBits), cmp.Or(t.clientBits, maxWindowBits))
		// A client that offers the parameter without a value may not support a
		// smaller window: Java's Deflater does not. A client that offers a value
		// uses it, but some only if the response has it as well.
		if o.bits != 0 || p.readBits < maxWindowBits {
			answer += "; " + clientMaxWindowBits + "=" + strconv.Itoa(p.readBits)
		}
	}
	return p, answer
}

// offerDeflate returns the extension header of a client, or "". If it offers windows, a
// second offer without windows follows, for servers that decline the first one.
func offerDeflate(o compressionOptions) string {
	offer := deflateName
	switch o.mode {
	case CompressionContextTakeover:
	case CompressionNoContextTakeover:
		offer += "; " + serverNoTakeover + "; " + clientNoTakeover
	default:
		return ""
	}
	if o.bits == 0 {
		return offer + "; " + clientMaxWindowBits
	}
	bits := "=" + strconv.Itoa(o.bits)
	windows := offer + "; " + serverMaxWindowBits + bits + "; " + clientMaxWindowBits + bits
	if o.bits == maxWindowBits {
		return windows
	}
	return windows + ", " + offer
}

// agreeDeflate returns the parameters of a server's response. It reports false for a
// response that a client must refuse (RFC 7692 section 7.1).
func agreeDeflate(lines []string, o compressionOptions) (p *deflateParams, ok bool) {
	answers, ok := httpheader.ParseExtensions(lines)
	switch {
	case !ok || len(answers) > 1:
		return nil, false
	case len(answers) == 0:
		return nil, true
	case o.mode == CompressionDisabled || answers[0].Name != deflateName:
		return nil, false // not offered
	}
	params, ok := parseExtensionParams(answers[0].Params, sender.Server)
	if !ok {
		return nil, false
	}
	if o.bits != 0 && params.serverBits > o.bits && params.clientBits != 0 {
		// Only the offer with windows allows a client window in the response. The
		// other one allows any server window (RFC 7692 section 7.1.2.1).
		return nil, false
	}
	p = &deflateParams{
		send:         o.sending(params.clientBits, o.mode == CompressionContextTakeover && !params.clientNoTakeover),
		readTakeover: !params.serverNoTakeover,
		readBits:     maxWindowBits,
	}
	if params.serverBits != 0 {
		p.readBits = params.serverBits
	}
	return p, true
}

// The default thresholds below which messages are not compressed. With takeover, short
// messages have matches in earlier ones.
const (
	takeoverThreshold   = 128
	noTakeoverThreshold = 512
)

// compressionOptions are the compression options of AcceptOptions and DialOptions.
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

// thresholdOrDefault returns the threshold, with the default applied.
func (o compressionOptions) thresholdOrDefault() int {
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

// sending returns the parameters of outgoing messages, with the defaults applied. bound
// is the peer's limit of the window, or 0.
func (o compressionOptions) sending(bound int, takeover bool) sender.Compression {
	c := sender.Compression{
		Bits:      maxWindowBits,
		Level:     deflate.DefaultLevel,
		Threshold: o.thresholdOrDefault(),
		Takeover:  takeover,
	}
	for _, bits := range []int{o.bits, bound} {
		if bits != 0 {
			c.Bits = min(c.Bits, bits)
		}
	}
	if o.level != 0 && c.Bits == maxWindowBits {
		c.Level = o.level // smaller windows have a level of their own
	}
	return c
}
