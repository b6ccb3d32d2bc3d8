package nettest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// timeout bounds one test.
const timeout = 60 * time.Second

// TestHTTP runs the client and server of package net/http over NetConn: they interrupt
// reads by deadlines, and TLS detects every wrong byte.
func TestHTTP(t *testing.T) {
	for _, protocol := range []struct {
		name  string
		start func(*httptest.Server)
		url   string // with a name in the certificate
		major int
	}{
		{"http", (*httptest.Server).Start, "http://example.com", 1},
		{"https", (*httptest.Server).StartTLS, "https://example.com", 1},
		{"h2", func(srv *httptest.Server) {
			srv.EnableHTTP2 = true
			srv.StartTLS()
		}, "https://example.com", 2},
	} {
		for _, c := range compressions {
			t.Run(protocol.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				tn := newTunnel(t, networks[0], c.mode)
				defer tn.stop()
				srv := httptest.NewUnstartedServer(http.HandlerFunc(echoBody))
				srv.Listener.Close()
				srv.Listener = tn.accepted
				protocol.start(srv)
				defer srv.Close()

				client := srv.Client()
				client.Timeout = timeout
				client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
					return tn.dial(ctx)
				}
				testEchoBody(t, client, protocol.url, protocol.major)
			})
		}
	}
}

// echoBody echoes the request's body as it arrives.
func echoBody(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	if err := rc.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	rc.Flush()
	io.Copy(w, r.Body)
}

// testEchoBody makes requests repeatedly, several concurrently.
func testEchoBody(t *testing.T, client *http.Client, url string, major int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range 4 {
		wg.Go(func() {
			for j := range 4 {
				want := noise(byte(i), 1+j*100_000)
				resp, err := client.Post(url, "application/octet-stream", bytes.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %d bytes and %v, want %d that were sent", len(got), err, len(want))
				}
				if resp.ProtoMajor != major {
					t.Errorf("got %s, want HTTP/%d", resp.Proto, major)
				}
			}
		})
	}
}

// noise returns n bytes determined by the seed.
func noise(seed byte, n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(p)
	return p
}
