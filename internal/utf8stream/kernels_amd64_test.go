//go:build !purego

package utf8stream

import (
	"bytes"
	"testing"

	"github.com/bhojpur/api/internal/cpu"
	"github.com/bhojpur/api/internal/mask"
)

func init() {
	if cpu.SSSE3 {
		followers = append(followers, follower{"SSSE3", minVector, followSSSE3})
		kernels = append(kernels, kernel{"without AVX2", minVector, func(s state, p []byte) state {
			defer func(was bool) { useAVX2 = was }(useAVX2)
			useAVX2 = false
			return advanceLong(s, p)
		}})
	}
	if cpu.AVX2 {
		followers = append(followers, follower{"AVX2", minAVX2, followAVX2})
	}
	kernels = append(kernels, kernel{"vectors", minVector, advanceLong})
	kernels = append(kernels, kernel{"no vectors", minVector, func(s state, p []byte) state {
		defer func(was bool) { haveVectors = was }(haveVectors)
		haveVectors = false
		return advanceLong(s, p)
	}})
	unmaskers = append(unmaskers,
		unmasker{"vectors", 8, unmaskLong},
		unmasker{"no vectors", 8, func(s state, dst, src []byte, key uint32) state {
			defer func(was bool) { haveVectors = was }(haveVectors)
			haveVectors = false
			return unmaskLong(s, dst, src, key)
		}})
	if cpu.SSSE3 {
		without := func(unmask func(state, []byte, []byte, uint32) state) func(state, []byte, []byte, uint32) state {
			return func(s state, dst, src []byte, key uint32) state {
				defer func(was bool) { useAVX2 = was }(useAVX2)
				useAVX2 = false
				return unmask(s, dst, src, key)
			}
		}
		unmaskers = append(unmaskers,
			unmasker{"following", leastFollowing, unmaskFollowing},
			unmasker{"without AVX2", 8, without(unmaskLong)},
			unmasker{"following without AVX2", leastFollowing, without(unmaskFollowing)})
	}
}

// Each kernel unmasks ASCII up to the block of the first byte that is not ASCII.
func TestUnmaskASCIIKernels(t *testing.T) {
	kernels := map[string]func(dst, src *byte, n int, key uint32) int{"SSE2": unmaskASCIISSE2}
	if cpu.AVX2 {
		kernels["AVX2"] = unmaskASCIIAVX2
	}
	const size = 700
	text := bytes.Repeat([]byte("ascii: "), size/7)
	for name, unmask := range kernels {
		for i := range size + 1 {
			p := bytes.Clone(text)
			if i < size {
				p[i] = 0xC3
			}
			src, dst := make([]byte, size), make([]byte, size)
			mask.Copy(src, p, testKey)
			n := unmask(&dst[0], &src[0], size, testKey)
			if n > i || n < i-127 || !bytes.Equal(dst[:n], p[:n]) {
				t.Fatalf("%s: unmasks %d bytes, and the first that is not ASCII is at %d", name, n, i)
			}
		}
	}
}

// Each kernel unmasks at one place what it validates later at another.
func TestUnmaskFollowKernels(t *testing.T) {
	kernels := map[string]func(at, to, from *byte, n int, key uint32) bool{}
	if cpu.SSSE3 {
		kernels["SSSE3"] = unmaskFollowSSSE3
	}
	if cpu.AVX2 {
		kernels["AVX2"] = unmaskFollowAVX2
	}
	const before, n = 16, 640
	text := append(bytes.Repeat([]byte("a"), before), bytes.Repeat([]byte("\u00e9\u20ac\U0001f600---"), 200)...)
	src := make([]byte, n)
	mask.Copy(src, text[before+lag:before+lag+n], testKey)
	for name, unmask := range kernels {
		for i := -1; i < n-4; i++ {
			p := append(bytes.Clone(text[:before+lag]), make([]byte, n)...)
			valid := true
			if i >= 0 && i < lag {
				p[before+i] = 0xFF
				valid = false
			}
			if got := unmask(&p[before], &p[before+lag], &src[0], n, testKey); got != valid {
				t.Fatalf("%s: got %t with an invalid byte at %d", name, got, i)
			}
			if !bytes.Equal(p[before+lag:], text[before+lag:][:n]) {
				t.Fatalf("%s: wrong bytes", name)
			}
		}
	}
}
