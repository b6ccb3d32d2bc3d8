package deflate

import (
	"math/bits"
	"slices"
)

// A code is the Huffman code of a symbol, in the order of the input's bits.
type code struct {
	bits uint16
	n    uint8
}

// A coder makes the Huffman codes of a dynamic block, and its header (RFC 1951
// section 3.2.7).
type coder struct {
	lit  [litSymbols]code
	dist [distSymbols]code
	lens [lenSymbols]code

	runs     [litSymbols + distSymbols]run
	nruns    int
	runUses  [lenSymbols]uint32
	nlit     int // how many codes of literals and lengths the header gives
	ndist    int // and of distances
	nlens    int // and of code lengths
	sorted   [litSymbols]uint32
	internal [litSymbols]uint32
}

// A run is a symbol of the code length code, with its extra bits.
type run struct {
	symbol, extra uint8
}

const (
	repeatLast  = 16 // 3 to 6 times, 2 bits
	repeatZero  = 17 // 3 to 10 times, 3 bits
	repeatZeros = 18 // 11 to 138 times, 7 bits
)

var runExtra = [lenSymbols]uint{repeatLast: 2, repeatZero: 3, repeatZeros: 7}

// makeCodes gives each symbol that is used a code of at most limit bits.
func (c *coder) makeCodes(codes []code, uses []uint32, limit int) {
	const symbolBits = 9
	sorted := c.sorted[:0]
	for s, n := range uses {
		codes[s] = code{}
		if n > 0 {
			sorted = append(sorted, n<<symbolBits|uint32(s))
		}
	}
	switch len(sorted) {
	case 0:
		return
	case 1:
		codes[sorted[0]&(1<<symbolBits-1)].n = 1
		return
	}
	slices.Sort(sorted)
	var count [litSymbols]uint16 // by length; a code may be longer than any limit at first
	depths := c.depths(sorted, symbolBits)
	for _, d := range depths {
		count[min(int(d), limit)]++
	}
	shorten(count[:limit+1])

	var next [maxCodeLen + 2]uint16
	for n := 1; n <= limit; n++ {
		next[n+1] = (next[n] + count[n]) << 1
	}
	// The rarest have the longest codes.
	n := limit
	for _, v := range sorted {
		for count[n] == 0 {
			n--
		}
		count[n]--
		codes[v&(1<<symbolBits-1)].n = uint8(n)
	}
	for s := range codes[:len(uses)] {
		if n := codes[s].n; n > 0 {
			codes[s].bits = bits.Reverse16(next[n]) >> (16 - n)
			next[n]++
		}
	}
}

// depths returns how deep each leaf is in the Huffman tree of sorted, the rarest
// first. There are at least two.
func (c *coder) depths(sorted []uint32, symbolBits uint) []uint32 {
	// Moffat and Katajainen's way, in place: tree[i] is a weight, then the
	// parent's index, then a depth.
	n := len(sorted)
	tree := c.internal[:n]
	for i, v := range sorted {
		tree[i] = v >> symbolBits
	}
	leaf, root := 0, 0
	for next := range n - 1 {
		var sum uint32
		for range 2 {
			if leaf >= n || root < next && tree[root] < tree[leaf] {
				sum += tree[root]
				tree[root] = uint32(next)
				root++
			} else {
				sum += tree[leaf]
				leaf++
			}
		}
		tree[next] = sum
	}
	tree[n-2] = 0
	for i := n - 3; i >= 0; i-- {
		tree[i] = tree[tree[i]] + 1
	}
	// tree[:n-1] has the depths of the inner nodes, the deepest first; each
	// level's nodes that are not inner ones are leaves.
	free, depth := 1, uint32(0)
	inner, at := n-2, n-1
	for free > 0 {
		used := 0
		for inner >= 0 && tree[inner] == depth {
			used++
			inner--
		}
		for ; free > used; free-- {
			tree[at] = depth
			at--
		}
		free = 2 * used
		depth++
	}
	return tree
}

// shorten makes a complete code of count, by length, in which the longest may be
// too many.
func shorten(count []uint16) {
	limit := len(count) - 1
	total := 0
	for n := 1; n <= limit; n++ {
		total += int(count[n]) << (limit - n)
	}
	for ; total > 1<<limit; total-- {
		// One of the longest moves up beside a shorter one, which goes down.
		n := limit - 1
		for count[n] == 0 {
			n--
		}
		count[n]--
		count[n+1] += 2
		count[limit]--
	}
}

// prepare makes the codes of a block, and returns how many bits its header and
// its symbols take, without the extra bits.
func (c *coder) prepare(litUses, distUses []uint32) int {
	c.makeCodes(c.lit[:], litUses, maxCodeLen)
	c.makeCodes(c.dist[:], distUses, maxCodeLen)
	c.nlit, c.ndist = litSymbols, distSymbols
	for c.nlit > 257 && c.lit[c.nlit-1].n == 0 {
		c.nlit--
	}
	for c.ndist > 1 && c.dist[c.ndist-1].n == 0 {
		c.ndist--
	}
	c.findRuns()
	c.makeCodes(c.lens[:], c.runUses[:], 7)
	c.nlens = lenSymbols
	for c.nlens > 4 && c.lens[lenOrder[c.nlens-1]].n == 0 {
		c.nlens--
	}
	size := 5 + 5 + 4 + 3*c.nlens
	for s, n := range c.runUses {
		size += int(n) * int(uint(c.lens[s].n)+runExtra[s])
	}
	for s, n := range litUses {
		size += int(n) * int(c.lit[s].n)
	}
	for s, n := range distUses {
		size += int(n) * int(c.dist[s].n)
	}
	return size
}

// findRuns writes the code lengths as runs. Those of literals and of distances
// are one sequence.
func (c *coder) findRuns() {
	c.nruns = 0
	clear(c.runUses[:])
	length := func(i int) uint8 {
		if i < c.nlit {
			return c.lit[i].n
		}
		return c.dist[i-c.nlit].n
	}
	all := c.nlit + c.ndist
	for i := 0; i < all; {
		n := length(i)
		same := 1
		for i+same < all && length(i+same) == n {
			same++
		}
		i += same
		if n != 0 {
			c.addRun(n, 0)
			same--
		}
		for same >= 3 {
			switch {
			case n != 0:
				k := min(same, 6)
				c.addRun(repeatLast, uint8(k-3))
				same -= k
			case same <= 10:
				c.addRun(repeatZero, uint8(same-3))
				same = 0
			default:
				k := min(same, 138)
				c.addRun(repeatZeros, uint8(k-11))
				same -= k
			}
		}
		for range same {
			c.addRun(n, 0)
		}
	}
}

func (c *coder) addRun(symbol, extra uint8) {
	c.runs[c.nruns] = run{symbol, extra}
	c.nruns++
	c.runUses[symbol]++
}
