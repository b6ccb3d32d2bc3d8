//go:build !js

package websocket_test

import (
	"context"
	"crypto/fips140"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// TestHandshakeFIPS: both ends of a handshake work where GODEBUG=fips140=only lets
// SHA-1 panic, as it does in a test process of its own.
func TestHandshakeFIPS(t *testing.T) {
	const setting = "fips140=only"
	if os.Getenv("GODEBUG") != setting {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHandshakeFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+setting)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestHandshakeFIPS") {
			t.Fatalf("with GODEBUG=%s: %v\n%s", setting, err, out)
		}
		return
	}
	if !fips140.Enforced() {
		t.Fatal("nothing is enforced")
	}
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(wrap(w), r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.Write(context.Background(), websocket.MessageText, []byte("hello"))
				c.Close(websocket.StatusNormalClosure, "")
			}))
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{DialContext: new(net.Dialer).DialContext}}
			c, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: client})
			conntest.WantNoError(t, err)
			defer c.CloseNow()
			conntest.WantText(t, c, "hello")
			conntest.WantClosed(t, conntest.ReadErr(t.Context(), c), websocket.StatusNormalClosure)
		})
	}
}
