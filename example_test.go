//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/wsjson"
)

// serve runs a handler of connections and returns its URL.
func serve(handle func(ctx context.Context, c *websocket.Conn)) (url string, stop func()) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			log.Print(err)
			return
		}
		defer c.CloseNow()
		handle(context.Background(), c)
	}))
	return "ws" + strings.TrimPrefix(s.URL, "http"), s.Close
}

// echo echoes every message until the client closes.
func echo(ctx context.Context, c *websocket.Conn) {
	var p []byte
	for {
		var typ websocket.MessageType
		var err error
		typ, p, err = c.AppendRead(ctx, p[:0])
		if err != nil {
			return
		}
		if err := c.Write(ctx, typ, p); err != nil {
			return
		}
	}
}

// A handler that replies to one message and closes.
func ExampleAccept() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has sent the response
		}
		defer c.CloseNow()

		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, p, err := c.Read(ctx)
		if err != nil {
			return
		}
		if err := c.Write(ctx, websocket.MessageText, []byte("hello, "+string(p))); err != nil {
			return
		}
		c.Close(websocket.StatusNormalClosure, "")
	}))
	defer s.Close()

	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, s.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	c.Write(ctx, websocket.MessageText, []byte("gopher"))
	_, p, err := c.Read(ctx)
	fmt.Printf("%s %v\n", p, err)
	// Output: hello, gopher <nil>
}

// Allow pages of one other site.
func ExampleAccept_otherOrigins() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			OriginPatterns: []string{"https://*.example.com"},
		})
		if err != nil {
			return
		}
		c.Close(websocket.StatusNormalClosure, "")
	}))
	defer s.Close()

	for _, origin := range []string{"https://app.example.com", "https://example.org"} {
		c, resp, err := websocket.Dial(context.Background(), s.URL, &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {origin}},
		})
		fmt.Println(origin, resp.StatusCode, err == nil)
		if err == nil {
			c.CloseNow()
		}
	}
	// Output:
	// https://app.example.com 101 true
	// https://example.org 403 false
}

// One message for all connections of a Group. It is encoded once.
func ExampleNewPreparedMessage() {
	var group websocket.Group
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		group.Add(c)
		c.Write(ctx, websocket.MessageText, []byte("welcome"))
		<-c.CloseRead(ctx).Done()
	})
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var clients []*websocket.Conn
	for range 3 {
		c, _, err := websocket.Dial(ctx, url, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer c.CloseNow()
		c.Read(ctx) // welcome: the connection is in the group
		clients = append(clients, c)
	}
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte("to all"))
	if err != nil {
		log.Fatal(err)
	}
	for c := range group.All() {
		c.WritePrepared(ctx, m)
	}
	for i, c := range clients {
		_, p, err := c.Read(ctx)
		fmt.Printf("client %d: %s %v\n", i, p, err)
	}
	// Output:
	// client 0: to all <nil>
	// client 1: to all <nil>
	// client 2: to all <nil>
}

func ExampleDial() {
	url, stop := serve(echo)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	typ, p, err := c.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v %s\n", typ, p)
	c.Close(websocket.StatusNormalClosure, "")
	// Output: MessageText hello
}

// A long message is sent without holding it in memory.
func ExampleConn_Writer() {
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		c.SetReadLimit(-1)
		_, r, err := c.Reader(ctx)
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, r)
		wsjson.Write(ctx, c, n)
		c.Close(websocket.StatusNormalClosure, "")
	})
	defer stop()

	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	w, err := c.Writer(ctx, websocket.MessageBinary)
	if err != nil {
		log.Fatal(err)
	}
	for range 1000 {
		io.WriteString(w, "a thousand times the same")
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	var n int
	err = wsjson.Read(ctx, c, &n)
	fmt.Println(n, err)
	// Output: 25000 <nil>
}

// A secret is sent uncompressed: compressed together with text that an attacker
// chooses, its length would reveal it.
func ExampleConn_WriteUncompressed() {
	url, stop := serve(echo)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.WriteUncompressed(ctx, websocket.MessageText, []byte("token: 4f2a")); err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(p))
	c.Close(websocket.StatusNormalClosure, "")
	// Output: token: 4f2a
}

