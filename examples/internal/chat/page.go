package chat

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"time"
)

// Page is a page of the chat: the markup in page.html and the files in static, with the
// parts that differ.
type Page struct {
	About         string                  // a line of text
	Other, To     string                  // path and title of another page of the room, or ""
	Styles        []string                // further style sheets
	Script        string                  // the client, a module
	Files         map[string]http.Handler // by name; they precede those in static
	ScriptSources string                  // further ones for the Content-Security-Policy
}

// JavaScript is the page whose client is in JavaScript.
var JavaScript = Page{About: "One room for everyone who opens this page.", Script: "chat.js"}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

//go:embed static
var static embed.FS

// handler serves the page and its files. The page may load and run only these.
func (p Page) handler() http.Handler {
	var html bytes.Buffer
	files, err := fs.Sub(static, "static")
	if err := errors.Join(err, pageTemplate.Execute(&html, p)); err != nil {
		panic(err) // the name is constant, and the template accepts every Page
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(html.Bytes()))
	})
	for name, file := range p.Files {
		mux.Handle("GET /"+name, file)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+p.ScriptSources+
			"; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}
