//go:build !purego

package cpu

import "testing"

func TestDetect(t *testing.T) {
	const (
		none    = 0
		sse     = leaf1SSSE3
		avx     = leaf1SSSE3 | leaf1OSXSAVE | leaf1AVX
		allXCR0 = ^uint32(0)
	)
	for _, tc := range []struct {
		name             string
		last, ecx1, ebx7 uint32
		xcr0             uint32
		ssse3, avx2      bool
	}{
		{"all", 7, avx, leaf7AVX2, allXCR0, true, true},
		{"more leaves", 0x20, avx, leaf7AVX2, allXCR0, true, true},
		{"nothing", 0, avx, leaf7AVX2, allXCR0, false, false},
		{"SSE2 alone", 7, none, none, none, false, false},
		{"SSSE3", 7, sse, none, none, true, false},
		{"no leaf 7", 6, avx, leaf7AVX2, allXCR0, true, false},
		{"AVX alone", 7, avx, ^uint32(leaf7AVX2), allXCR0, true, false},
		{"AVX2 without AVX", 7, avx &^ leaf1AVX, leaf7AVX2, allXCR0, true, false},
		{"no OSXSAVE", 7, avx &^ leaf1OSXSAVE, leaf7AVX2, allXCR0, true, false},
		{"YMM not saved", 7, avx, leaf7AVX2, 1<<0 | 1<<1, true, false},
		{"XMM not saved", 7, avx, leaf7AVX2, 1<<0 | 1<<2, true, false},
		{"x87, XMM, YMM", 7, avx, leaf7AVX2, 1<<0 | 1<<1 | 1<<2, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cpuid := func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
				switch {
				case leaf > tc.last || subleaf != 0:
					t.Errorf("CPUID of leaf %d, subleaf %d", leaf, subleaf)
				case leaf == 0:
					eax = tc.last
				case leaf == 1:
					ecx = tc.ecx1
				case leaf == 7:
					ebx = tc.ebx7
				}
				return eax, ebx, ecx, edx
			}
			xgetbv := func() uint32 {
				if tc.ecx1&leaf1OSXSAVE == 0 {
					t.Error("XGETBV without OSXSAVE")
				}
				return tc.xcr0
			}
			ssse3, avx2 := detect(cpuid, xgetbv)
			if ssse3 != tc.ssse3 || avx2 != tc.avx2 {
				t.Errorf("SSSE3 %v, AVX2 %v, want %v and %v", ssse3, avx2, tc.ssse3, tc.avx2)
			}
		})
	}
}
