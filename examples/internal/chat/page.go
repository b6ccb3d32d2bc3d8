package chat

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"time"
)

// Page says what a page of the chat consists of besides what all of them have:
// the markup in page.html, the files in static, and a way to the room at ws.
type Page struct {
	About  string // one line on what this is
	Other  string // the path of another page of the same room, or ""
	To     string // what the link to it says
	Styles []string
	Script string // the module that is the client

	// Files are served under their names, ahead of those in static.
	Files map[string]http.Handler

	// ScriptSources is what Content-Security-Policy lets run besides the
	// page's own scripts, or "".
	ScriptSources string
}

// JavaScript is the page whose client is in JavaScript.
var JavaScript = Page{
	About:  "One room. Whoever opens this page is in it.",
	Script: "chat.js",
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

//go:embed static
var static embed.FS

func (p Page) handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a constant
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.Handle("GET /{$}", p.document())
	for name, file := range p.Files {
		mux.Handle("GET /"+name, file)
	}
	return p.secured(mux)
}

// document serves the page itself.
func (p Page) document() http.Handler {
	var html bytes.Buffer
	if err := pageTemplate.Execute(&html, p); err != nil {
		panic(err) // the template takes every Page
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(html.Bytes()))
	})
}

// secured lets the page load nothing, and run no script, but its own.
func (p Page) secured(h http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self' " + p.ScriptSources +
		"; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}
