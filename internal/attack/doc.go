// Package attack replays attacks that are known from other implementations, in both
// roles:
//
//	lengths of 2⁶³ and more, and sums  CVE-2020-27813, CVE-2026-27889  length_test.go
//	memory by a declared length        gobwas/ws #223                  length_test.go
//	deflate bombs                      CVE-2018-1000518, -2026-27571   bomb_test.go
//	empty, tiny and endless fragments                                  fragment_test.go
//	floods, and contexts that end                                      flood_test.go
//	pings, and peers that never read                                   unread_test.go
//	wrong masking                                                      frame_test.go
//	predictable masking keys           GO-2026-6278                    mask_test.go
//	residue of pools                   CVE-2026-45736                  residue_test.go
//	window bits out of range           CVE-2026-2229                   windowbits_test.go
//	spaces in headers, open quotes     CVE-2021-32640, -2020-7662      header_test.go
//	2,000 headers                      CVE-2024-37890                  header_test.go
//	foreign origins                    CVE-2026-32815                  origin_test.go
//	wrong requests, header injection, early frames                     accept_test.go
//	wrong and endless responses          CVE-2023-43669                  dial_test.go
//
// Reserved bits and opcodes, and wrong close frames, are among the violations of
// the root package's TestViolations.
package attack