// A read that times out leaves the connection open.
func ExampleConn_Read_timeout() {
	proceed := make(chan struct{})
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		<-proceed
		c.Write(ctx, websocket.MessageText, []byte("sorry, late"))
		c.Close(websocket.StatusNormalClosure, "")
	})
	defer stop()

	c, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, _, err = c.Read(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	close(proceed)
	_, p, err := c.Read(context.Background())
	fmt.Printf("%s, %v\n", p, err)
	// Output:
	// true
	// sorry, late, <nil>
}

// Each message is read into the memory of the previous one.
func ExampleConn_AppendRead() {
	url, stop := serve(echo)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	buf := make([]byte, 0, 4096)
	for _, s := range []string{"one", "two", "three"} {
		if err := c.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
			log.Fatal(err)
		}
		_, buf, err = c.AppendRead(ctx, buf[:0])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(buf), cap(buf))
	}
	// Output:
	// one 4096
	// two 4096
	// three 4096
}

// A program that only writes can still detect the end of the connection.
func ExampleConn_CloseRead() {
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		c.Close(websocket.StatusGoingAway, "restarting")
	})
	defer stop()

	c, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	ctx := c.CloseRead(context.Background())
	<-ctx.Done()
	err = c.Write(context.Background(), websocket.MessageText, []byte("tick"))
	fmt.Println(websocket.CloseStatus(err), errors.Is(err, net.ErrClosed))
	// Output: StatusGoingAway true
}

func ExampleConn_Ping() {
	url, stop := serve(echo)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	c.CloseRead(ctx) // keep a read in progress for the pong
	fmt.Println(c.Ping(ctx))
	// Output: <nil>
}

func ExampleCloseStatus() {
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		c.Close(4001, "session expired")
	})
	defer stop()

	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	_, _, err = c.Read(ctx)
	var closed websocket.CloseError
	fmt.Println(websocket.CloseStatus(err), errors.As(err, &closed), closed.Reason)
	// Output: StatusCode(4001) true session expired
}

// A line-based protocol over a WebSocket.
func ExampleNetConn() {
	url, stop := serve(func(ctx context.Context, c *websocket.Conn) {
		nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
		defer nc.Close()
		fmt.Fprintln(nc, "220 ready")
		fmt.Fprintln(nc, "221 bye")
	})
	defer stop()

	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
	defer nc.Close()
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	io.Copy(os.Stdout, nc)
	// Output:
	// 220 ready
	// 221 bye
}

// JSON, compressed with context takeover.
func Example_json() {
	type tick struct {
		Symbol string
		Price  float64
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return
		}
		defer c.CloseNow()
		ctx := c.CloseRead(context.Background())
		for i := range 3 {
			if err := wsjson.Write(ctx, c, tick{"ACME", 42 + float64(i)/2}); err != nil {
				return
			}
		}
		c.Close(websocket.StatusNormalClosure, "")
	}))
	defer s.Close()

	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, s.URL, &websocket.DialOptions{
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	for {
		var t tick
		if err := wsjson.Read(ctx, c, &t); err != nil {
			fmt.Println(websocket.CloseStatus(err))
			return
		}
		fmt.Println(t.Symbol, t.Price)
	}
	// Output:
	// ACME 42
	// ACME 42.5
	// ACME 43
	// StatusNormalClosure
}

// A hub sends each message to all clients. Slow clients are dropped, lost ones are
// detected, and shutting down the server closes all connections.
func ExampleGroup() {
	var clients websocket.Group
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{PingInterval: 30 * time.Second})
		if err != nil {
			return
		}
		defer c.CloseNow()
		if !clients.Add(c) {
			return // the server is shutting down
		}
		for {
			typ, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			m, _ := websocket.NewPreparedMessage(typ, p)
			for client := range clients.All() {
				if errors.Is(client.Post(m), websocket.ErrBacklog) {
					client.CloseNow() // it does not keep up
				}
			}
		}
	}))
	ctx, closed := context.Background(), make(chan error)
	s.Config.RegisterOnShutdown(func() { closed <- clients.Close(ctx, websocket.StatusGoingAway, "") })

	c, _, _ := websocket.Dial(ctx, s.URL, nil)
	c.Write(ctx, websocket.MessageText, []byte("hello"))
	_, p, _ := c.Read(ctx)
	fmt.Printf("%s\n", p)
	c.CloseRead(ctx)       // answers the close frame
	s.Config.Shutdown(ctx) // does not wait for the function
	fmt.Println(<-closed, clients.Len())
	// Output:
	// hello
	// <nil> 0
}
