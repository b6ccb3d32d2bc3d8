//go:build !js

package attack

import (
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// badWindowBits are parameter values, with the equals sign, that are invalid in both
// directions. Some are the digit 8 if truncated to fewer bits.
var badWindowBits = []string{
	"=", `=""`, "=0", "=1", "=7", "=16", "=31", "=32", "=64", "=255", "=256", "=264",
	"=-1", "=-8", "=+9", "=08", "=008", "=015", "=8.0", "=1e1", "=0x9", "=0b1001", "=1_0", "=9a", `="9 "`, `=" 9"`,
	"=4294967304", "=18446744073709551624", "=-4294967288",
	"=99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
	"=\u0668", "=\uff18", // 8 in digits of other scripts
}

// Window bits out of range make a decompressor fail, or worse (CVE-2026-2229). Such an
// offer is declined; the connection is not compressed.
func TestAttackWindowBitsOffered(t *testing.T) {
	offers := []string{"server_max_window_bits"}
	for _, name := range []string{"server_max_window_bits", "client_max_window_bits"} {
		for _, value := range badWindowBits {
			offers = append(offers, name+value)
		}
		offers = append(offers, name+"=9; "+name+"=9", name+"=9; "+name, name+"=9; "+name+"=16", "client_no_context_takeover; "+name+"=8; "+name+"=15")
	}
	for _, offer := range offers {
		t.Run(offer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.AcceptedWith(t, websocket.CompressionContextTakeover, 0, pmd+"; "+offer)
				defer c.CloseNow()
				if got := p.Response.Header["Sec-Websocket-Extensions"]; got != nil {
					t.Errorf("answered %q", got)
				}
				conntest.WantCompresses(t, c, p, false)
			})
		})
	}
}

// A response with such window bits fails the handshake.
func TestAttackWindowBitsAnswered(t *testing.T) {
	answers := []string{"server_max_window_bits", "client_max_window_bits"}
	for _, name := range answers[:2] {
		for _, value := range badWindowBits {
			answers = append(answers, name+value)
		}
		answers = append(answers, name+"=9; "+name+"=9", name+"=9; "+name, name+"=15; "+name+"=8")
	}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover} {
		for _, answer := range answers {
			t.Run(answer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p, err := conntest.DialedWith(t, mode, 0, pmd+"; "+answer)
					if err == nil {
						c.CloseNow()
						t.Fatal("the answer was taken")
					}
					p.WantEnd()
				})
			})
		}
	}
}

// A server that accepts the offer with window limits, but answers with a larger window,
// fails the handshake. Without client_max_window_bits it accepts the other offer, which
// does not limit its window.
func TestAttackWindowBitsLargerThanOffered(t *testing.T) {
	const clientBits = "; client_max_window_bits=10"
	for answer, ok := range map[string]bool{
		pmd + "; server_max_window_bits=9" + clientBits:  true,
		pmd + "; server_max_window_bits=10" + clientBits: true,
		pmd + "; server_max_window_bits=11" + clientBits: false,
		pmd + "; server_max_window_bits=15" + clientBits: false,
		pmd + "; server_max_window_bits=10":              true,
		pmd + "; server_max_window_bits=11":              true,
		pmd:                                              true,
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					CompressionMode:       websocket.CompressionContextTakeover,
					CompressionWindowBits: 10,
				})
				p.Answer(&rawpeer.ServerOptions{Header: conntest.ExtensionLines([]string{answer})})
				if _, err := call.Result(); (err == nil) != ok {
					t.Errorf("got error %v, want the answer to be taken: %t", err, ok)
				}
			})
		})
	}
}
