//go:build !js

package websocket

import (
	"strconv"

	"github.com/bhojpur/api/internal/deflate"
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
// There is nothing about the window that the peer's messages need: they are
// always inflated with 32 KiB, since there are peers that send more than they
// agreed on.
type deflateParams struct {
	deflateSetting
	threshold    int  // messages from this size on are compressed
	sendTakeover bool // a message may refer to earlier ones of ours
	readTakeover bool // and the peer's to earlier ones of its
}

// deflateSetting is what the form of a compressed message depends on.
type deflateSetting struct {
	sendBits int // no distance above 1<<sendBits is sent
}

// reference says whether messages may refer to earlier ones.
type reference uint8

const (
	singly reference = iota
	takingOver
)

func (s deflateSetting) compressor(r reference) *deflate.Compressor {
	return deflate.NewCompressor(s.sendBits, deflate.DefaultLevel, r == takingOver)
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
func parseTerms(params []param, from role) (t deflateTerms, ok bool) {
	seen := make(map[string]bool, len(params))
	for _, p := range params {
		if seen[p.name] {
			return t, false
		}
		seen[p.name] = true
		switch p.name {
		case serverNoTakeover:
			t.serverNoTakeover, ok = true, !p.hasValue
		case clientNoTakeover:
			t.clientNoTakeover, ok = true, !p.hasValue
		case serverMaxWindowBits:
			t.serverBits, ok = parseWindowBits(p.value)
		case clientMaxWindowBits:
			if t.clientBitsFree = !p.hasValue; t.clientBitsFree {
				ok = from == client
			} else {
				t.clientBits, ok = parseWindowBits(p.value)
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
func acceptDeflate(lines []string, mode CompressionMode, threshold int) (*deflateParams, string) {
	if mode == CompressionDisabled || len(lines) == 0 {
		return nil, ""
	}
	offers, ok := parseExtensions(lines)
	if !ok {
		return nil, ""
	}
	for _, offer := range offers {
		if offer.name != deflateName {
			continue
		}
		terms, ok := parseTerms(offer.params, client)
		if !ok {
			continue
		}
		return terms.accept(mode, threshold)
	}
	return nil, ""
}

func (t deflateTerms) accept(mode CompressionMode, threshold int) (*deflateParams, string) {
	takeover := mode == CompressionContextTakeover
	p := &deflateParams{
		threshold:    compressionThreshold(threshold, mode),
		sendTakeover: takeover && !t.serverNoTakeover,
		readTakeover: takeover && !t.clientNoTakeover,
	}
	p.sendBits = maxWindowBits
	answer := deflateName
	if !p.sendTakeover {
		answer += "; " + serverNoTakeover
	}
	if !p.readTakeover {
		answer += "; " + clientNoTakeover
	}
	if t.serverBits != 0 {
		p.sendBits = t.serverBits
		answer += "; " + serverMaxWindowBits + "=" + strconv.Itoa(t.serverBits)
	}
	return p, answer
}

// offerDeflate is what a client offers, or "".
func offerDeflate(mode CompressionMode) string {
	switch mode {
	case CompressionContextTakeover:
		return deflateName + "; " + clientMaxWindowBits
	case CompressionNoContextTakeover:
		return deflateName + "; " + serverNoTakeover + "; " + clientNoTakeover + "; " + clientMaxWindowBits
	}
	return ""
}

// agreeDeflate is what a client makes of the server's answer. It reports false
// for one that it has to refuse (7.1).
func agreeDeflate(lines []string, mode CompressionMode, threshold int) (p *deflateParams, ok bool) {
	answers, ok := parseExtensions(lines)
	switch {
	case !ok || len(answers) > 1:
		return nil, false
	case len(answers) == 0:
		return nil, true
	case mode == CompressionDisabled || answers[0].name != deflateName:
		return nil, false // it was not offered
	}
	terms, ok := parseTerms(answers[0].params, server)
	if !ok {
		return nil, false
	}
	p = &deflateParams{
		threshold:    compressionThreshold(threshold, mode),
		sendTakeover: mode == CompressionContextTakeover && !terms.clientNoTakeover,
		readTakeover: !terms.serverNoTakeover,
	}
	p.sendBits = maxWindowBits
	if terms.clientBits != 0 {
		p.sendBits = terms.clientBits
	}
	return p, true
}
