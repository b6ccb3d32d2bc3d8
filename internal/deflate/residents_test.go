package deflate

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A talk is a Compressor, and what a peer makes of it.
type talk struct {
	c    *Compressor
	peer *walker
	ours *Inflater
}

func newTalk(bits, level int, takeover bool) *talk {
	return &talk{NewCompressor(bits, level, takeover), &walker{limit: 1 << bits}, NewInflater(maxWindowBits, takeover)}
}

func (k *talk) close() {
	k.c.Close()
	k.ours.Close()
}

// want wants a payload to inflate to msg.
func (k *talk) want(t *testing.T, payload, msg []byte) {
	t.Helper()
	if !k.c.takeover {
		k.peer.out = nil
	}
	if got, err := k.peer.message(payload); err != nil || !bytes.Equal(got, msg) {
		t.Fatalf("the peer has %d bytes, error %v; want %d bytes", len(got), err, len(msg))
	}
	mustRead(t, k.ours, payload, msg)
}

// act does one of all things that may happen to a Compressor.
func (k *talk) act(t *testing.T, what byte, msg []byte) {
	t.Helper()
	switch what % 8 {
	default:
		k.want(t, k.c.Append(nil, msg), msg)
	case 3:
		k.want(t, compressIn(k.c, nil, msg, 1+len(msg)/3), msg)
	case 4:
		k.c.Append(nil, msg)
		k.c.Discard()
	case 5:
		k.c.Begin()
		k.c.Write(nil, msg)
		k.c.Discard()
	case 6, 7:
		// A message that another one made.
		other := NewCompressor(k.c.bits, 1, false)
		k.want(t, other.Append(nil, msg), msg)
		text := bytes.Clone(msg[max(0, len(msg)-300*int(what%2+1)):])
		k.c.Sent(text, len(msg))
	}
}

// FuzzTurns has more connections than encoders stay, to each of which things
// happen in any order.
func FuzzTurns(f *testing.F) {
	f.Add([]byte("aAbBcCdDeE11223344556677889900"), jsonText(3000, 1), uint8(15), uint8(1))
	f.Add([]byte("aaaaaaabbbbbbbbcacbabcabcabca"), jsonText(30000, 1), uint8(8), uint8(5))
	f.Add([]byte("\x03\x0b\x03\x0b\x13\x1b\x23\x04\x05\x06\x07\x0f"), noise(600, 1), uint8(12), uint8(9))
	f.Fuzz(func(t *testing.T, acts, text []byte, bits, level uint8) {
		text = text[:min(len(text), 8000)]
		var talks [maxResidents + 5]*talk
		for i := range talks {
			wbits := minWindowBits + (int(bits)+i)%(maxWindowBits-minWindowBits+1)
			talks[i] = newTalk(wbits, 1+(int(level)+i)%len(efforts), i%7 != 6)
			defer talks[i].close()
		}
		for i, act := range acts[:min(len(acts), 100)] {
			k := talks[(i+int(act)*i/4)%len(talks)]
			from := i * 97 % (len(text) + 1)
			k.act(t, act, text[from:min(len(text), from+len(text)/(1+int(act)%9))])
		}
	})
}

// Encoders are taken from each other at any moment.
func TestTurnsAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			var talks [maxResidents/2 + 1]*talk
			for i := range talks {
				talks[i] = newTalk(minWindowBits+i%8, 1+i%len(efforts), true)
				defer talks[i].close()
			}
			for n := range 200 {
				talks[r.IntN(len(talks))].act(t, byte(r.Uint32()), jsonText(100+r.IntN(1000), uint64(n%5)))
			}
		})
	}
	wg.Wait()
}

// Who compresses often keeps an encoder, which has more than what the window
// keeps; one that others took has the window's end.
func TestEncoderStays(t *testing.T) {
	k := newTalk(maxWindowBits, DefaultLevel, true)
	defer k.close()
	msg := noise(windowKept+1000, 1)
	size := func() int {
		payload := k.c.Append(nil, msg)
		k.want(t, payload, msg)
		return len(payload)
	}
	takeAll := func() {
		for range maxResidents {
			c := NewCompressor(9, DefaultLevel, true)
			defer c.Close()
			c.Append(nil, msg[:100])
		}
	}
	size()
	if got := size(); got > 500 {
		t.Errorf("what was sent just before became %d bytes", got)
	}
	takeAll()
	if got := size(); got < 900 {
		t.Errorf("got %d bytes: what the window does not have was referred to", got)
	}
	takeAll()
	k.want(t, k.c.Append(nil, msg[2000:]), msg[2000:])
	takeAll()
	end := msg[len(msg)-3000:]
	payload := k.c.Append(nil, end)
	if k.want(t, payload, end); len(payload) > 500 {
		t.Errorf("the window's end became %d bytes", len(payload))
	}
}

// The set does not keep a Compressor that was closed.
func TestCloseLeavesNothing(t *testing.T) {
	c := NewCompressor(maxWindowBits, DefaultLevel, true)
	c.Append(nil, jsonText(1000, 1))
	e := c.stayed
	if e == nil || e.of != c {
		t.Fatal("no encoder stayed")
	}
	c.Close()
	if c.stayed != nil || e.of != nil || slices.Contains(residents.all, e) {
		t.Error("a closed Compressor has an encoder")
	}
}

// Each level does better than the ones below, or as well.
func TestLevels(t *testing.T) {
	msgs := conversation()
	text := jsonText(100_000, 1)
	last := len(text)
	for level := 1; level <= len(efforts); level++ {
		c := NewCompressor(maxWindowBits, level, true)
		n := len(c.Append(nil, text))
		if n > last+last/100 {
			t.Errorf("level %d: %d bytes, the one below %d", level, n, last)
		}
		last = n
		c.Close()
		converse(t, c, (*Compressor).Append, msgs)
		c.Close()
	}
}
