package dialing

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api"
)

func TestRedirect(t *testing.T) {
	for _, status := range []int{
		http.StatusMovedPermanently,
		http.StatusFound,
		http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect,
	} {
		for _, to := range []string{"/echo", "http://HOST/echo", "ws://HOST/echo"} {
			t.Run(fmt.Sprintf("%d to %s", status, to), func(t *testing.T) {
				srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/echo" {
						echo(w, r)
						return
					}
					w.Header().Set("Location", strings.Replace(to, "HOST", r.Host, 1))
					w.WriteHeader(status)
				})
				testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{
					HTTPClient: clientOf(t, &http.Transport{}),
				}))
			})
		}
	}
}

// TestRedirectToTLS wants the handshake to go on over TLS.
func TestRedirectToTLS(t *testing.T) {
	secure, client := newTLSServer(t)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", wsURL(secure.URL))
		w.WriteHeader(http.StatusFound)
	})
	testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{HTTPClient: client}))
}

// TestRedirectLoop wants an end, for plain and WebSocket URLs.
func TestRedirectLoop(t *testing.T) {
	for _, scheme := range []string{"http", "ws"} {
		var requests atomic.Int64
		srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			w.Header().Set("Location", scheme+"://"+r.Host+"/")
			w.WriteHeader(http.StatusFound)
		})
		_, _, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{
			HTTPClient: clientOf(t, &http.Transport{}),
		})
		if err == nil || testContext(t).Err() != nil {
			t.Errorf("%s: got %v, want an error of the loop", scheme, err)
		}
		if n := requests.Load(); n > 20 {
			t.Errorf("%s: %d requests", scheme, n)
		}
	}
}

// TestCheckRedirect wants the client's own rule to be asked.
func TestCheckRedirect(t *testing.T) {
	errNo := errors.New("no")
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/echo", http.StatusFound)
	})
	for _, rule := range []error{errNo, http.ErrUseLastResponse} {
		client := clientOf(t, &http.Transport{})
		client.CheckRedirect = func(r *http.Request, via []*http.Request) error { return rule }
		_, resp, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{HTTPClient: client})
		switch rule {
		case errNo:
			if !errors.Is(err, errNo) {
				t.Errorf("got %v, want the client's error", err)
			}
		case http.ErrUseLastResponse:
			if err == nil || resp == nil || resp.StatusCode != http.StatusFound {
				t.Errorf("got %v and %v, want the redirect and an error", resp, err)
			}
		}
	}
}
