//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "check_amd64.h"

// func unmaskASCII(dst, src *byte, n int, key uint32) int
TEXT ·unmaskASCII(SB), NOSPLIT, $0-40
	CMPB ·useAVX2(SB), $0
	JEQ  sse2
	JMP  ·unmaskASCIIAVX2(SB)

sse2:
	JMP ·unmaskASCIISSE2(SB)

// func unmaskFollow(at, to, from *byte, n int, key uint32) bool
TEXT ·unmaskFollow(SB), NOSPLIT, $0-41
	CMPB ·useAVX2(SB), $0
	JEQ  ssse3
	JMP  ·unmaskFollowAVX2(SB)

ssse3:
	JMP ·unmaskFollowSSSE3(SB)

// func unmaskASCIISSE2(dst, src *byte, n int, key uint32) int
TEXT ·unmaskASCIISSE2(SB), NOSPLIT, $0-40
	MOVQ   dst+0(FP), DI
	MOVQ   src+8(FP), SI
	MOVQ   n+16(FP), CX
	MOVL   key+24(FP), AX
	MOVQ   AX, X7
	PSHUFD $0, X7, X7
	MOVQ   DI, R8
	SUBQ   $64, CX
	JLT    done

loop:
	MOVOU    (SI), X0
	MOVOU    16(SI), X1
	MOVOU    32(SI), X2
	MOVOU    48(SI), X3
	PXOR     X7, X0
	PXOR     X7, X1
	PXOR     X7, X2
	PXOR     X7, X3
	MOVO     X0, X4
	MOVO     X2, X5
	POR      X1, X4
	POR      X3, X5
	POR      X5, X4
	PMOVMSKB X4, AX
	TESTL    AX, AX
	JNZ      done
	MOVOU    X0, (DI)
	MOVOU    X1, 16(DI)
	MOVOU    X2, 32(DI)
	MOVOU    X3, 48(DI)
	ADDQ     $64, SI
	ADDQ     $64, DI
	SUBQ     $64, CX
	JGE      loop

done:
	SUBQ R8, DI
	MOVQ DI, ret+32(FP)
	RET

// func unmaskASCIIAVX2(dst, src *byte, n int, key uint32) int
TEXT ·unmaskASCIIAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVL         key+24(FP), AX
	VMOVD        AX, X7
	VPBROADCASTD X7, Y7
	MOVQ         DI, R8
	SUBQ         $128, CX
	JLT          done

loop:
	VPXOR     (SI), Y7, Y0
	VPXOR     32(SI), Y7, Y1
	VPXOR     64(SI), Y7, Y2
	VPXOR     96(SI), Y7, Y3
	VPOR      Y0, Y1, Y4
	VPOR      Y2, Y3, Y5
	VPOR      Y4, Y5, Y4
	VPMOVMSKB Y4, AX
	TESTL     AX, AX
	JNZ       done
	VMOVDQU   Y0, (DI)
	VMOVDQU   Y1, 32(DI)
	VMOVDQU   Y2, 64(DI)
	VMOVDQU   Y3, 96(DI)
	SUBQ      $-128, SI
	SUBQ      $-128, DI
	SUBQ      $128, CX
	JGE       loop

done:
	SUBQ R8, DI
	MOVQ DI, ret+32(FP)
	VZEROUPPER
	RET

// Both kernels validate at SI and unmask from DX to DI. Like those of follow they have a
// loop for ASCII and one for other text, and test at the end whether anything was invalid.

// STEP16(off) unmasks the 16 bytes at off(DX), and validates those at off(SI). It sets bits
// of BX if these are not ASCII.
#define STEP16(off) \
	MOVOU    off(DX), X6 \
	PXOR     X7, X6      \
	MOVOU    X6, off(DI) \
	MOVOU    off(SI), X0 \
	PMOVMSKB X0, AX      \
	ORL      AX, BX      \
	CHECK16(off)

