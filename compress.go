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

// deflateParams is what both sides agreed on for a connection.
//
// The peer's messages are inflated with 32 KiB, whatever was agreed on. Of earlier
// messages twice as much is kept as was: there are peers that send one bit more.
type deflateParams struct {
	deflateSetting
	threshold    int  // messages from this size on are compressed
	sendTakeover bool // a message may refer to earlier ones of ours
	readTakeover bool // and the peer's to earlier ones of its
	readBits     int  // how far back it agreed to refer

	compression sender.Compression // what sending returns
}

// sending returns what the sending half needs of p, or nil.
func (p *deflateParams) sending() *sender.Compression {
	if p == nil {
		return nil
	}
	p.compression = sender.Compression{Bits: p.sendBits, Level: p.level, Threshold: p.threshold, Takeover: p.sendTakeover}
	return &p.compression
}

// deflateSetting is what the form of a compressed message depends on.
type deflateSetting struct {
	sendBits int // no distance above 1<<sendBits is sent
	level    int
}

// deflateTerms are the parameters in one offer or answer.
type deflateTerms struct {
	serverNoTakeover bool
	clientNoTakeover bool
	serverBits       int // 0 where there is none
	clientBits       int // 0 where there is none, or clientBitsFree
	clientBitsFree   bool
}

// parseTerms reads the parameters of an extension. It reports false for one
// that is unknown, repeated, or has a value that it must not have. Only an
// offer may have client_max_window_bits without a value (7.1.2.2).
func parseTerms(params []httpheader.Param, from sender.Role) (t deflateTerms, ok bool) {
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

// parseWindowBits reads 8 to 15, with no leading zero.
func parseWindowBits(s string) (int, bool) {
	bits, err := strconv.Atoi(s)
	return bits, err == nil && strconv.Itoa(bits) == s && minWindowBits <= bits && bits <= maxWindowBits
}

// acceptDeflate takes the first offer that a server can accept, and returns
// what that means and the answer to it (7.1).
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
		terms, ok := parseTerms(offer.Params, sender.Client)
		if !ok {
			continue
		}
		return terms.accept(o)
	}
	return nil, ""
}

func (t deflateTerms) accept(o compressionOptions) (*deflateParams, string) {
	takeover := o.mode == CompressionContextTakeover
	p := &deflateParams{
		threshold:    o.from(),
		sendTakeover: takeover && !t.serverNoTakeover,
		readTakeover: takeover && !t.clientNoTakeover,
	}
	p.deflateSetting, p.readBits = o.setting(t.serverBits), maxWindowBits
	answer := deflateName
	if !p.sendTakeover {
		answer += "; " + serverNoTakeover
	}
	if !p.readTakeover {
		answer += "; " + clientNoTakeover
	}
	if t.serverBits != 0 || p.sendBits < maxWindowBits {
		answer += "; " + serverMaxWindowBits + "=" + strconv.Itoa(p.sendBits)
	}
	if p.readTakeover && (t.clientBits != 0 || t.clientBitsFree) {
		// Without takeover nothing is kept, whatever the window.
		p.readBits = min(cmp.Or(o.bits, maxWindowBits), cmp.Or(t.clientBits, maxWindowBits))
		// A client that offers the parameter without a value may be unable to keep
		// to a smaller window: Java's Deflater has no other one. One that offers a
		// value keeps to it, but some do only if the answer has it too.
		if o.bits != 0 || p.readBits < maxWindowBits {
			answer += "; " + clientMaxWindowBits + "=" + strconv.Itoa(p.readBits)
		}
	}
	return p, answer
}

// offerDeflate returns what a client offers, or "". A server that declines an
// offer because of its windows has one without them behind it.
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

// agreeDeflate is what a client makes of the server's answer. It reports false
// for one that it has to refuse (7.1).
func agreeDeflate(lines []string, o compressionOptions) (p *deflateParams, ok bool) {
	answers, ok := httpheader.ParseExtensions(lines)
	switch {
	case !ok || len(answers) > 1:
		return nil, false
	case len(answers) == 0:
		return nil, true
	case o.mode == CompressionDisabled || answers[0].Name != deflateName:
		return nil, false // it was not offered
	}
	terms, ok := parseTerms(answers[0].Params, sender.Server)
	if !ok {
		return nil, false
	}
	p = &deflateParams{
		threshold:    o.from(),
		sendTakeover: o.mode == CompressionContextTakeover && !terms.clientNoTakeover,
		readTakeover: !terms.serverNoTakeover,
	}
	if o.bits != 0 && terms.serverBits > o.bits && terms.clientBits != 0 {
		// Only the offer with windows lets the server name the client's. The other
		// one leaves the server free to name any window of its own (7.1.2.1).
		return nil, false
	}
	p.deflateSetting, p.readBits = o.setting(terms.clientBits), maxWindowBits
	if terms.serverBits != 0 {
		p.readBits = terms.serverBits
	}
	return p, true
}

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
