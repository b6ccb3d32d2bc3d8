package lazy

import (
	"sync"
	"testing"
)

func TestValue(t *testing.T) {
	var v Value[int]
	if v.Peek() != nil {
		t.Error("a value exists before Get")
	}
	var wg sync.WaitGroup
	got := make([]*int, 8)
	for i := range got {
		wg.Go(func() { got[i] = v.Get() })
	}
	wg.Wait()
	for _, p := range got {
		if p == nil || p != v.Peek() {
			t.Fatalf("got %p, want %p", p, v.Peek())
		}
	}
}

func TestSlab(t *testing.T) {
	var s Slab[int]
	seen := map[*int]bool{}
	for range 10 * maxSlab {
		p := s.Next()
		if seen[p] || *p != 0 {
			t.Fatal("got a value twice")
		}
		seen[p] = true
		*p = 1
		if free := cap(s.made) - len(s.made); free >= maxSlab {
			t.Fatalf("%d values wait, want less than %d", free, maxSlab)
		}
	}
}

func TestEvent(t *testing.T) {
	var early, late Event
	done := early.Done()
	for _, e := range []*Event{&early, &late} {
		if e.Happened() {
			t.Error("an event has happened before Note")
		}
		e.Note()
		e.Note()
		if !e.Happened() {
			t.Error("an event has not happened after Note")
		}
		<-e.Done()
	}
	<-done
	if early.Done() != done {
		t.Error("Done returned another channel")
	}

	// Wait and Note concurrently.
	for range 1000 {
		var e Event
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { <-e.Done() })
			wg.Go(e.Note)
		}
		wg.Wait()
	}
}
