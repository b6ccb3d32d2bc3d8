package interop

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	// timeout bounds one exchange; the longest takes a fraction of a second.
	timeout = 60 * time.Second
	// installTimeout bounds the installation of a peer.
	installTimeout = 3 * time.Minute
)

// compression is a configuration of both sides, with the agreement that it must lead
// to.
type compression struct {
	name   string
	ours   websocket.CompressionMode
	bits   int    // CompressionWindowBits
	not    string // a peer that does not support it
	peer   settings
	agreed agreement
}

// agreement is the outcome of a negotiation (RFC 7692 section 7.1).
type agreement struct {
	deflate                        bool
	serverTakeover, clientTakeover bool
	windowBits                     int // of the server; 0 for the default of the RFC, 15
}

var compressions = []compression{
	{
		name: "none",
	}, {
		name: "declined by us",
		peer: settings{Deflate: true, ServerNoTakeover: true, ClientNoTakeover: true},
	}, {
		name: "declined by the peer",
		ours: websocket.CompressionContextTakeover,
	}, {
		name:   "takeover",
		ours:   websocket.CompressionContextTakeover,
		peer:   settings{Deflate: true},
		agreed: agreement{deflate: true, serverTakeover: true, clientTakeover: true},
	}, {
		name:   "no takeover",
		ours:   websocket.CompressionNoContextTakeover,
		peer:   settings{Deflate: true},
		agreed: agreement{deflate: true},
	}, {
		name:   "no takeover by the peer",
		ours:   websocket.CompressionContextTakeover,
		peer:   settings{Deflate: true, ServerNoTakeover: true, ClientNoTakeover: true},
		agreed: agreement{deflate: true},
	}, {
		name:   "no takeover by both",
		ours:   websocket.CompressionNoContextTakeover,
		peer:   settings{Deflate: true, ServerNoTakeover: true, ClientNoTakeover: true},
		agreed: agreement{deflate: true},
	}, {
		name:   "takeover of the client",
		ours:   websocket.CompressionContextTakeover,
		peer:   settings{Deflate: true, ServerNoTakeover: true},
		agreed: agreement{deflate: true, clientTakeover: true},
	}, {
		name:   "takeover of the server",
		ours:   websocket.CompressionContextTakeover,
		peer:   settings{Deflate: true, ClientNoTakeover: true},
		agreed: agreement{deflate: true, serverTakeover: true},
	}, {
		name:   "small window",
		ours:   websocket.CompressionContextTakeover,
		peer:   settings{Deflate: true, WindowBits: 10},
		agreed: agreement{deflate: true, serverTakeover: true, clientTakeover: true, windowBits: 10},
	},
	requestedWindow(8), requestedWindow(9), requestedWindow(12),
}

// requestedWindow returns a configuration that limits the windows of both directions.
// docs/compression.md says which peers comply.
func requestedWindow(bits int) compression {
	not := ""
	if bits == 8 {
		not = pythonPeer.name // zlib, which it uses, does not support such a window: status 500
	}
	return compression{
		not:    not,
		name:   fmt.Sprintf("window of %d bits requested", bits),
		ours:   websocket.CompressionContextTakeover,
		bits:   bits,
		peer:   settings{Deflate: true},
		agreed: agreement{deflate: true, serverTakeover: true, clientTakeover: true, windowBits: bits},
	}
}

// TestInterop runs each exchange with each peer, in each role and with each
// compression.
func TestInterop(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
			defer cancel()
			if err := p.install(ctx); err != nil {
				t.Fatal(err)
			}
			for _, role := range roles {
				t.Run(role.name, func(t *testing.T) {
					for _, c := range compressions {
						if p.can(c.peer) && c.not != p.name {
							t.Run(c.name, func(t *testing.T) {
								t.Parallel()
								testExchanges(t, p, role.connect(t, p, c), c.agreed)
							})
						}
					}
				})
			}
		})
	}
}

// testExchanges runs all exchanges with a peer, each on its own connection.
func testExchanges(t *testing.T, p peer, connect connector, agreed agreement) {
	for _, e := range exchanges {
		if e.not == p.name {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			s := connect(ctx, t, e)
			s.agreed = agreed
			e.run(t, s)
			if e.code == 0 {
				e.code, e.reason = websocket.StatusNormalClosure, "done"
				if err := s.conn.Close(e.code, e.reason); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			check(t, s, e)
		})
	}
}

// check compares the peer's report with the agreement.
func check(t *testing.T, s *session, e exchange) {
	t.Helper()
	r, err := s.report(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Error != "" {
		t.Errorf("the peer failed: %s", r.Error)
	}
	if got := websocket.StatusCode(r.Code); got != e.code || r.Reason != e.reason {
		t.Errorf("the peer got %v %q, want %v %q", got, r.Reason, e.code, e.reason)
	}
	want := ""
	if len(e.subprotocols) > 0 {
		want = "interop"
	}
	if got := s.conn.Subprotocol(); got != want || r.Subprotocol != want {
		t.Errorf("subprotocols are %q here and %q there, want %q", got, r.Subprotocol, want)
	}
	if got := parseAgreement(t, r.Extensions); got != s.agreed {
		t.Errorf("agreed on %+v with %q, want %+v", got, r.Extensions, s.agreed)
	}
}

// parseAgreement reads a server's Sec-WebSocket-Extensions.
func parseAgreement(t *testing.T, header string) agreement {
	t.Helper()
	if header == "" {
		return agreement{}
	}
	a := agreement{serverTakeover: true, clientTakeover: true}
	for i, param := range strings.Split(header, ";") {
		switch param := strings.TrimSpace(param); {
		case i == 0 && param == "permessage-deflate":
			a.deflate = true
		case param == "server_no_context_takeover":
			a.serverTakeover = false
		case param == "client_no_context_takeover":
			a.clientTakeover = false
		case strings.HasPrefix(param, "server_max_window_bits="):
			bits, err := strconv.Atoi(strings.TrimPrefix(param, "server_max_window_bits="))
			if err != nil {
				t.Error(err)
			}
			a.windowBits = bits
		case strings.HasPrefix(param, "client_max_window_bits="):
			// A server may omit this parameter, or send it unrequested.
		default:
			t.Errorf("unexpected %q in %q", param, header)
		}
	}
	return a
}
