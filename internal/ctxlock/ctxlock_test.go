package ctxlock

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// startLock starts a goroutine that locks m, and returns when it waits. then is called
// with the result of Lock.
func startLock(m *Mutex, ctx context.Context, done <-chan struct{}, then func(error)) {
	go func() { then(m.Lock(ctx, done)) }()
	synctest.Wait()
}

func mustTryLock(t *testing.T, m *Mutex) {
	t.Helper()
	if !m.TryLock() {
		t.Fatal("the lock is held, want it free")
	}
}

func TestUncontended(t *testing.T) {
	var m Mutex
	mustTryLock(t, &m)
	if m.TryLock() {
		t.Fatal("the lock was acquired twice")
	}
	if !m.Held() {
		t.Error("a held lock is not reported as held")
	}
	m.Unlock()
	if m.Held() {
		t.Error("a free lock is reported as held")
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Lock(ended, nil); err != nil {
		t.Errorf("got %v from a free lock", err)
	}
	m.Unlock()

	if n := testing.AllocsPerRun(100, func() {
		m.Lock(ended, nil)
		m.Unlock()
	}); n != 0 {
		t.Errorf("%v allocations of a lock that is free", n)
	}
}

func TestUnlockOfUnlocked(t *testing.T) {
	for _, test := range []struct {
		name string
		use  func(m *Mutex)
	}{
		{"never locked", func(*Mutex) {}},
		{"unlocked twice", func(m *Mutex) { m.TryLock(); m.Unlock() }},
		{"after a waiter", func(m *Mutex) {
			m.TryLock()
			w := m.Enqueue()
			m.Unlock()
			m.Wait(context.Background(), nil, w)
			m.Unlock()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m Mutex
			test.use(&m)
			defer func() {
				if recover() == nil {
					t.Error("unlock of an unlocked mutex did not panic")
				}
			}()
			m.Unlock()
		})
	}
}

func TestTryUnlockLeavesWaiters(t *testing.T) {
	var m Mutex
	mustTryLock(t, &m)
	w := m.Enqueue()
	if m.TryUnlock() {
		t.Fatal("the lock was freed although a goroutine waits")
	}
	m.Unlock()
	if err := m.Wait(t.Context(), nil, w); err != nil {
		t.Fatal(err)
	}
	if !m.TryUnlock() {
		t.Fatal("the lock was not freed")
	}
}

func TestFirstInFirstOut(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const waiters = 2*maxSpares + 1
			var m Mutex
			var got, want []int
			mustTryLock(t, &m)
			for i := range waiters {
				want = append(want, i)
				startLock(&m, t.Context(), nil, func(err error) {
					if err != nil {
						t.Error(err)
					}
					got = append(got, i) // guarded by m
					m.Unlock()
				})
			}
			if m.TryLock() {
				t.Fatal("the lock was acquired ahead of its waiters")
			}
			m.Unlock()
			synctest.Wait()
			if !slices.Equal(got, want) {
				t.Errorf("acquired in the order %v", got)
			}
			if n := m.queue.Load().spares; n > maxSpares {
				t.Errorf("the lock keeps %d waiters, want at most %d", n, maxSpares)
			}
			mustTryLock(t, &m)
		})
	})
}

// The other waiters get the lock in order, whichever of them give up.
func TestContextEndsTheWait(t *testing.T) {
	for _, test := range []struct {
		name   string
		leaves []int
		want   []int
	}{
		{"first", []int{0}, []int{1, 2}},
		{"middle", []int{1}, []int{0, 2}},
		{"last", []int{2}, []int{0, 1}},
		{"two", []int{2, 0}, []int{1}},
		{"all", []int{1, 0, 2}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m Mutex
				var got []int
				left := 0
				cancels := make([]context.CancelFunc, 3)
				mustTryLock(t, &m)
				for i := range cancels {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					cancels[i] = cancel
					startLock(&m, ctx, nil, func(err error) {
						switch err {
						case nil:
							got = append(got, i)
							m.Unlock()
						case context.Canceled:
							left++
						default:
							t.Error(err)
						}
					})
				}
				for _, i := range test.leaves {
					cancels[i]()
					synctest.Wait()
				}
				if left != len(test.leaves) {
					t.Fatalf("%d gave up, want %d", left, len(test.leaves))
				}
				m.Unlock()
				synctest.Wait()
				if !slices.Equal(got, test.want) {
					t.Errorf("acquired in the order %v, want %v", got, test.want)
				}
				mustTryLock(t, &m)
			})
		})
	}
}

