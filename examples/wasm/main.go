// Wasm is the chat of examples/chat with a client in Go. It compiles the client to
// WebAssembly, and serves it with a page and the room.
//
//	go run ./examples/wasm
//
// The page in JavaScript is at js/. Both pages share the room.
//
//   - client is the program in the browser. It draws the page.
//   - session is the part of it that does not depend on a browser.
//   - examples/internal/chat/protocol describes the messages, for the server and the client.
//   - static/load.js runs the program in the page.
//   - build.go compiles the program, and asset.go serves it.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/bhojpur/api/examples/internal/chat"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wasm:", err)
		os.Exit(1)
	}
}

// run builds the client, prints the URL of the page, and serves it until ctx is done.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("wasm", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8081", "`address` to listen on; port 0 picks a free one")
	flags.Parse(args)

	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	fmt.Fprintln(os.Stderr, "Building the client. The first time, this takes a minute.")
	c, err := build(ctx)
	if err != nil {
		return err
	}
	s := chat.NewServer(chat.Defaults(), slog.Default())
	h, err := handler(s, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "http://%s\n", ln.Addr())
	return s.Serve(ctx, ln, h)
}

//go:embed static
var static embed.FS

// handler serves both pages of a room: at the root the one in Go, and at js/ the one in
// JavaScript.
func handler(s *chat.Server, c client) (http.Handler, error) {
	files := make(map[string]http.Handler)
	for _, name := range []string{"load.js", "go.css", "icon.svg"} {
		content, err := static.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		files[name] = newAsset(name, content)
	}
	files["wasm_exec.js"] = newAsset("wasm_exec.js", c.exec)
	files["chat.wasm"] = newAsset("chat.wasm", c.wasm)

	mux := http.NewServeMux()
	mux.Handle("/", s.Handler(chat.Page{
		About:         "This page runs Go, compiled to WebAssembly.",
		Other:         "js/",
		To:            "The same room in JavaScript",
		Styles:        []string{"go.css"},
		Script:        "load.js",
		Files:         files,
		ScriptSources: "'wasm-unsafe-eval'", // allows compiling WebAssembly, and nothing else
	}))
	inJavaScript := chat.JavaScript
	inJavaScript.Other, inJavaScript.To = "../", "The same room in Go"
	mux.Handle("/js/", http.StripPrefix("/js", s.Handler(inJavaScript)))
	return mux, nil
}
