//go:build race

package mask

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic fails the test unless misuse panics and leaves no key source out of its pool.
func wantPanic(t *testing.T, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[poolcheck.KeySource]
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if n := poolcheck.Out()[poolcheck.KeySource]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

func TestKeySourceMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		s := takeKeySource()
		s.put()
		wantPanic(t, s.put)
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, func() {
			// The pool drops some of its objects.
			for range 100 {
				s := takeKeySource()
				s.put()
				s.left++
				takeAndPut(10)
				s.left--
			}
		})
	})
}

// takeAndPut takes n sources and puts them back, also if taking one panics.
func takeAndPut(n int) {
	for range n {
		defer takeKeySource().put()
	}
}
