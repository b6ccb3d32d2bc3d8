package mask

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"
)

// A kernel is an implementation of xorLong for at least min bytes.
type kernel struct {
	name string
	min  int
	xor  func(dst, src []byte, key, after uint32)
}

// kernels are those that this processor can run. Files for one architecture add theirs.
var kernels = []kernel{
	{"platform", 0, func(dst, src []byte, key, _ uint32) { xor(dst, src, key) }},
	{"generic", 8, xorGeneric},
}

// mask masks src into dst, with the kernel if src is long enough, and returns the next key.
func (k kernel) mask(dst, src []byte, key uint32) uint32 {
	if len(src) < k.min {
		return xorBytes(dst, src, key)
	}
	after := bits.RotateLeft32(key, -8*(len(src)%4))
	k.xor(dst, src, key, after)
	return after
}

// xorBytes is the algorithm of RFC 6455 section 5.3, byte by byte.
func xorBytes(dst, src []byte, key uint32) uint32 {
	var octets [4]byte
	binary.LittleEndian.PutUint32(octets[:], key)
	for i := range src {
		dst[i] = src[i] ^ octets[i%4]
	}
	return bits.RotateLeft32(key, -8*(len(src)%4))
}

// pattern returns n bytes, each different from its neighbours.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*167 + i>>8*13 + 5)
	}
	return p
}

// longLengths are lengths about the one from which the AVX2 kernel prefetches.
var longLengths = []int{16 << 10, 16<<10 + 1, 16<<10 + 33, 16<<10 + 160, 20 << 10}

func TestKernels(t *testing.T) {
	const maxLen, maxAlign, around = 300, 64, 40
	lengths := append([]int{511, 512, 513, 1000, 1024, 4095, 4096, 4103}, longLengths...)
	for n := range maxLen + 1 {
		lengths = append(lengths, n)
	}
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			for _, n := range lengths {
				for align := range maxAlign {
					key := bits.RotateLeft32(0x78563412, align/16*8)
					checkKernel(t, k, n, align, around, key)
				}
			}
		})
	}
}

// checkKernel masks n bytes at an alignment, in place and into other memory, and checks
// that the bytes around them do not change.
func checkKernel(t *testing.T, k kernel, n, align, around int, key uint32) {
	t.Helper()
	src := pattern(align + n + around)
	want := bytes.Clone(src)
	wantKey := xorBytes(want[align:align+n], src[align:align+n], key)

	got := bytes.Clone(src)
	p := got[align : align+n]
	if gotKey := k.mask(p, p, key); gotKey != wantKey || !bytes.Equal(got, want) {
		t.Fatalf("in place, length %d, alignment %d, key %08x: key %08x, want %08x, bytes equal: %v",
			n, align, key, gotKey, wantKey, bytes.Equal(got, want))
	}

	// The destination has another alignment than the source.
	shift := align ^ 21
	dst := make([]byte, shift+n+around)
	wantDst := make([]byte, len(dst))
	copy(wantDst[shift:], want[align:align+n])
	if gotKey := k.mask(dst[shift:shift+n], src[align:align+n], key); gotKey != wantKey || !bytes.Equal(dst, wantDst) {
		t.Fatalf("across, length %d, alignment %d, key %08x: key %08x, want %08x, bytes equal: %v",
			n, align, key, gotKey, wantKey, bytes.Equal(dst, wantDst))
	}
}

func TestCopyLeavesTheRest(t *testing.T) {
	dst := bytes.Repeat([]byte{0xAA}, 40)
	src := pattern(33)
	key := Copy(dst, src, 0x04030201)
	if want := uint32(0x01040302); key != want {
		t.Errorf("key = %08x, want %08x", key, want)
	}
	if !bytes.Equal(dst[33:], bytes.Repeat([]byte{0xAA}, 7)) {
		t.Errorf("Copy wrote past len(src): %x", dst[33:])
	}
	if !bytes.Equal(src, pattern(33)) {
		t.Error("Copy changed src")
	}
}

