package poolcheck

import (
	"testing"
	"unsafe"
)

func TestKindsHaveNames(t *testing.T) {
	for k := range kinds {
		if kindNames[k] == "" || k.String() != kindNames[k] {
			t.Errorf("kind %d has no name", k)
		}
	}
	if s := kinds.String(); s != "Kind(7)" {
		t.Errorf("got %q for an invalid kind", s)
	}
}

// Without the race detector, a Mark takes no space.
func TestMarkTakesNoRoom(t *testing.T) {
	if n := unsafe.Sizeof(Mark{}); !On && n != 0 {
		t.Errorf("a mark takes %d bytes", n)
	}
}
