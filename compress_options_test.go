//go:build !js

package websocket_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// What a server with CompressionWindowBits answers.
func TestAcceptWindowBits(t *testing.T) {
	for _, test := range []struct {
		bits        int
		offer, want string
	}{
		{9, pmd, pmd + "; server_max_window_bits=9"},
		{9, pmd + "; client_max_window_bits", pmd + "; server_max_window_bits=9; client_max_window_bits=9"},
		{15, pmd + "; client_max_window_bits", pmd + "; client_max_window_bits=15"},
		{11, pmd + "; client_max_window_bits=10; server_max_window_bits=12", pmd + "; server_max_window_bits=11; client_max_window_bits=10"},
		{11, pmd + "; server_max_window_bits=10", pmd + "; server_max_window_bits=10"},
	} {
		t.Run(fmt.Sprint(test.bits, test.offer), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
					return websocket.Accept(w, r, &websocket.AcceptOptions{
						CompressionMode:       websocket.CompressionContextTakeover,
						CompressionWindowBits: test.bits,
					})
				}, &rawpeer.ClientOptions{Header: conntest.ExtensionLines([]string{test.offer})})
				defer c.CloseNow()
				if got := p.Response.Header["Sec-Websocket-Extensions"]; len(got) != 1 || !sameExtension(got[0], test.want) {
					t.Errorf("got the answer %q, want %q", got, test.want)
				}
			})
		})
	}
}

// What a client with CompressionWindowBits offers: behind windows below 15 bits an
// offer without any, for servers that decline the first one.
func TestDialWindowBits(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	for _, test := range []struct {
		mode websocket.CompressionMode
		bits int
		want []string
	}{
		{takeover, 0, []string{pmd + "; client_max_window_bits"}},
		{takeover, 15, []string{pmd + "; server_max_window_bits=15; client_max_window_bits=15"}},
		{takeover, 14, []string{pmd + "; server_max_window_bits=14; client_max_window_bits=14", pmd}},
		{takeover, 9, []string{pmd + "; server_max_window_bits=9; client_max_window_bits=9", pmd}},
		{noTakeover, 9, []string{pmd + snct + cnct + "; server_max_window_bits=9; client_max_window_bits=9", pmd + snct + cnct}},
	} {
		t.Run(fmt.Sprint(test.mode, test.bits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					CompressionMode: test.mode, CompressionWindowBits: test.bits,
				})
				got := strings.Split(strings.Join(p.Request.Header["Sec-Websocket-Extensions"], ","), ",")
				if !slices.EqualFunc(got, test.want, sameExtension) {
					t.Errorf("got the offers %q, want %q", got, test.want)
				}
				// A server that takes none of the windows.
				p.Answer(&rawpeer.ServerOptions{Header: conntest.ExtensionLines([]string{pmd + snct + cnct})})
				conntest.WantCompresses(t, call.Want().Conn, p, true)
			})
		})
	}
}

// Options that are out of range make Accept and Dial fail.
func TestCompressionOutOfRange(t *testing.T) {
	for _, test := range []struct {
		level, bits int
		mode        websocket.CompressionMode
	}{{-1, 0, 0}, {10, 0, 0}, {0, -1, 0}, {0, 7, 0}, {0, 16, 0}, {0, 0, -1}, {0, 0, 3}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			_, resp, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", &websocket.DialOptions{
				CompressionLevel: test.level, CompressionWindowBits: test.bits, CompressionMode: test.mode,
			})
			if err == nil || resp != nil {
				t.Errorf("Dial: got %v, %v", resp, err)
			}
			w := &hijacked{header: http.Header{}, conn: &loop{}}
			rec := &refusing{hijacked: w}
			if _, err := websocket.Accept(rec, conntest.Request(), &websocket.AcceptOptions{
				CompressionLevel: test.level, CompressionWindowBits: test.bits, CompressionMode: test.mode,
			}); err == nil || rec.status != http.StatusInternalServerError {
				t.Errorf("Accept: got status %d, error %v", rec.status, err)
			}
		})
	}
}

// refusing notes the status.
type refusing struct {
	*hijacked
	status int
}

func (r *refusing) WriteHeader(status int)      { r.status = status }
func (r *refusing) Write(p []byte) (int, error) { return len(p), nil }

// The level says how small messages get.
func TestCompressionLevel(t *testing.T) {
	size := func(level int) (n int) {
		synctest.Test(t, func(t *testing.T) {
			c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
				return websocket.Accept(w, r, &websocket.AcceptOptions{
					CompressionMode:  websocket.CompressionContextTakeover,
					CompressionLevel: level,
				})
			}, &rawpeer.ClientOptions{Header: conntest.ExtensionLines([]string{pmd})})
			defer c.CloseNow()
			text := ""
			for i := range 2000 {
				text += fmt.Sprintf(`{"id":%d,"square":%d},`, i*7919%10_000, i*i)
			}
			write := goWrite(t, c, text)
			n = len(p.WantFrame().Payload)
			write.Want()
		})
		return n
	}
	if one, nine := size(1), size(9); one <= nine {
		t.Errorf("level 1 makes %d bytes, level 9 %d", one, nine)
	}
	if zero, one := size(0), size(1); zero != one {
		t.Errorf("the default makes %d bytes, level 1 %d", zero, one)
	}
}
