//go:build (amd64 || arm64) && !purego

package utf8stream

// The vector kernels know a bad byte by itself and the three bytes before it
// (J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per
// Byte", 2020). Three tables of 16 entries, one entry for each half byte, fit
// the instructions that look up a whole vector at once: the high and the low
// half of the byte before, and the high half of the byte itself. An entry has
// one bit for each way of being wrong, and where all three have it, the two
// bytes are.

// halves is a set of half bytes: bit h is there for 0xh.
type halves uint16

const (
	all          halves = 0xFFFF
	ascii        halves = 0x00FF
	continuation halves = 0x0F00
	leads        halves = 0xF000
)

// wrongPairs are the ways of being wrong that two bytes show. The last is
// turned round where the bytes two and three before ask for the third or the
// fourth byte of a sequence: there it is wrong if it is missing. Its bit is the
// high one, which is what the kernels make of those two bytes.
var wrongPairs = [8]struct{ beforeHigh, beforeLow, high halves }{
	{leads, all, ascii | leads},                      // a sequence is cut short
	{ascii, all, continuation},                       // a continuation of nothing
	{1 << 0xC, 1<<0 | 1<<1, continuation},            // C0, C1: overlong
	{1 << 0xE, 1 << 0x0, 1<<0x8 | 1<<0x9},            // E0 80..9F: overlong
	{1 << 0xE, 1 << 0xD, 1<<0xA | 1<<0xB},            // ED A0..BF: a surrogate
	{1 << 0xF, all &^ 0x000F, continuation ^ 1<<0x8}, // F4 90..BF, F5..FF 90..BF: past U+10FFFF
	{1 << 0xF, all &^ 0x001E, 1 << 0x8},              // F0 80..8F: overlong, F5..FF 80..8F: past U+10FFFF
	{continuation, all, continuation},                // a continuation after another
}

// lookup is the three tables: by beforeHigh, by beforeLow, by high.
var lookup = func() (tables [3][16]byte) {
	for bit, w := range wrongPairs {
		for t, set := range [3]halves{w.beforeHigh, w.beforeLow, w.high} {
			for h := range 16 {
				tables[t][h] |= byte(set>>h&1) << bit
			}
		}
	}
	return tables
}()
