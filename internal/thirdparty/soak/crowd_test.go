package main

import (
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
)

// serving runs the server in this process, and returns a function that creates a client
// which leaves soon.
func serving(t *testing.T) func(t *testing.T, seed uint64) *visit {
	t.Helper()
	set := short(t, serverRole, 5)
	s := newServer(set)
	h := httptest.NewUnstartedServer(s.handler())
	h.Config.ReadHeaderTimeout = set.patience()
	h.Start()
	t.Cleanup(h.Close)
	c := newCrowd(set, h.Listener.Addr().String())
	return func(t *testing.T, seed uint64) *visit {
		return &visit{crowd: c, counts: new(counts), ctx: t.Context(), random: rand.New(rand.NewPCG(seed, 0)), until: time.Now()}
	}
}

// Each client ends as intended, for all its random choices. All run concurrently, since
// some take long.
func TestBehaviours(t *testing.T) {
	visit := serving(t)
	var all sync.WaitGroup
	for _, b := range behaviours {
		const several = 6 // choices
		for seed := range uint64(several) {
			all.Go(func() {
				v := visit(t, seed)
				if err := b.do(v); err != nil {
					t.Errorf("%s, seed %d: %v", b.name, seed, err)
				}
				if v.connections.Load() == 0 {
					t.Errorf("%s, seed %d: there was no connection", b.name, seed)
				}
			})
		}
	}
	all.Wait()
	if n := visit(t, 0).open.Load(); n != 0 {
		t.Errorf("%d connections are counted as open", n)
	}
}

func TestProvocations(t *testing.T) {
	visit := serving(t)
	for _, set := range [][]provocation{violations, garbled, oversized} {
		for i, p := range set {
			t.Run(p.name, func(t *testing.T) {
				err := visit(t, uint64(i)).rudely(plainEcho, "", func(r *raw) error { return r.provokes(p) })
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A server that does not detect a violation, or reports another one, is an error.
func TestProvocationExpectsItsCode(t *testing.T) {
	visit := serving(t)
	wrong := violations[0]
	wrong.code = 1007
	if err := visit(t, 1).rudely(plainEcho, "", func(r *raw) error { return r.provokes(wrong) }); err == nil {
		t.Error("no error")
	}
}

func TestChooseBehaviour(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	all, chosen := 0, map[string]int{}
	for _, b := range behaviours {
		all += b.share
	}
	const each = 200
	for range each * all {
		chosen[chooseBehaviour(random).name]++
	}
	for _, b := range behaviours {
		if n, want := chosen[b.name], each*b.share; n < want/2 || n > want*2 {
			t.Errorf("%s was chosen %d times, want about %d", b.name, n, want)
		}
	}
}

func TestCorpus(t *testing.T) {
	c := newCorpus(1)
	random := rand.New(rand.NewPCG(1, 1))
	short, long := 0, 0
	for range 2000 {
		text := c.piece(random, websocket.MessageText, longest)
		if !utf8.Valid(text) || len(text) > longest || len(text) < shortest-2*(utf8.UTFMax-1) {
			t.Fatalf("text of %d bytes: %q", len(text), text)
		}
		switch n := len(c.piece(random, websocket.MessageBinary, longest)); {
		case n < shortest || n > longest:
			t.Fatalf("%d bytes", n)
		case n < 1<<10:
			short++
		case n > 16<<10:
			long++
		}
	}
	if short < 500 || long < 400 {
		t.Errorf("%d messages are short and %d long", short, long)
	}
	if ratio := bombSize / len(c.bomb); ratio < 100 {
		t.Errorf("the bomb is a %dth of its inflated size", ratio)
	}
	for _, test := range []struct{ in, want string }{
		{"abc", "abc"}, {"ß", "ß"}, {"\x9fab", "ab"}, {"ab\xe2\x82", "ab"}, {"\x82ab\xf0\x9f", "ab"}, {"\x82", ""}, {"", ""},
	} {
		if got := string(wholeRunes([]byte(test.in))); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
		}
	}
}

// Clients verify the server's news.
func TestIssues(t *testing.T) {
	c := newCorpus(1)
	for number := range 50 {
		p := issueText(c, number)
		if got, err := checkIssue(c, p); err != nil || got != number {
			t.Errorf("number %d is parsed as %d, %v", number, got, err)
		}
		p[len(p)-1] ^= 1
		if _, err := checkIssue(c, p); err == nil {
			t.Errorf("number %d is not compared", number)
		}
	}
}
