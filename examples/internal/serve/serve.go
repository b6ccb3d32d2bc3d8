package serve

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of a plain HTTP request. None of them reaches into a WebSocket
// connection: taking one over from HTTP clears its deadlines.
const (
	headerTimeout  = 5 * time.Second  // a handshake is one small request
	requestTimeout = 10 * time.Second // and has no body
	answerTimeout  = 30 * time.Second // static files, to a slow phone
	idleTimeout    = time.Minute
)

// grace is how long clients have to say goodbye: someone is waiting for the
// prompt to come back.
const grace = 1500 * time.Millisecond

// Until serves h on ln until ctx ends. Then it takes no more requests, closes
// the connections in conns, and returns nil within two seconds. Any other
// error is what made the listener fail.
func Until(ctx context.Context, ln net.Listener, h http.Handler, conns *Conns) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		if err := srv.Shutdown(ctx); err != nil {
			srv.Close()
		}
	})
	both.Go(func() {
		if err := conns.Shutdown(ctx); err != nil {
			slog.Warn("some clients did not answer the close", "err", err)
		}
	})
	both.Wait()
	return nil
}

// URL is the address under which a listener at addr can be reached from this
// machine.
func URL(scheme string, addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
