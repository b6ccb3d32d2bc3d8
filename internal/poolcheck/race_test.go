//go:build race

package poolcheck

import "testing"

// thing is a pooled object.
type thing struct {
	mark Mark
	own  [3]int
	mem  []byte
	next *thing
}

func (v *thing) got() { Got(Block, &v.mark, v, v.mem) }
func (v *thing) put() { Put(Block, &v.mark, v, v.mem) }

func newThing() *thing {
	v := &thing{mem: make([]byte, 2*len(poison)+1)}
	v.got()
	return v
}

// mustPanic expects misuse to panic.
func mustPanic(t *testing.T, misuse func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	misuse()
}

func TestUse(t *testing.T) {
	v := newThing()
	for range 3 {
		v.own[1]++
		v.mem[1]++
		v.next = v
		if n := Out()[Block]; n != 1 {
			t.Fatalf("%d are out, want 1", n)
		}
		v.put()
		for i, b := range v.mem {
			if b != poison[0] {
				t.Fatalf("byte %d of freed memory is %#x", i, b)
			}
		}
		if n := len(Out()); n != 0 {
			t.Fatalf("%d kinds are out, want none", n)
		}
		v.got()
	}
	v.put()
}

func TestMisuse(t *testing.T) {
	for _, test := range []struct {
		name   string
		misuse func(v *thing)
	}{
		{"put twice", func(v *thing) { v.put() }},
		{"got twice", func(v *thing) { v.got(); defer v.put(); v.got() }},
		{"first byte written", func(v *thing) { v.mem[0] = 0; v.got() }},
		{"last byte written", func(v *thing) { v.mem[len(v.mem)-1]++; v.got() }},
		{"first field written", func(v *thing) { v.own[0] = 1; v.got() }},
		{"last field written", func(v *thing) { v.next = v; v.got() }},
		{"memory exchanged", func(v *thing) { v.mem = v.mem[1:]; v.got() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newThing()
			v.put()
			mustPanic(t, func() { test.misuse(v) })
			if n := Out()[Block]; n != 0 {
				t.Errorf("%d are out, want none", n)
			}
		})
	}
	t.Run("put of an object that was not taken", func(t *testing.T) {
		mustPanic(t, func() { v := new(thing); Put(Block, &v.mark, v) })
	})
}