func TestDoneEndsTheWait(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var m Mutex
			done := make(chan struct{})
			var got error
			mustTryLock(t, &m)
			startLock(&m, t.Context(), done, func(err error) { got = err })
			close(done)
			synctest.Wait()
			if got != ErrDone {
				t.Fatalf("got %v, want ErrDone", got)
			}
			m.Unlock()
			mustTryLock(t, &m)
		})
	})
}

// A waiter that gives up after it was handed the lock has acquired it. Otherwise the
// lock would be lost.
func TestHandOffWhileAbandoned(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		var m Mutex
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		gaveUp := 0
		for range 100 { // select chooses randomly
			mustTryLock(t, &m)
			w := m.Enqueue()
			m.Unlock()
			if err := m.Wait(ended, nil, w); err != nil {
				gaveUp++
			}
			if m.TryLock() {
				t.Fatal("the lock is free, and should be the waiter's")
			}
			m.Unlock()
		}
		if gaveUp > 0 {
			t.Errorf("%d of 100 gave up a lock that was handed to them", gaveUp)
		}
	})
	t.Run("at once", func(t *testing.T) {
		taken := 0
		for range 2000 {
			synctest.Test(t, func(t *testing.T) {
				var m Mutex
				ctx, cancel := context.WithCancel(t.Context())
				mustTryLock(t, &m)
				startLock(&m, ctx, nil, func(err error) {
					if err == nil {
						taken++
						m.Unlock()
					}
				})
				cancel()
				m.Unlock()
				synctest.Wait()
				mustTryLock(t, &m)
			})
		}
		if taken == 0 {
			t.Error("it never happened at the same moment")
		}
	})
}

// Only Unlock publishes the version, whether it frees the lock or hands it over.
func TestPublishedVersion(t *testing.T) {
	var m Mutex
	want := func(when string, want uint64) {
		t.Helper()
		if got := m.Published(); got != want {
			t.Errorf("%s: version %d is published, want %d", when, got, want)
		}
	}
	mustTryLock(t, &m)
	m.Advance()
	want("while it is held", 0)
	m.Unlock()
	want("after Unlock", 1)
	mustTryLock(t, &m)
	want("when it is held again", 1)
	w := m.Enqueue()
	m.Advance()
	m.Unlock()
	want("when it was handed over", 2)
	if err := m.Wait(t.Context(), nil, w); err != nil {
		t.Fatal(err)
	}
	if got := m.Version(); got != 2 {
		t.Errorf("the next holder has version %d, want 2", got)
	}
	m.Unlock()
	want("in the end", 2)
}

func TestTryLockAt(t *testing.T) {
	var m Mutex
	if m.TryLockAt(1) {
		t.Fatal("acquired at a version that is not published")
	}
	if !m.TryLockAt(0) {
		t.Fatal("not acquired at the published version")
	}
	m.Advance()
	if m.TryLockAt(0) || m.TryLockAt(1) {
		t.Fatal("acquired while it is held")
	}
	m.Unlock()
	if m.TryLockAt(0) {
		t.Fatal("acquired at a version of the past")
	}
	if !m.TryLockAt(1) {
		t.Fatal("not acquired at the new version")
	}
	m.Unlock()
}

// Many goroutines lock concurrently, half of which may give up at any moment: one at a
// time holds the lock, and it is free at the end.
func TestStress(t *testing.T) {
	const goroutines, rounds = 16, 1000
	var m Mutex
	inside, entered := 0, 0 // guarded by m
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range rounds {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					go cancel()
				}
				if m.Lock(ctx, nil) == nil {
					if inside++; inside != 1 {
						t.Error("two goroutines hold the lock")
					}
					entered++
					m.Advance()
					runtime.Gosched() // lets others start to wait
					inside--
					m.Unlock()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	mustTryLock(t, &m)
	if entered < goroutines/2*rounds {
		t.Errorf("acquired %d times, want at least the %d of those that did not give up", entered, goroutines/2*rounds)
	}
	if m.Version() != uint64(entered) {
		t.Errorf("version %d after %d changes", m.Version(), entered)
	}
	if q := m.queue.Load(); q.head != nil || q.tail != nil || q.spares > maxSpares {
		t.Errorf("the queue is left with %+v", q)
	}
}

func BenchmarkUncontended(b *testing.B) {
	var m Mutex
	ctx := b.Context()
	for b.Loop() {
		m.Lock(ctx, nil)
		m.Unlock()
	}
}
