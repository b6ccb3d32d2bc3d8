// A program that calls every method of a connection. It is built from the same source
// for a terminal and for a browser. Its argument is the URL of an echo server.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	websocket "github.com/bhojpur/api"
)

func main() {
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, os.Args[1], &websocket.DialOptions{Subprotocols: []string{"echo"}})
	must(err)
	defer c.CloseNow()
	c.SetReadLimit(1 << 10)
	fmt.Println(c.Subprotocol(), c.LocalAddr() != nil, c.RemoteAddr() != nil)

	must(c.Write(ctx, websocket.MessageText, []byte("whole")))
	typ, p, err := c.Read(ctx)
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	must(c.Write(ctx, websocket.MessageText, []byte("appended")))
	typ, p, err = c.AppendRead(ctx, []byte("is "))
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte("prepared"))
	must(err)
	var group websocket.Group
	fmt.Println(group.Add(c), group.Len())
	for member := range group.All() {
		must(member.Post(m))
	}
	group.Remove(c)
	typ, p, err = c.Read(ctx)
	must(err)
	fmt.Printf("%v %s\n", typ, p)
	must(c.WritePrepared(ctx, m))
	typ, p, err = c.Read(ctx)
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	must(c.WriteUncompressed(ctx, websocket.MessageText, []byte("uncompressed")))
	typ, p, err = c.AppendRead(ctx, nil)
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	w, err := c.Writer(ctx, websocket.MessageBinary)
	must(err)
	fmt.Fprint(w, "in ")
	must(w.(interface{ Flush() error }).Flush())
	fmt.Fprint(w, "parts")
	must(w.Close())
	typ, r, err := c.Reader(ctx)
	must(err)
	p, err = io.ReadAll(r)
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	w, err = c.WriterUncompressed(ctx, websocket.MessageText)
	must(err)
	fmt.Fprint(w, "and uncompressed")
	must(w.Close())
	typ, p, err = c.Read(ctx)
	must(err)
	fmt.Printf("%v %s\n", typ, p)

	closed := c.CloseRead(ctx)
	must(c.Pong(ctx, []byte("alive")))
	must(c.Ping(ctx))
	must(c.Err())
	if c.RoundTrip() < 0 {
		log.Fatal("a negative round trip")
	}
	must(c.CloseContext(ctx, websocket.StatusNormalClosure, "bye"))
	must(c.Close(websocket.StatusNormalClosure, "after the end"))
	<-closed.Done()
	<-c.Done()
	fmt.Println(websocket.CloseStatus(c.Ping(ctx)))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
