//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "check_amd64.h"

// func follow(p *byte, n int) bool
TEXT ·follow(SB), NOSPLIT, $0-17
	CMPQ n+8(FP), $const_minAVX2
	JLT  ssse3
	CMPB ·useAVX2(SB), $0
	JEQ  ssse3
	JMP  ·followAVX2(SB)

ssse3:
	JMP ·followSSSE3(SB)

// Both kernels have a loop for ASCII and one for other text, which loads each vector and
// the three that begin one, two and three bytes before it. They change loops when 64 bytes
// are ASCII, or are not. They test at the end whether anything was invalid.
//
// SI is the position in p, DI its end. A rest of less than a step is part of one more step,
// which overlaps the previous one and ends at DI.

// func followSSSE3(p *byte, n int) bool
TEXT ·followSSSE3(SB), NOSPLIT, $0-17
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	LEAQ (SI)(CX*1), DI
	LEAQ -16(SI)(CX*1), R8 // where the last 16 bytes begin
	LEAQ -64(SI)(CX*1), R9 // where the last 64 bytes begin
	PXOR X15, X15

	MOVOU    (SI), X0
	PMOVMSKB X0, AX
	TESTL    AX, AX
	JNZ      first
	ADDQ     $16, SI

ascii:
	CMPQ SI, R9
	JHI  asciiRest

ascii64:
	MOVOU    (SI), X0
	MOVOU    16(SI), X1
	MOVOU    32(SI), X2
	MOVOU    48(SI), X3
	POR      X1, X0
	POR      X3, X2
	POR      X2, X0
	PMOVMSKB X0, AX
	TESTL    AX, AX
	JNZ      mixed
	ADDQ     $64, SI
	CMPQ     SI, R9
	JLS      ascii64

asciiRest:
	CMPQ     SI, R8
	JHI      asciiLast
	MOVOU    (SI), X0
	PMOVMSKB X0, AX
	TESTL    AX, AX
	JNZ      mixed
	ADDQ     $16, SI
	JMP      asciiRest

asciiLast:
	CMPQ     SI, DI
	JEQ      done
	MOVQ     R8, SI
	MOVOU    (SI), X0
	PMOVMSKB X0, AX
	TESTL    AX, AX
	JNZ      mixed
	JMP      done

first:
	ADDQ $3, SI

mixed:
	LOAD16
	MOVL $1, DX // the masks of the last four steps; nonzero if there were fewer

mixed16:
	MOVOU    (SI), X0
	PMOVMSKB X0, AX
	CHECK16(0)
	ADDQ     $16, SI
	CMPQ     SI, R8
	JHI      mixedLast
	SHLQ     $16, DX
	ORQ      AX, DX
	JNZ      mixed16
	JMP      ascii

mixedLast:
	CMPQ SI, DI
	MOVQ R8, SI
	JNE  mixed16

done:
	PXOR     X0, X0
	PCMPEQB  X0, X15
	PMOVMSKB X15, AX
	CMPL     AX, $0xFFFF
	SETEQ    ret+16(FP)
	RET

// func followAVX2(p *byte, n int) bool
TEXT ·followAVX2(SB), NOSPLIT, $0-17
	MOVQ  p+0(FP), SI
	MOVQ  n+8(FP), CX
	LEAQ  (SI)(CX*1), DI
	LEAQ  -64(SI)(CX*1), R8  // where the last 64 bytes begin
	LEAQ  -128(SI)(CX*1), R9 // where the last 128 bytes begin
	VPXOR Y15, Y15, Y15

	VMOVDQU   (SI), Y0
	VPOR      32(SI), Y0, Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       first
	ADDQ      $64, SI

ascii:
	CMPQ SI, R9
	JHI  asciiRest

ascii128:
	VMOVDQU   (SI), Y0
	VMOVDQU   64(SI), Y1
	VPOR      32(SI), Y0, Y0
	VPOR      96(SI), Y1, Y1
	VPOR      Y0, Y1, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JNZ       ascii64
	SUBQ      $-128, SI
	CMPQ      SI, R9
	JLS       ascii128

asciiRest:
	CMPQ      SI, R8
	JHI       asciiLast
	VMOVDQU   (SI), Y0
	VPOR      32(SI), Y0, Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed
	ADDQ      $64, SI

asciiLast:
	CMPQ      SI, DI
	JEQ       done
	MOVQ      R8, SI
	VMOVDQU   (SI), Y0
	VPOR      32(SI), Y0, Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed
	JMP       done

ascii64:
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed
	ADDQ      $64, SI
	JMP       mixed

first:
	ADDQ $3, SI

mixed:
	LOAD32

mixed64:
	VMOVDQU   (SI), Y0
	VMOVDQU   32(SI), Y1
	VPOR      Y0, Y1, Y7
	VPMOVMSKB Y7, AX
	CHECK32(0, Y0, Y2, Y3, Y4)
	CHECK32(32, Y1, Y5, Y6, Y7)
	ADDQ      $64, SI
	CMPQ      SI, R8
	JHI       mixedLast
	TESTL     AX, AX
	JNZ       mixed64
	JMP       ascii

mixedLast:
	CMPQ SI, DI
	MOVQ R8, SI
	JNE  mixed64

done:
	VPTEST Y15, Y15
	SETEQ  ret+16(FP)
	VZEROUPPER
	RET
