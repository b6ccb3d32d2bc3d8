//go:build !purego

#include "textflag.h"
#include "check_arm64.h"

// The kernel has a loop for ASCII and one for other text, which loads each vector and the
// three that begin one, two and three bytes before it. It changes loops when 64 bytes are
// ASCII, or are not. It tests at the end whether anything was invalid.
//
// R0 is the position in p, R1 its end. A rest of less than a step is part of one more step,
// which overlaps the previous one and ends at R1.

// func follow(p *byte, n int) bool
TEXT ·follow(SB), NOSPLIT, $0-17
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1
	ADD  R0, R1, R1
	SUB  $16, R1, R2 // where the last 16 bytes begin
	SUB  $64, R1, R3 // where the last 64 bytes begin
	MOVD $0x8080808080808080, R7
	VEOR V24.B16, V24.B16, V24.B16

	FMOVQ (R0), F0
	ISASCII(V0)
	BNE   first
	ADD   $16, R0

ascii:
	CMP R3, R0
	BHI asciiRest

ascii64:
	VLD1 (R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VORR V1.B16, V0.B16, V0.B16
	VORR V3.B16, V2.B16, V2.B16
	VORR V2.B16, V0.B16, V0.B16
	ISASCII(V0)
	BNE  mixed
	ADD  $64, R0
	CMP  R3, R0
	BLS  ascii64

asciiRest:
	CMP   R2, R0
	BHI   asciiLast
	FMOVQ (R0), F0
	ISASCII(V0)
	BNE   mixed
	ADD   $16, R0
	B     asciiRest

asciiLast:
	CMP   R1, R0
	BEQ   done
	MOVD  R2, R0
	FMOVQ (R0), F0
	ISASCII(V0)
	BNE   mixed
	B     done

first:
	ADD $3, R0

mixed:
	LOAD
	CMP R3, R0
	BHI mixedRest

mixed64:
	VLD1 (R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VORR V1.B16, V0.B16, V10.B16
	VORR V3.B16, V2.B16, V11.B16
	VORR V11.B16, V10.B16, V10.B16
	CHECK16(0, V0)
	CHECK16(16, V1)
	CHECK16(32, V2)
	CHECK16(48, V3)
	ADD  $64, R0
	ISASCII(V10)
	BEQ  ascii
	CMP  R3, R0
	BLS  mixed64

mixedRest:
	CMP   R2, R0
	BHI   mixedLast

mixed16:
	FMOVQ (R0), F0
	CHECK16(0, V0)
	ADD   $16, R0
	CMP   R2, R0
	BLS   mixed16

mixedLast:
	CMP  R1, R0
	MOVD R2, R0
	BNE  mixed16

done:
	VMOV V24.D[0], R5
	VMOV V24.D[1], R6
	ORR  R5, R6, R6
	CMP  $0, R6
	CSET EQ, R6
	MOVB R6, ret+16(FP)
	RET
