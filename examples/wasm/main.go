// Wasm is the chat of examples/chat with a client in Go: it compiles a program
// to WebAssembly, serves it with a page, and the room behind it.
//
//	go run ./examples/wasm
//
// The same room has the page in JavaScript too, at js/. Whoever opens one meets
// those on the other.
//
// Where to look:
//
//   - client: the program in the browser. It draws the page.
//   - session: what of it has nothing to do with a browser. It is tested as
//     any other package.
//   - examples/internal/chat/protocol: what goes over the wire, one package
//     for the server and the client
//   - static/load.js: how a page runs a program in Go
//   - build.go, asset.go: how this program makes and serves it
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
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wasm:", err)
		os.Exit(1)
	}
}

// run is the program: it builds the client, serves until ctx ends, and its
// first line on stdout is the page's address.
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

// handler serves both pages of a room: at js/ the one in JavaScript, and at the
// root the client's.
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
		About:         "What runs on this page is Go, as WebAssembly.",
		Other:         "js/",
		To:            "The same room in JavaScript",
		Styles:        []string{"go.css"},
		Script:        "load.js",
		Files:         files,
		ScriptSources: "'wasm-unsafe-eval'", // lets WebAssembly be compiled, and nothing else
	}))
	inJavaScript := chat.JavaScript
	inJavaScript.Other, inJavaScript.To = "../", "The same room in Go"
	mux.Handle("/js/", http.StripPrefix("/js", s.Handler(inJavaScript)))
	return mux, nil
}