func TestCopyPanicsWhenShort(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Copy into a shorter slice did not panic")
		}
	}()
	Copy(make([]byte, 3), make([]byte, 4), 1)
}

// In RFC 6455 section 5.7 "Hello" is masked with 37 fa 21 3d.
func TestExampleOfTheRFC(t *testing.T) {
	p := []byte{0x7f, 0x9f, 0x4d, 0x51, 0x58}
	XOR(p, binary.LittleEndian.Uint32([]byte{0x37, 0xfa, 0x21, 0x3d}))
	if string(p) != "Hello" {
		t.Errorf("unmasked %q, want Hello", p)
	}
}

// FuzzXOR masks in three pieces with each kernel, at any alignment of source and
// destination, and compares the result with that of the loop over single bytes.
func FuzzXOR(f *testing.F) {
	f.Add([]byte("Hello"), uint32(0x3d21fa37), uint16(2), uint16(1))
	f.Add(pattern(200), uint32(0x01020304), uint16(67), uint16(70))
	f.Add(pattern(1000), uint32(0x80402010), uint16(0x1f00+31), uint16(0x7b00+600))
	f.Fuzz(func(t *testing.T, src []byte, key uint32, a, b uint16) {
		const align = 64
		shift, other := int(a>>8)%align, int(b>>8)%align
		src = append(make([]byte, shift, shift+len(src)), src...)[shift:]
		i := int(a) % (len(src) + 1)
		j := i + int(b)%(len(src)-i+1)
		want := make([]byte, len(src))
		wantKey := xorBytes(want, src, key)
		for _, k := range kernels {
			around := make([]byte, other+len(src)+align)
			got := around[other : other+len(src)]
			next := k.mask(got[:i], src[:i], key)
			next = k.mask(got[i:j], src[i:j], next)
			next = k.mask(got[j:], src[j:], next)
			if next != wantKey || !bytes.Equal(got, want) {
				t.Fatalf("%s, split at %d and %d of %d, key %08x: got key %08x, want %08x; bytes equal: %v",
					k.name, i, j, len(src), key, next, wantKey, bytes.Equal(got, want))
			}
			for _, rest := range [][]byte{around[:other], around[other+len(src):]} {
				if len(bytes.Trim(rest, "\x00")) > 0 {
					t.Fatalf("%s, split at %d and %d of %d: wrote around it", k.name, i, j, len(src))
				}
			}
			next = k.mask(got, got, key)
			if next != wantKey || !bytes.Equal(got, src) {
				t.Fatalf("%s in place, %d bytes, key %08x: not the source again", k.name, len(src), key)
			}
		}
	})
}

var benchLengths = []int{1, 4, 8, 16, 32, 64, 125, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20}

// BenchmarkCopy compares the kernels with each other and with a copy; benchstat -col
// /kernel puts them side by side. src begins behind a short header.
func BenchmarkCopy(b *testing.B) {
	for _, n := range benchLengths {
		for _, k := range append(kernels, kernel{"copy", 0, func(dst, src []byte, _, _ uint32) { copy(dst, src) }}) {
			if n < k.min {
				continue
			}
			b.Run(fmt.Sprintf("n=%d/kernel=%s", n, k.name), func(b *testing.B) {
				dst, src := make([]byte, n), make([]byte, 6+n)[6:]
				b.SetBytes(int64(n))
				for b.Loop() {
					k.xor(dst, src, 0x12345678, 0x12345678)
				}
			})
		}
	}
}

// BenchmarkXOR masks in place.
func BenchmarkXOR(b *testing.B) {
	for _, n := range benchLengths {
		for _, k := range kernels {
			if n < k.min {
				continue
			}
			b.Run(fmt.Sprintf("n=%d/kernel=%s", n, k.name), func(b *testing.B) {
				p := make([]byte, n)
				b.SetBytes(int64(n))
				for b.Loop() {
					k.xor(p, p, 0x12345678, 0x12345678)
				}
			})
		}
	}
}
