package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/bhojpur/api/internal/autobahn"
)

// TestStray has misbehaving peers in each role, which fail their case and do not affect
// others.
func TestStray(t *testing.T) {
	panics := func() error { panic("a fault of the peer's") }
	hangs := func() error { select {} }
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"panic", panics, errPanicked},
		{"stuck", hangs, errStuck},
		{"error", func() error { return io.ErrUnexpectedEOF }, io.ErrUnexpectedEOF},
	} {
		p := peer{
			name:  tt.name,
			serve: func(http.ResponseWriter, *http.Request) error { return tt.do() },
			dial:  func(context.Context, string, dialer) error { return tt.do() },
		}
		for _, role := range roles {
			t.Run(tt.name+"/"+string(role), func(t *testing.T) {
				out := play(t, p, role, autobahn.Cases()[0])
				if !errors.Is(out.end, tt.want) || out.Behavior != autobahn.Failed || out.BehaviorClose != autobahn.Failed {
					t.Errorf("got %s, closing %s, and %v, want two failures and %v", out.Behavior, out.BehaviorClose, out.end, tt.want)
				}
			})
		}
	}
}
