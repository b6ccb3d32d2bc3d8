package autobahn

import (
	"fmt"
	"time"
)

// compressionSizes has the 18 cases of each corpus and of each setting: the lengths of
// messages and of the frames into which they are split.
var compressionSizes = []struct{ length, fragment int }{
	{16, 0},
	{64, 0},
	{256, 0},
	{1 * kib, 0},
	{4 * kib, 0},
	{8 * kib, 0},
	{16 * kib, 0},
	{32 * kib, 0},
	{64 * kib, 0},
	{128 * kib, 0},
	{8 * kib, 256},
	{16 * kib, 256},
	{32 * kib, 256},
	{64 * kib, 256},
	{128 * kib, 256},
	{128 * kib, 1 * kib},
	{128 * kib, 4 * kib},
	{128 * kib, 32 * kib},
}

// compression returns the cases of group 12: permessage-deflate with default parameters
// (RFC 7692), and messages of different kinds.
func compression() []*Case {
	var cases []*Case
	for _, series := range []struct {
		prefix string
		corpus Corpus
		opcode Opcode
		kind   string
	}{
		{"12.1", CorpusJSON, Text, "JSON, as text"},
		{"12.2", CorpusBitmap, Binary, "a grey picture, as binary messages"},
		{"12.3", CorpusPlay, Binary, "a German play, as binary messages, which may split its letters"},
		{"12.4", CorpusHTML, Text, "HTML, as text"},
		{"12.5", CorpusPDF, Binary, "a PDF, which is already compressed, as binary messages"},
	} {
		cases = append(cases, compressed(series.prefix, series.kind, series.corpus, series.opcode,
			Deflate{Offers: []Offer{{}}, Accepts: []Accept{{}}})...)
	}
	return cases
}

// compressionSettings returns the cases of group 13: permessage-deflate with each
// parameter (RFC 7692 section 7.1). The suite requests the same settings as a client
// and as a server.
func compressionSettings() []*Case {
	var cases []*Case
	for _, series := range []struct {
		prefix, settings string
		deflate          Deflate
	}{
		{"13.1", "no setting", asked(setting{})},
		{"13.2", "no context takeover: messages that do not refer to earlier ones", asked(setting{alone: true})},
		{"13.3", "a window of 512 bytes (9 bits)", asked(setting{bits: 9})},
		{"13.4", "a window of 32 KiB (15 bits), which is the default", asked(setting{bits: 15})},
		{"13.5", "a window of 512 bytes (9 bits) and no context takeover", asked(setting{bits: 9, alone: true})},
		{"13.6", "a window of 32 KiB (15 bits) and no context takeover", asked(setting{bits: 15, alone: true})},
		{"13.7", "9 bits and no context takeover, or no context takeover alone, or no setting, in this order of preference",
			asked(setting{bits: 9, alone: true}, setting{alone: true}, setting{})},
	} {
		cases = append(cases, compressed(series.prefix, "JSON, as text. The suite requests "+series.settings, CorpusJSON, Text, series.deflate)...)
	}
	return cases
}

// setting is a requested limit for one direction: the window bits, and no context
// takeover.
type setting struct {
	bits  int
	alone bool
}

// asked requests one of the settings, in either role of the suite.
func asked(settings ...setting) Deflate {
	var d Deflate
	for _, s := range settings {
		d.Offers = append(d.Offers, Offer{ServerMaxWindowBits: s.bits, ServerNoContextTakeover: s.alone})
		d.Accepts = append(d.Accepts, Accept{ClientMaxWindowBits: s.bits, ClientNoContextTakeover: s.alone})
	}
	return d
}

// compressed returns 18 cases of compressed messages, numbered after prefix.
func compressed(prefix, kind string, corpus Corpus, opcode Opcode, d Deflate) []*Case {
	const messages = 1000
	var cases []*Case
	for i, s := range compressionSizes {
		frames := ""
		if s.fragment > 0 {
			frames = " and split into frames of " + size(s.fragment)
		}
		cases = append(cases, &Case{
			ID: fmt.Sprintf("%s.%d", prefix, i+1),
			Description: fmt.Sprintf("%s messages of %s each, compressed%s: %s. The peer echoes all of them unchanged within %d seconds.",
				count(messages), size(s.length), frames, kind, exchangePatience(s.length)/time.Second),
			Exchange: &Exchange{
				Binary:   opcode == Binary,
				Length:   s.length,
				Fragment: s.fragment,
				Messages: messages,
				Timeout:  exchangePatience(s.length),
				Corpus:   corpus,
				Deflate:  &d,
			},
			Close: closedBySuite(),
		})
	}
	return cases
}
