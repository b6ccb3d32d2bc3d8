//go:build (amd64 || arm64) && !purego

package utf8stream

// The vector kernels decide from a byte and the three bytes before it whether it is invalid
// (J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte", 2020).
// There are three tables of 16 entries, the size that one instruction looks up for a whole
// vector: by the high half of the byte before, by its low half, and by the high half of the
// byte itself. An entry has a bit for each kind of invalid pair. A pair is invalid if all
// three entries have the same bit.

// halves is a set of half bytes. Bit h stands for 0xh.
type halves uint16

const (
	all          halves = 0xFFFF
	ascii        halves = 0x00FF
	continuation halves = 0x0F00
	leads        halves = 0xF000
)

// invalidPairs are the kinds of invalid pairs. The last is inverted where the bytes two or
// three before begin a sequence that needs a third or fourth byte: there it must occur. Its
// bit is the high one, the one that the kernels compute from those two bytes.
var invalidPairs = [8]struct{ beforeHigh, beforeLow, high halves }{
	{leads, all, ascii | leads},                      // a sequence is cut short
	{ascii, all, continuation},                       // a continuation after ASCII
	{1 << 0xC, 1<<0 | 1<<1, continuation},            // C0, C1: overlong
	{1 << 0xE, 1 << 0x0, 1<<0x8 | 1<<0x9},            // E0 80..9F: overlong
	{1 << 0xE, 1 << 0xD, 1<<0xA | 1<<0xB},            // ED A0..BF: a surrogate
	{1 << 0xF, all &^ 0x000F, continuation ^ 1<<0x8}, // F4 90..BF, F5..FF 90..BF: above U+10FFFF
	{1 << 0xF, all &^ 0x001E, 1 << 0x8},              // F0 80..8F: overlong, F5..FF 80..8F: above U+10FFFF
	{continuation, all, continuation},                // a continuation after another
}

// lookup has the three tables: by beforeHigh, beforeLow and high.
var lookup = func() (tables [3][16]byte) {
	for bit, w := range invalidPairs {
		for t, set := range [3]halves{w.beforeHigh, w.beforeLow, w.high} {
			for h := range 16 {
				tables[t][h] |= byte(set>>h&1) << bit
			}
		}
	}
	return tables
}()
