//go:build !js

package websocket_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// sameExtension reports whether two elements of a Sec-WebSocket-Extensions header are
// equal, except for the order of parameters.
func sameExtension(a, b string) bool {
	split := func(s string) []string {
		parts := strings.Split(s, ";")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		slices.Sort(parts)
		return parts
	}
	return slices.Equal(split(a), split(b))
}

const (
	pmd  = "permessage-deflate"
	snct = "; server_no_context_takeover"
	cnct = "; client_no_context_takeover"
)

// The responses of a server to offers (RFC 7692 section 7.1). If no offer is
// acceptable, the connection is not compressed.
func TestAcceptDeflate(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	for _, test := range []struct {
		mode   websocket.CompressionMode
		offers []string // header lines
		want   string
	}{
		{takeover, nil, ""},
		{takeover, []string{pmd}, pmd},
		{takeover, []string{pmd + snct}, pmd + snct},
		{takeover, []string{pmd + cnct}, pmd + cnct},
		{takeover, []string{pmd + snct + cnct}, pmd + snct + cnct},
		{takeover, []string{pmd + "; client_max_window_bits"}, pmd}, // nothing is requested
		{takeover, []string{pmd + "; client_max_window_bits=8"}, pmd + "; client_max_window_bits=8"},
		{takeover, []string{pmd + "; client_max_window_bits=15"}, pmd},
		{takeover, []string{pmd + "; server_max_window_bits=8"}, pmd + "; server_max_window_bits=8"},
		{takeover, []string{pmd + "; server_max_window_bits=15"}, pmd + "; server_max_window_bits=15"},
		{takeover, []string{pmd + `; server_max_window_bits="10"`}, pmd + "; server_max_window_bits=10"},
		{takeover, []string{pmd + `; server_max_window_bits="1\0"`}, pmd + "; server_max_window_bits=10"},
		{takeover, []string{pmd + ` ;  server_max_window_bits =	10  ;client_max_window_bits`}, pmd + "; server_max_window_bits=10"},
		{takeover, []string{pmd + snct + cnct + "; server_max_window_bits=9; client_max_window_bits=9"}, pmd + snct + cnct + "; server_max_window_bits=9"},

		// Several offers.
		{takeover, []string{pmd + snct + ", " + pmd}, pmd + snct},
		{takeover, []string{pmd, pmd + snct}, pmd},
		{takeover, []string{pmd + "; server_max_window_bits=7, " + pmd + cnct + ", " + pmd}, pmd + cnct},
		{takeover, []string{pmd + "; unknown", pmd + snct}, pmd + snct},
		{takeover, []string{"x-webkit-deflate-frame, ,other; a=b", pmd}, pmd},

		{noTakeover, nil, ""},
		{noTakeover, []string{pmd}, pmd + snct + cnct},
		{noTakeover, []string{pmd + snct + cnct}, pmd + snct + cnct},
		{noTakeover, []string{pmd + "; server_max_window_bits=12"}, pmd + snct + cnct + "; server_max_window_bits=12"},

		{websocket.CompressionDisabled, []string{pmd}, ""},

		// Not acceptable.
		{takeover, []string{"permessage-bzip2"}, ""},
		{takeover, []string{pmd + "; unknown"}, ""},
		{takeover, []string{pmd + "; unknown=1"}, ""},
		{takeover, []string{pmd + snct + snct}, ""},
		{takeover, []string{pmd + cnct + snct + cnct}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=10; server_max_window_bits=10"}, ""},
		{takeover, []string{pmd + "; client_max_window_bits; client_max_window_bits"}, ""},
		{takeover, []string{pmd + snct + "=1"}, ""},
		{takeover, []string{pmd + cnct + "=true"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=7"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=16"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=08"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=+9"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits=x"}, ""},
		{takeover, []string{pmd + "; client_max_window_bits=7"}, ""},
		{takeover, []string{pmd + "; client_max_window_bits=16"}, ""},
		{takeover, []string{pmd + "; client_max_window_bits=0"}, ""},

		// Not well-formed.
		{takeover, []string{pmd + ";"}, ""},
		{takeover, []string{pmd + "; server_max_window_bits="}, ""},
		{takeover, []string{pmd + `; server_max_window_bits="10`}, ""},
		{takeover, []string{pmd + `; server_max_window_bits=""`}, ""},
		{takeover, []string{pmd + " " + pmd}, ""},
	} {
		t.Run(fmt.Sprint(test.mode, strings.Join(test.offers, "|")), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.AcceptedWith(t, test.mode, 0, test.offers...)
				defer c.CloseNow()
				got := p.Response.Header.Values("Sec-WebSocket-Extensions")
				if test.want == "" {
					if len(got) != 0 {
						t.Fatalf("got the answer %q, want none", got)
					}
				} else if len(got) != 1 || !sameExtension(got[0], test.want) {
					t.Fatalf("got the answer %q, want %q", got, test.want)
				}
				conntest.WantCompresses(t, c, p, test.want != "")
			})
		})
	}
}

