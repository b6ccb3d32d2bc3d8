package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// A talk is a Compressor, and the messages that a peer inflates.
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

// want expects a payload to inflate to msg.
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
		other := NewCompressor(k.c.kind.bits(), 1, false)
		k.want(t, other.Append(nil, msg), msg)
		text := bytes.Clone(msg[max(0, len(msg)-300*int(what%2+1)):])
		k.c.Sent(text, len(msg))
	}
}

// FuzzTurns has many connections, to each of which things happen in any order.
func FuzzTurns(f *testing.F) {
	f.Add([]byte("aAbBcCdDeE11223344556677889900"), jsonText(3000, 1), uint8(15), uint8(1))
	f.Add([]byte("aaaaaaabbbbbbbbcacbabcabcabca"), jsonText(30000, 1), uint8(8), uint8(5))
	f.Add([]byte("\x03\x0b\x03\x0b\x13\x1b\x23\x04\x05\x06\x07\x0f"), noise(600, 1), uint8(12), uint8(9))
	f.Fuzz(func(t *testing.T, acts, text []byte, bits, level uint8) {
		text = text[:min(len(text), 8000)]
		var talks [13]*talk
		for i := range talks {
			wbits := minWindowBits + (int(bits)+i)%(maxWindowBits-minWindowBits+1)
			talks[i] = newTalk(wbits, 1+(int(level)+i)%MaxLevel, i%7 != 6)
			defer talks[i].close()
		}
		for i, act := range acts[:min(len(acts), 100)] {
			k := talks[(i+int(act)*i/4)%len(talks)]
			from := i * 97 % (len(text) + 1)
			k.act(t, act, text[from:min(len(text), from+len(text)/(1+int(act)%9))])
		}
	})
}

// Connections with any window, at any level, to each of which things happen in any
// order, with messages of all sizes and kinds.
func TestTurnsAtRandom(t *testing.T) {
	rounds := 60
	if raceEnabled {
		rounds = 3
	}
	contents := [][]byte{bytes.Repeat([]byte("this, which is much like that, but for "), 3000), noise(100_000, 1), jsonText(100_000, 1)}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			var talks [12]*talk
			for i := range talks {
				bits := maxWindowBits
				if r.IntN(2) == 0 {
					bits = minWindowBits + r.IntN(maxWindowBits-minWindowBits)
				}
				talks[i] = newTalk(bits, 1+r.IntN(MaxLevel), r.IntN(5) > 0)
				defer talks[i].close()
			}
			for range 100 {
				n := r.IntN([]int{10, 200, 200, 1000, 1000, 1000, 5000, 5000, 70_000}[r.IntN(9)])
				from := contents[r.IntN(len(contents))]
				at := r.IntN(len(from) - n)
				talks[r.IntN(len(talks))].act(t, byte(r.Uint32()), from[at:at+n])
			}
		})
	}
}

// Encoders are taken from each other at any moment.
func TestTurnsAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			var talks [5]*talk
			for i := range talks {
				talks[i] = newTalk(minWindowBits+i%8, 1+i%MaxLevel, true)
				defer talks[i].close()
			}
			for n := range 200 {
				talks[r.IntN(len(talks))].act(t, byte(r.Uint32()), jsonText(100+r.IntN(1000), uint64(n%5)))
			}
		})
	}
	wg.Wait()
}

// If no other connection has used the encoder, a message refers to the whole window,
// otherwise only to the bytes that the connection keeps.
func TestReferences(t *testing.T) {
	k := newTalk(maxWindowBits, DefaultLevel, true)
	defer k.close()
	msg := noise(windowKept+1000, 1)
	size := func(msg []byte) int {
		payload := k.c.Append(nil, msg)
		k.want(t, payload, msg)
		return len(payload)
	}
	takeAll := func() {
		for range 3 {
			c := NewCompressor(maxWindowBits, DefaultLevel, true)
			defer c.Close()
			c.Begin()
			defer c.End(nil)
		}
	}
	size(msg)
	if got := size(msg); got > 200 {
		t.Errorf("a repeated message became %d bytes", got)
	}
	takeAll()
	if got := size(msg); got < 900 {
		t.Errorf("got %d bytes: the message refers to bytes that are not kept", got)
	}
	takeAll()
	if got := size(msg[len(msg)-windowKept:]); got > 100 {
		t.Errorf("a message within the kept bytes became %d bytes", got)
	}
}

// A prepared message, or one that was not sent, moves the peer's window: the
// encoder's history is not that any more.
func TestEncoderIsReleased(t *testing.T) {
	msg := noise(1000, 1)
	tests := []struct {
		name string
		do   func(k *talk)
	}{
		{"a message of another's", func(k *talk) {
			other := NewCompressor(maxWindowBits, DefaultLevel, false)
			k.want(t, other.Append(nil, msg[:500]), msg[:500])
			k.c.Sent(msg[:500], 500)
		}},
		{"a message dropped between", func(k *talk) {
			k.c.Append(nil, noise(500, 2))
			k.c.Discard()
		}},
		{"a message dropped inside", func(k *talk) {
			k.c.Begin()
			k.c.Write(nil, noise(70_000, 2))
			k.c.Discard()
		}},
		{"closed", func(k *talk) { k.c.Close() }},
	}
	for _, tc := range tests {
		for level := 1; level <= MaxLevel; level++ {
			t.Run(fmt.Sprintf("%s/level %d", tc.name, level), func(t *testing.T) {
				k := newTalk(maxWindowBits, level, true)
				defer k.close()
				for range 3 {
					k.want(t, k.c.Append(nil, msg), msg)
					tc.do(k)
					e, has := takeEncoder(k.c.kind, k.c.stamp)
					putEncoder(e, historyLost)
					if has {
						t.Fatal("the encoder counts as the connection's own")
					}
				}
			})
		}
	}
}
