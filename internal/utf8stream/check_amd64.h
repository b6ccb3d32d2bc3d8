// Macros of the kernels that validate, and of those that also unmask.

DATA constants<>+0(SB)/8, $0x0F0F0F0F0F0F0F0F // the low half of a byte
DATA constants<>+8(SB)/8, $0x0F0F0F0F0F0F0F0F
DATA constants<>+16(SB)/8, $0x6060606060606060 // subtracted, leaves bit 7 set in E0..FF only
DATA constants<>+24(SB)/8, $0x6060606060606060
DATA constants<>+32(SB)/8, $0x7070707070707070 // subtracted, leaves bit 7 set in F0..FF only
DATA constants<>+40(SB)/8, $0x7070707070707070
DATA constants<>+48(SB)/8, $0x8080808080808080 // bit 7
DATA constants<>+56(SB)/8, $0x8080808080808080
GLOBL constants<>(SB), RODATA|NOPTR, $64

// LOAD16 loads the tables and constants of CHECK16.
#define LOAD16 \
	MOVOU ·lookup+0(SB), X8       \
	MOVOU ·lookup+16(SB), X9      \
	MOVOU ·lookup+32(SB), X10     \
	MOVOU constants<>+0(SB), X11  \
	MOVOU constants<>+16(SB), X12 \
	MOVOU constants<>+32(SB), X13 \
	MOVOU constants<>+48(SB), X14

// CHECK16(off) sets bits of X15 for invalid bytes among the 16 at off(SI), which are in X0.
// It uses X0 to X5.
#define CHECK16(off) \
	MOVOU   (off-1)(SI), X1 \
	MOVO    X1, X2          \
	PSRLW   $4, X2          \
	PAND    X11, X2         \
	PAND    X11, X1         \
	MOVO    X8, X3          \
	PSHUFB  X2, X3          \
	MOVO    X9, X4          \
	PSHUFB  X1, X4          \
	PSRLW   $4, X0          \
	PAND    X11, X0         \
	MOVO    X10, X5         \
	PSHUFB  X0, X5          \
	PAND    X4, X3          \
	PAND    X5, X3          \
	MOVOU   (off-2)(SI), X1 \
	MOVOU   (off-3)(SI), X2 \
	PSUBUSB X12, X1         \
	PSUBUSB X13, X2         \
	POR     X2, X1          \
	PAND    X14, X1         \
	PXOR    X1, X3          \
	POR     X3, X15

// LOAD32 loads the tables and constants of CHECK32.
#define LOAD32 \
	VBROADCASTI128 ·lookup+0(SB), Y8       \
	VBROADCASTI128 ·lookup+16(SB), Y9      \
	VBROADCASTI128 ·lookup+32(SB), Y10     \
	VBROADCASTI128 constants<>+0(SB), Y11  \
	VBROADCASTI128 constants<>+16(SB), Y12 \
	VBROADCASTI128 constants<>+32(SB), Y13 \
	VBROADCASTI128 constants<>+48(SB), Y14

// PAIRS32(off, cur, a, b, c) sets bits of a for each of the 32 bytes at off(SI), which are
// in cur, that is invalid after the byte before it. It uses b and c.
#define PAIRS32(off, cur, a, b, c) \
	VMOVDQU (off-1)(SI), b \
	VPSRLW  $4, b, a       \
	VPAND   Y11, a, a      \
	VPAND   Y11, b, b      \
	VPSHUFB a, Y8, a       \
	VPSHUFB b, Y9, b       \
	VPSRLW  $4, cur, c     \
	VPAND   Y11, c, c      \
	VPSHUFB c, Y10, c      \
	VPAND   a, b, a        \
	VPAND   a, c, a

// LEADS32(a, b, c) sets bits of Y15 for bytes that are invalid, by the result of PAIRS32
// in a, and the bytes two and three before each in b and c.
#define LEADS32(a, b, c) \
	VPSUBUSB Y12, b, b \
	VPSUBUSB Y13, c, c \
	VPOR     b, c, b   \
	VPAND    Y14, b, b \
	VPXOR    a, b, a   \
	VPOR     a, Y15, Y15

// CHECK32(off, cur, a, b, c) sets bits of Y15 for invalid bytes among the 32 at off(SI),
// which are in cur. It uses a, b and c.
#define CHECK32(off, cur, a, b, c) \
	PAIRS32(off, cur, a, b, c) \
	VMOVDQU (off-2)(SI), b     \
	VMOVDQU (off-3)(SI), c     \
	LEADS32(a, b, c)