// The offer of a client, and the responses that it accepts (RFC 7692 section 7.1).
func TestDialDeflate(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	offers := map[websocket.CompressionMode]string{
		takeover:   pmd + "; client_max_window_bits",
		noTakeover: pmd + snct + cnct + "; client_max_window_bits",
	}
	const (
		fails = iota
		plain
		compresses
	)
	for _, test := range []struct {
		mode    websocket.CompressionMode
		answers []string // header lines
		want    int
	}{
		{takeover, nil, plain},
		{takeover, []string{pmd}, compresses},
		{takeover, []string{pmd + snct}, compresses},
		{takeover, []string{pmd + cnct}, compresses},
		{takeover, []string{pmd + snct + cnct + "; server_max_window_bits=8; client_max_window_bits=8"}, compresses},
		{takeover, []string{pmd + "; client_max_window_bits=15"}, compresses},
		{takeover, []string{pmd + "; server_max_window_bits=15"}, compresses},
		{takeover, []string{pmd + `; client_max_window_bits="9"`}, compresses},
		{noTakeover, nil, plain},
		{noTakeover, []string{pmd + snct + cnct}, compresses},
		{noTakeover, []string{pmd + snct}, compresses}, // the client's direction is without takeover in any case
		{websocket.CompressionDisabled, nil, plain},

		// Parameters that were not offered.
		{websocket.CompressionDisabled, []string{pmd}, fails},
		{takeover, []string{"permessage-bzip2"}, fails},
		{takeover, []string{pmd + ", permessage-bzip2"}, fails},
		{takeover, []string{pmd, pmd}, fails},
		{takeover, []string{pmd + ", " + pmd}, fails},

		// Bad parameters.
		{takeover, []string{pmd + "; unknown"}, fails},
		{takeover, []string{pmd + snct + snct}, fails},
		{takeover, []string{pmd + cnct + "=1"}, fails},
		{takeover, []string{pmd + snct + "=1"}, fails},
		{takeover, []string{pmd + "; client_max_window_bits"}, fails},
		{takeover, []string{pmd + "; client_max_window_bits=7"}, fails},
		{takeover, []string{pmd + "; client_max_window_bits=16"}, fails},
		{takeover, []string{pmd + "; client_max_window_bits=010"}, fails},
		{takeover, []string{pmd + "; client_max_window_bits=9; client_max_window_bits=9"}, fails},
		{takeover, []string{pmd + "; server_max_window_bits"}, fails},
		{takeover, []string{pmd + "; server_max_window_bits=7"}, fails},
		{takeover, []string{pmd + "; server_max_window_bits=16"}, fails},

		// Not well-formed.
		{takeover, []string{pmd + ";"}, fails},
		{takeover, []string{"; " + pmd}, fails},
		{takeover, []string{pmd + "; client_max_window_bits="}, fails},
		{takeover, []string{pmd + `; client_max_window_bits="9`}, fails},
	} {
		t.Run(fmt.Sprint(test.mode, strings.Join(test.answers, "|")), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, err := conntest.DialedWith(t, test.mode, 0, test.answers...)
				if got := p.Request.Header.Values("Sec-WebSocket-Extensions"); len(got) > 1 || !sameExtension(strings.Join(got, ""), offers[test.mode]) {
					t.Errorf("got the offer %q, want %q", got, offers[test.mode])
				}
				if test.want == fails {
					if err == nil {
						c.CloseNow()
						t.Fatal("the response was accepted")
					}
					p.WantEOF()
					return
				}
				if err != nil {
					t.Fatalf("got error %v", err)
				}
				defer c.CloseNow()
				conntest.WantCompresses(t, c, p, test.want == compresses)
			})
		})
	}
}
