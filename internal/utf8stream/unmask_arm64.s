//go:build !purego

#include "textflag.h"
#include "check_arm64.h"

// UNMASK64 loads the 64 bytes at from into V26 to V29 and unmasks them.
#define UNMASK64(from) \
	VLD1 (from), [V26.B16, V27.B16, V28.B16, V29.B16] \
	VEOR V25.B16, V26.B16, V26.B16                    \
	VEOR V25.B16, V27.B16, V27.B16                    \
	VEOR V25.B16, V28.B16, V28.B16                    \
	VEOR V25.B16, V29.B16, V29.B16

// func unmaskASCII(dst, src *byte, n int, key uint32) int
TEXT ·unmaskASCII(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  src+8(FP), R1
	MOVD  n+16(FP), R2
	MOVWU key+24(FP), R3
	VDUP  R3, V25.S4
	MOVD  R0, R4
	MOVD  $0x8080808080808080, R7
	SUBS  $64, R2, R2
	BLT   done

loop:
	UNMASK64(R1)
	VORR   V27.B16, V26.B16, V0.B16
	VORR   V29.B16, V28.B16, V1.B16
	VORR   V1.B16, V0.B16, V0.B16
	ISASCII(V0)
	BNE    done
	VST1.P [V26.B16, V27.B16, V28.B16, V29.B16], 64(R0)
	ADD    $64, R1
	SUBS   $64, R2, R2
	BGE    loop

done:
	SUB  R4, R0, R0
	MOVD R0, ret+32(FP)
	RET

// The kernel validates at R0 and unmasks from R9 to R8. Like follow it has a loop for ASCII
// and one for other text, and tests at the end whether anything was invalid.

// func unmaskFollow(at, to, from *byte, n int, key uint32) bool
TEXT ·unmaskFollow(SB), NOSPLIT, $0-41
	MOVD  at+0(FP), R0
	MOVD  to+8(FP), R8
	MOVD  from+16(FP), R9
	MOVD  n+24(FP), R10
	MOVWU key+32(FP), R3
	VDUP  R3, V25.S4
	MOVD  $0x8080808080808080, R7
	VEOR  V24.B16, V24.B16, V24.B16
	LOAD
	B     mixed // the bytes before R0 may end inside a sequence

ascii:
	VLD1   (R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VORR   V1.B16, V0.B16, V10.B16
	VORR   V3.B16, V2.B16, V11.B16
	VORR   V11.B16, V10.B16, V10.B16
	ISASCII(V10)
	BNE    mixed
	UNMASK64(R9)
	VST1.P [V26.B16, V27.B16, V28.B16, V29.B16], 64(R8)
	ADD    $64, R9
	ADD    $64, R0
	SUBS   $64, R10, R10
	BNE    ascii
	B      done

mixed:
	UNMASK64(R9)
	VST1.P [V26.B16, V27.B16, V28.B16, V29.B16], 64(R8)
	VLD1   (R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VORR   V1.B16, V0.B16, V10.B16
	VORR   V3.B16, V2.B16, V11.B16
	VORR   V11.B16, V10.B16, V10.B16
	CHECK16(0, V0)
	CHECK16(16, V1)
	CHECK16(32, V2)
	CHECK16(48, V3)
	ADD    $64, R9
	ADD    $64, R0
	SUBS   $64, R10, R10
	BEQ    done
	ISASCII(V10)
	BNE    mixed
	B      ascii

done:
	VMOV V24.D[0], R5
	VMOV V24.D[1], R6
	ORR  R5, R6, R6
	CMP  $0, R6
	CSET EQ, R6
	MOVB R6, ret+40(FP)
	RET
