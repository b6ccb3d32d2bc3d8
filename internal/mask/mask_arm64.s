//go:build !purego

#include "textflag.h"

// The last vector overlaps the previous one. It is loaded before the first store, and
// stored last.

// func xorNEON(dst, src *byte, n int, key, after uint32)
TEXT ·xorNEON(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	MOVD  src+8(FP), R1
	MOVD  n+16(FP), R2
	MOVWU key+24(FP), R3
	MOVWU after+28(FP), R4
	VDUP  R3, V0.S4
	VDUP  R4, V1.S4
	SUB   $16, R2, R5
	ADD   R0, R5, R6
	ADD   R1, R5, R5
	VLD1  (R5), [V2.B16]
	VEOR  V1.B16, V2.B16, V2.B16

	SUBS $64, R2, R2
	BLT  rest

loop64:
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	VEOR   V0.B16, V4.B16, V4.B16
	VEOR   V0.B16, V5.B16, V5.B16
	VEOR   V0.B16, V6.B16, V6.B16
	VEOR   V0.B16, V7.B16, V7.B16
	VST1.P [V4.B16, V5.B16, V6.B16, V7.B16], 64(R0)
	SUBS   $64, R2, R2
	BGE    loop64

rest:
	ADDS $48, R2, R2 // the rest, minus a vector
	BLT  last

loop16:
	VLD1.P 16(R1), [V4.B16]
	VEOR   V0.B16, V4.B16, V4.B16
	VST1.P [V4.B16], 16(R0)
	SUBS   $16, R2, R2
	BGE    loop16

last:
	VST1 [V2.B16], (R6)
	RET
