//go:build !purego

#include "textflag.h"

// PREFETCH is the number of bytes ahead of its loads that the AVX2 kernel prefetches.
#define PREFETCH 512
// MIN_PREFETCH is the length from which it does, apart from a vector, if dst is not src.
// Shorter sources are often in the first-level cache, where prefetches cost a tenth of the
// time.
#define MIN_PREFETCH 16384

// func xorVectors(dst, src *byte, n int, key, after uint32)
TEXT ·xorVectors(SB), NOSPLIT, $0-32
	CMPB ·useAVX2(SB), $0
	JEQ  sse2
	JMP  ·xorAVX2(SB)

sse2:
	JMP ·xorSSE2(SB)

// The last vector overlaps the previous one. It is loaded before the first store, and
// stored last.

// func xorSSE2(dst, src *byte, n int, key, after uint32)
TEXT ·xorSSE2(SB), NOSPLIT, $0-32
	MOVQ   dst+0(FP), DI
	MOVQ   src+8(FP), SI
	MOVQ   n+16(FP), CX
	MOVL   key+24(FP), AX
	MOVL   after+28(FP), BX
	MOVQ   AX, X0
	PSHUFD $0, X0, X0
	MOVQ   BX, X1
	PSHUFD $0, X1, X1
	MOVOU  -16(SI)(CX*1), X2
	PXOR   X1, X2
	LEAQ   -16(DI)(CX*1), R8

	SUBQ $64, CX
	JLT  rest

loop64:
	MOVOU (SI), X3
	MOVOU 16(SI), X4
	MOVOU 32(SI), X5
	MOVOU 48(SI), X6
	PXOR  X0, X3
	PXOR  X0, X4
	PXOR  X0, X5
	PXOR  X0, X6
	MOVOU X3, (DI)
	MOVOU X4, 16(DI)
	MOVOU X5, 32(DI)
	MOVOU X6, 48(DI)
	ADDQ  $64, SI
	ADDQ  $64, DI
	SUBQ  $64, CX
	JGE   loop64

rest:
	ADDQ $48, CX // the rest, minus a vector
	JLT  last

loop16:
	MOVOU (SI), X3
	PXOR  X0, X3
	MOVOU X3, (DI)
	ADDQ  $16, SI
	ADDQ  $16, DI
	SUBQ  $16, CX
	JGE   loop16

last:
	MOVOU X2, (R8)
	RET

// The first vector is processed like the last one, so that the loops begin where dst is
// aligned. With stores across cache lines the whole takes a third longer. A long source,
// unless it is dst, is prefetched.

// func xorAVX2(dst, src *byte, n int, key, after uint32)
TEXT ·xorAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), DX
	MOVL         key+24(FP), AX
	MOVL         after+28(FP), BX
	VMOVD        AX, X0
	VPBROADCASTD X0, Y0
	VMOVD        BX, X1
	VPBROADCASTD X1, Y1
	VPXOR        (SI), Y0, Y2
	VPXOR        -32(SI)(DX*1), Y1, Y3
	MOVQ         DI, R8
	LEAQ         -32(DI)(DX*1), R9

	CMPQ DX, $64
	JLE  ends

	// Continue at the first aligned byte after dst, with the key rotated to it.
	ADDQ         $32, DI
	ANDQ         $~31, DI
	MOVQ         DI, CX
	SUBQ         R8, CX
	ADDQ         CX, SI
	SUBQ         CX, DX
	SHLL         $3, CX
	RORL         CX, AX
	VMOVD        AX, X0
	VPBROADCASTD X0, Y0

	SUBQ $128, DX
	JLT  rest
	CMPQ DX, $(MIN_PREFETCH-128)
	JLT  loop128
	CMPQ SI, DI
	JNE  prefetch128

loop128:
	VPXOR   (SI), Y0, Y4
	VPXOR   32(SI), Y0, Y5
	VPXOR   64(SI), Y0, Y6
	VPXOR   96(SI), Y0, Y7
	VMOVDQA Y4, (DI)
	VMOVDQA Y5, 32(DI)
	VMOVDQA Y6, 64(DI)
	VMOVDQA Y7, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	SUBQ    $128, DX
	JGE     loop128

rest:
	ADDQ $96, DX // the rest, minus a vector
	JLT  ends

loop32:
	VPXOR   (SI), Y0, Y4
	VMOVDQA Y4, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, DX
	JGE     loop32

ends:
	VMOVDQU Y2, (R8)
	VMOVDQU Y3, (R9)
	VZEROUPPER
	RET

prefetch128:
	PREFETCHT0 PREFETCH(SI)
	PREFETCHT0 (PREFETCH+64)(SI)
	VPXOR      (SI), Y0, Y4
	VPXOR      32(SI), Y0, Y5
	VPXOR      64(SI), Y0, Y6
	VPXOR      96(SI), Y0, Y7
	VMOVDQA    Y4, (DI)
	VMOVDQA    Y5, 32(DI)
	VMOVDQA    Y6, 64(DI)
	VMOVDQA    Y7, 96(DI)
	ADDQ       $128, SI
	ADDQ       $128, DI
	SUBQ       $128, DX
	JGE        prefetch128
	JMP        rest
