package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// asset is a file in memory. It is compressed once, not for each request: a Go program
// becomes several times smaller.
type asset struct {
	name    string
	plain   []byte
	gzipped []byte
	tag     string // a hash of the content, so that browsers can use their copy
}

func newAsset(name string, content []byte) *asset {
	var gzipped bytes.Buffer
	w := gzip.NewWriter(&gzipped)
	w.Write(content) // to memory, without an error
	w.Close()
	sum := sha256.Sum256(content)
	return &asset{name: name, plain: content, gzipped: gzipped.Bytes(), tag: hex.EncodeToString(sum[:16])}
}

// ServeHTTP serves the file with the type that Go's own table has for its name: a browser
// requires application/wasm.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	content, tag := a.plain, a.tag
	if acceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		content, tag = a.gzipped, a.tag+"-gzip"
	}
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether the client accepts gzip (RFC 9110 section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
			if strings.EqualFold(name, "gzip") {
				return weight == "" || strings.Trim(weight, "q=0.") != "" // a weight of 0 refuses it
			}
		}
	}
	return false
}
