package main

import (
	"math"
	"math/rand/v2"
	"strconv"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Limits of message sizes.
const (
	shortest  = 16
	longest   = 256 << 10 // and the server's read limit
	shortTalk = 1 << 10   // of clients that test something else
)

// bombSize is the inflated size of a message that is small on the wire.
const bombSize = 16 * longest

// corpus is the source of messages. It does not change.
type corpus struct {
	text, binary []byte
	bomb         []byte // deflated
}

func newCorpus(seed uint64) *corpus {
	random := rand.New(rand.NewPCG(seed, 0))
	const size = 2 * longest
	c := &corpus{bomb: rawpeer.NewDeflater(rawpeer.NoTakeover).Message(make([]byte, bombSize))}
	words := []string{"frame ", "message ", "größer als ", "не больше ", "握手, ", "🙂 ", "\"id\": ", "[1.5, 2]\n"}
	for len(c.text) < size {
		c.text = append(c.text, words[random.IntN(len(words))]...)
		c.text = strconv.AppendUint(c.text, random.Uint64N(1e6), 10)
	}
	for len(c.binary) < size {
		c.binary = append(c.binary, byte(random.Uint32()))
	}
	return c
}

// piece returns a message of up to most bytes; short ones are as likely as long ones.
// It shares the corpus's memory.
func (c *corpus) piece(random *rand.Rand, typ websocket.MessageType, most int) []byte {
	span := math.Log(float64(most) / shortest)
	n := int(shortest * math.Exp(span*random.Float64()))
	if typ == websocket.MessageBinary {
		at := random.IntN(len(c.binary) - n)
		return c.binary[at : at+n]
	}
	at := random.IntN(len(c.text) - n)
	return wholeRunes(c.text[at : at+n])
}

// wholeRunes removes incomplete characters at both ends of p.
func wholeRunes(p []byte) []byte {
	for len(p) > 0 && !utf8.RuneStart(p[0]) {
		p = p[1:]
	}
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax); i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				p = p[:i]
			}
			break
		}
	}
	return p
}