// func unmaskFollowSSSE3(at, to, from *byte, n int, key uint32) bool
TEXT ·unmaskFollowSSSE3(SB), NOSPLIT, $0-41
	MOVQ   at+0(FP), SI
	MOVQ   to+8(FP), DI
	MOVQ   from+16(FP), DX
	MOVQ   n+24(FP), CX
	MOVL   key+32(FP), AX
	MOVQ   AX, X7
	PSHUFD $0, X7, X7
	LOAD16
	PXOR   X15, X15
	JMP    mixed // the bytes before SI may end inside a sequence

ascii:
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
	MOVOU    (DX), X0
	MOVOU    16(DX), X1
	MOVOU    32(DX), X2
	MOVOU    48(DX), X3
	PXOR     X7, X0
	PXOR     X7, X1
	PXOR     X7, X2
	PXOR     X7, X3
	MOVOU    X0, (DI)
	MOVOU    X1, 16(DI)
	MOVOU    X2, 32(DI)
	MOVOU    X3, 48(DI)
	ADDQ     $64, SI
	ADDQ     $64, DI
	ADDQ     $64, DX
	SUBQ     $64, CX
	JNZ      ascii
	JMP      done

mixed:
	XORL  BX, BX
	STEP16(0)
	STEP16(16)
	STEP16(32)
	STEP16(48)
	ADDQ  $64, SI
	ADDQ  $64, DI
	ADDQ  $64, DX
	SUBQ  $64, CX
	JZ    done
	TESTL BX, BX
	JNZ   mixed
	JMP   ascii

done:
	PXOR     X0, X0
	PCMPEQB  X0, X15
	PMOVMSKB X15, AX
	CMPL     AX, $0xFFFF
	SETEQ    ret+40(FP)
	RET

// SI is aligned to a cache line. The loads that begin two and three bytes before it would
// cross a line, so these two vectors are shifted into place. The kernel enters the loop for
// ASCII after a block whose last 32 bytes are ASCII.

// func unmaskFollowAVX2(at, to, from *byte, n int, key uint32) bool
TEXT ·unmaskFollowAVX2(SB), NOSPLIT, $0-41
	MOVQ         at+0(FP), SI
	MOVQ         to+8(FP), DI
	MOVQ         from+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVL         key+32(FP), AX
	VMOVD        AX, X7
	VPBROADCASTD X7, Y7
	LOAD32
	VPXOR        Y15, Y15, Y15
	JMP          mixed // the bytes before SI may end inside a sequence

ascii:
	VMOVDQU   (SI), Y0
	VPOR      32(SI), Y0, Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed
	VPXOR     (DX), Y7, Y5
	VPXOR     32(DX), Y7, Y6
	VMOVDQU   Y5, (DI)
	VMOVDQU   Y6, 32(DI)
	ADDQ      $64, SI
	ADDQ      $64, DI
	ADDQ      $64, DX
	SUBQ      $64, CX
	JNZ       ascii
	JMP       done

mixed:
	VMOVDQU   (SI), Y0
	VMOVDQU   -16(SI), Y1
	VPXOR     (DX), Y7, Y5
	VMOVDQU   Y5, (DI)
	PAIRS32(0, Y0, Y2, Y3, Y4)
	VPALIGNR  $14, Y1, Y0, Y3 // of each half: 2 bytes of Y1, and 14 of Y0
	VPALIGNR  $13, Y1, Y0, Y4
	LEADS32(Y2, Y3, Y4)
	VMOVDQU   32(SI), Y1
	VPMOVMSKB Y1, AX
	CHECK32(32, Y1, Y2, Y3, Y4)
	VPXOR     32(DX), Y7, Y6
	VMOVDQU   Y6, 32(DI)
	ADDQ      $64, SI
	ADDQ      $64, DI
	ADDQ      $64, DX
	SUBQ      $64, CX
	JZ        done
	TESTL     AX, AX
	JNZ       mixed
	JMP       ascii

done:
	VPTEST Y15, Y15
	SETEQ  ret+40(FP)
	VZEROUPPER
	RET
