// Macros of the kernels that validate, and of those that also unmask.

// ISASCII sets the flag Z if all bytes of v are ASCII. R7 has bit 7 of each byte set. It
// uses R5 and R6.
#define ISASCII(v) \
	VMOV v.D[0], R5 \
	VMOV v.D[1], R6 \
	ORR  R5, R6, R6 \
	TST  R7, R6

// LOAD loads the tables and constants of CHECK16. It uses R4.
#define LOAD \
	MOVD  $·lookup(SB), R4                  \
	VLD1  (R4), [V16.B16, V17.B16, V18.B16] \
	VMOVI $0x0F, V20.B16                    \
	VMOVI $0x60, V21.B16                    \
	VMOVI $0x70, V22.B16                    \
	VMOVI $0x80, V23.B16

// CHECK16(off, cur) sets bits of V24 for invalid bytes among the 16 at off(R0), which are
// in cur. It uses V4 to V9. A byte is E0 or above if bit 7 is set in it and in it minus 60,
// and F0 or above if bit 7 is set in it and in it minus 70.
#define CHECK16(off, cur) \
	FMOVQ (off-1)(R0), F4               \
	FMOVQ (off-2)(R0), F5               \
	FMOVQ (off-3)(R0), F6               \
	VUSHR $4, V4.B16, V7.B16            \
	VAND  V20.B16, V4.B16, V4.B16       \
	VUSHR $4, cur.B16, V8.B16           \
	VTBL  V7.B16, [V16.B16], V7.B16     \
	VTBL  V4.B16, [V17.B16], V4.B16     \
	VTBL  V8.B16, [V18.B16], V8.B16     \
	VSUB  V21.B16, V5.B16, V9.B16       \
	VAND  V9.B16, V5.B16, V5.B16        \
	VSUB  V22.B16, V6.B16, V9.B16       \
	VAND  V9.B16, V6.B16, V6.B16        \
	VORR  V6.B16, V5.B16, V5.B16        \
	VAND  V23.B16, V5.B16, V5.B16       \
	VAND  V7.B16, V4.B16, V4.B16        \
	VAND  V8.B16, V4.B16, V4.B16        \
	VEOR  V5.B16, V4.B16, V4.B16        \
	VORR  V4.B16, V24.B16, V24.B16
