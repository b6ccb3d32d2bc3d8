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

// TestRedirectToTLS expects the handshake to continue over TLS.
func TestRedirectToTLS(t *testing.T) {
	secure, client := newTLSServer(t)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", wsURL(secure.URL))
		w.WriteHeader(http.StatusFound)
	})
	testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{HTTPClient: client}))
}

// TestRedirectFromTLS expects a redirect from TLS to plain text to fail, unless the
// client's CheckRedirect allows it.
func TestRedirectFromTLS(t *testing.T) {
	for _, scheme := range []string{"ws", "http", "WS"} {
		var requests atomic.Int64
		plain := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if got := r.Header.Get("Referer"); got != "" {
				t.Errorf("%s: sent Referer %q in clear", scheme, got)
			}
			echo(w, r)
		})
		secure, client := newTLSServer(t)
		secure.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", scheme+strings.TrimPrefix(plain.URL, "http"))
			w.WriteHeader(http.StatusFound)
		})
		opts := &websocket.DialOptions{HTTPClient: client}
		_, _, err := websocket.Dial(testContext(t), wsURL(secure.URL)+"/?token=secret", opts)
		if n := requests.Load(); err == nil || n != 0 {
			t.Errorf("%s: got %v after %d requests in clear, want an error and none", scheme, err, n)
		}
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		testConn(t, dial(t, wsURL(secure.URL)+"/?token=secret", opts))
		if n := requests.Load(); n != 1 {
			t.Errorf("%s: %d requests in clear, want the one that is allowed", scheme, n)
		}
	}
}

// TestReferer expects the same rule as in net/http, for ws URLs too: Referer is the URL
// before the redirect, without its user information; it does not replace the program's
// own.
func TestReferer(t *testing.T) {
	got := make(chan string, 1)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" {
			got <- r.Header.Get("Referer")
			echo(w, r)
			return
		}
		w.Header().Set("Location", "ws://"+r.Host+"/echo")
		w.WriteHeader(http.StatusFound)
	})
	from := strings.Replace(srv.URL, "http://", "ws://user:password@", 1) + "/?q=1"
	for own, want := range map[string]string{"": srv.URL + "/?q=1", "https://own.test/": "https://own.test/"} {
		header := http.Header{}
		if own != "" {
			header.Set("Referer", own)
		}
		testConn(t, dial(t, from, &websocket.DialOptions{
			HTTPClient: clientOf(t, &http.Transport{}),
			HTTPHeader: header,
		}))
		if got := <-got; got != want {
			t.Errorf("sent Referer %q, want %q", got, want)
		}
	}
}

// TestRedirectLoop expects a redirect loop to end, for http and ws URLs.
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

// TestCheckRedirect expects the client's CheckRedirect to be called.
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
