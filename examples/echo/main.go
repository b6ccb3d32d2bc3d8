// Echo is a server that sends every message back, until ctrl-C or SIGTERM.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	websocket "github.com/bhojpur/api"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "`address` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	var clients websocket.Group
	server := &http.Server{Addr: *addr, ReadHeaderTimeout: 5 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r, &clients) })
	closed := make(chan error)
	server.RegisterOnShutdown(func() {
		closed <- clients.Close(context.Background(), websocket.StatusGoingAway, "shutting down")
	})
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-closed // within 5 seconds
}

func echo(w http.ResponseWriter, r *http.Request, clients *websocket.Group) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{"echo"},
		CompressionMode: websocket.CompressionContextTakeover,
		ReadLimit:       32 << 20,
		PingInterval:    30 * time.Second,
		PingTimeout:     10 * time.Second,
		WriteTimeout:    10 * time.Second,
	})
	if err != nil {
		return // the request has been answered
	}
	defer c.Close(websocket.StatusNormalClosure, "") // waits for clients.Close
	if !clients.Add(c) {
		c.Close(websocket.StatusGoingAway, "shutting down")
		return
	}
	for {
		typ, p, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), typ, p) != nil {
			return
		}
	}
}
