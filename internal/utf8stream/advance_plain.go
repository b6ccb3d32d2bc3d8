//go:build (!amd64 && !arm64) || purego

package utf8stream

// advanceLong returns the state after p.
func advanceLong(s state, p []byte) state {
	return advanceGeneric(s, p)
}
