package main

import (
	"maps"
	"slices"
)

// graph is a directed graph: for each node, the nodes that it refers to.
type graph map[string]map[string]bool

// add adds an edge, unless both ends are the same.
func (g graph) add(from, to string) {
	if from == to {
		return
	}
	if g[from] == nil {
		g[from] = map[string]bool{}
	}
	g[from][to] = true
}

// reach returns start and all nodes reachable from it.
func (g graph) reach(start string) map[string]bool {
	found := map[string]bool{start: true}
	for last := found; len(last) > 0; {
		next := map[string]bool{}
		for n := range last {
			for m := range g[n] {
				if !found[m] {
					next[m] = true
				}
			}
		}
		maps.Copy(found, next)
		last = next
	}
	return found
}

// rings returns for each node the nodes of its ring in order: those that it reaches and
// that reach it, including itself.
func (g graph) rings() map[string][]string {
	reach := map[string]map[string]bool{}
	for n, to := range g {
		reach[n] = g.reach(n)
		for m := range to {
			reach[m] = g.reach(m)
		}
	}
	rings := map[string][]string{}
	for n := range reach {
		for m := range reach[n] {
			if reach[m][n] {
				rings[n] = append(rings[n], m)
			}
		}
		slices.Sort(rings[n])
	}
	return rings
}

// largestRing returns the largest ring of more than one node, or nil.
func (g graph) largestRing() (ring []string) {
	rings := g.rings()
	for _, n := range slices.Sorted(maps.Keys(rings)) {
		if r := rings[n]; len(r) > 1 && len(r) > len(ring) {
			ring = r
		}
	}
	return ring
}

// longestPath returns the longest path from start without repeated nodes. It contains
// all nodes of a ring, even if no path visits them all.
func (g graph) longestPath(start string) []string {
	rings := g.rings()
	if rings[start] == nil {
		return []string{start}
	}
	known := map[string][]string{} // by the first node of a ring
	var from func(ring []string) []string
	from = func(ring []string) []string {
		if path := known[ring[0]]; path != nil {
			return path
		}
		var rest []string
		for _, n := range ring {
			for _, m := range slices.Sorted(maps.Keys(g[n])) {
				if next := rings[m]; next[0] != ring[0] {
					if path := from(next); len(path) > len(rest) {
						rest = path
					}
				}
			}
		}
		path := slices.Concat(ring, rest)
		known[ring[0]] = path
		return path
	}
	return from(rings[start])
}
