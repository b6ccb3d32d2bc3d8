//go:build !race

package poolcheck

// On says whether pools are watched.
const On = false

// A Mark is the first field of what is pooled.
type Mark struct{}

// Got notes that v, of which m is the first field, was taken from its pool, or made.
func Got[T any](k Kind, m *Mark, v *T, mem ...[]byte) {}

// Put notes that v goes back.
func Put[T any](k Kind, m *Mark, v *T, mem ...[]byte) {}

// Out returns how many of each kind are out, of which there are any.
func Out() map[Kind]int { return nil }
