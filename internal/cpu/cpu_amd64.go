//go:build !purego

package cpu

// Instruction sets beyond SSE2, which each amd64 processor has. AVX2 is true only if the
// operating system saves the YMM registers.
var SSSE3, AVX2 = detect(cpuid, xgetbv)

// Bits of CPUID and of the register XCR0 (Intel's manual, volume 2, CPUID, and volume 1,
// 14.3, "Detection of Intel AVX Instructions").
const (
	leaf1SSSE3   = 1 << 9  // ECX
	leaf1OSXSAVE = 1 << 27 // ECX: the operating system has enabled XGETBV
	leaf1AVX     = 1 << 28 // ECX
	leaf7AVX2    = 1 << 5  // EBX
	xcr0YMM      = 1<<1 | 1<<2
)

// detect returns the instruction sets that CPUID reports. It executes XGETBV only if
// CPUID has the bit OSXSAVE.
func detect(cpuid func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32), xgetbv func() (xcr0 uint32)) (ssse3, avx2 bool) {
	last, _, _, _ := cpuid(0, 0)
	if last < 1 {
		return false, false
	}
	_, _, ecx, _ := cpuid(1, 0)
	ssse3 = ecx&leaf1SSSE3 != 0
	const avx = leaf1OSXSAVE | leaf1AVX
	if last < 7 || ecx&avx != avx || xgetbv()&xcr0YMM != xcr0YMM {
		return ssse3, false
	}
	_, ebx, _, _ := cpuid(7, 0)
	return ssse3, ebx&leaf7AVX2 != 0
}

// cpuid executes CPUID with EAX = leaf and ECX = subleaf.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// xgetbv returns the low half of XCR0. Without the bit OSXSAVE of CPUID it is an illegal
// instruction.
func xgetbv() (xcr0 uint32)
