//go:build !js

package websocket

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
)

// unwrapper is a ResponseWriter that [http.ResponseController] unwraps.
type unwrapper interface {
	Unwrap() http.ResponseWriter
}

// findHijacker returns the Hijacker that [http.ResponseController] would use. Accept
// calls it before it writes the status, while it can still refuse the request.
func findHijacker(w http.ResponseWriter, r *http.Request) (http.Hijacker, *refusal) {
	if r.ProtoMajor > 1 {
		return nil, unavailable(fmt.Errorf("a connection of %.20s cannot be hijacked: %w", r.Proto, http.ErrNotSupported))
	}
	for inner := w; ; {
		switch t := inner.(type) {
		case http.Hijacker:
			return t, nil
		case unwrapper:
			inner = t.Unwrap()
		default:
			return nil, unavailable(fmt.Errorf("the http.ResponseWriter is a %T, which has no Hijack and no Unwrap method: %w",
				inner, http.ErrNotSupported))
		}
	}
}

// refuseHijack refuses a request after Hijack of h has returned err.
func refuseHijack(w http.ResponseWriter, r *http.Request, opts *AcceptOptions, h http.Hijacker, err error) error {
	// Some writers ignore a status after a call of Hijack, also of one that failed.
	inner := innermost(w)
	if reflect.TypeOf(inner) != reflect.TypeOf(h) { // which err names
		err = fmt.Errorf("%w; the innermost http.ResponseWriter is a %T", err, inner)
	}
	return unavailable(err).refuse(inner, r, opts)
}

// unavailable returns the refusal for a connection that can't be hijacked.
func unavailable(err error) *refusal {
	return refused(http.StatusNotImplemented, "WebSocket is not available here", err)
}

// hijacksFirst reports whether Accept hijacks the connection before it sends the
// response. That takes less time and memory if w is net/http's own writer, with no
// middleware to see the response. It is safer if Hijack is likely to fail: Accept can
// still refuse the request then.
func hijacksFirst(w http.ResponseWriter, h http.Hijacker) bool {
	if isResponse(w) {
		// Without deadlines net/http's Hijack waits until the client sends a byte,
		// and the client waits for the response.
		// Hijack removes this deadline, too.
		d, ok := w.(interface{ SetWriteDeadline(time.Time) error })
		return ok && d.SetWriteDeadline(time.Time{}) == nil
	}
	if isResponse(h) {
		return false
	}
	// Hijack of a middleware fails if it calls that of a writer that has none.
	_, ok := innermost(w).(http.Hijacker)
	return !ok || embedsNilHijacker(reflect.Indirect(reflect.ValueOf(h)))
}

// innermost returns the writer that w and the writers below it unwrap to.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(unwrapper)
		if !ok {
			return w
		}
		inner := outer.Unwrap()
		if inner == nil {
			return w
		}
		w = inner
	}
}

// responseType is the type of the http.ResponseWriter of package net/http, a
// reflect.Type, once a request had one.
var responseType atomic.Value

// isResponse reports whether w is the http.ResponseWriter of package net/http.
func isResponse(w any) bool {
	t := reflect.TypeOf(w)
	if responseType.Load() == t {
		return true
	}
	if t.Kind() != reflect.Pointer || t.Elem().PkgPath() != "net/http" || t.Elem().Name() != "response" {
		return false
	}
	responseType.Store(t)
	return true
}

// embedsNilHijacker reports whether v is a struct in which an embedded interface or
// pointer that has a Hijack method is nil, also in a struct that is embedded.
func embedsNilHijacker(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return false
	}
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !f.IsNil() {
				continue
			}
		case reflect.Struct:
		default:
			continue
		}
		field := v.Type().Field(i)
		if _, ok := field.Type.MethodByName("Hijack"); !ok || !field.Anonymous {
			continue
		}
		if f.Kind() != reflect.Struct || embedsNilHijacker(f) {
			return true
		}
	}
	return false
}

// respond writes the response with status 101 to w, so that middleware sees it and can
// add headers. The connection is not hijacked yet.
func respond(w http.ResponseWriter, a *responseHeaders) error {
	h := w.Header()
	for name := range h {
		if reservedHeaders[http.CanonicalHeaderKey(name)] {
			delete(h, name)
		}
	}
	h["Upgrade"] = []string{"websocket"}
	h["Connection"] = []string{"Upgrade"}
	h[headerAccept] = []string{string(a.accept[:])}
	if a.protocol != "" {
		h[headerProtocol] = []string{a.protocol}
	}
	if a.extensions != "" {
		h[headerExtensions] = []string{a.extensions}
	}
	rc := http.NewResponseController(w)
	deadline := time.Now().Add(answerTimeout)
	rc.SetWriteDeadline(deadline) // if supported; Hijack clears it
	w.WriteHeader(http.StatusSwitchingProtocols)
	writeHeaderNow(w)
	flush(w)
	if !time.Now().Before(deadline) {
		// Few writers return the error of Flush. The server closes the connection
		// after a failed write.
		return errNotAnswered
	}
	return nil
}

// writeHeaderNow makes a writer of the gin framework write the status, which its
// WriteHeader only stores.
func writeHeaderNow(w http.ResponseWriter) {
	for {
		switch t := w.(type) {
		case interface{ WriteHeaderNow() }:
			t.WriteHeaderNow()
			return
		case unwrapper:
			w = t.Unwrap()
		default:
			return
		}
	}
}

// flush flushes middleware that delays the header until it knows whether to compress a
// body. Where the Flush method of a writer fails, flush calls that of the writer below it.
func flush(w http.ResponseWriter) {
	for !flushes(w) {
		outer, ok := w.(unwrapper)
		if !ok {
			return // nothing below delays the header
		}
		w = outer.Unwrap()
	}
}

// flushes flushes w. It reports false if that returns an error or panics, as writers do
// that expect every writer below them to be a Flusher.
func flushes(w http.ResponseWriter) (ok bool) {
	defer func() { recover() }()
	return http.NewResponseController(w).Flush() == nil
}

// sendBuffered checks the results of Hijack of h, and sends what rw.Writer holds: the
// response, in servers other than net/http's. rw.Reader holds the bytes that the client
// sent after its request.
func sendBuffered(h http.Hijacker, conn net.Conn, rw *bufio.ReadWriter) error {
	switch {
	case conn == nil:
		return fmt.Errorf("the Hijack method of a %T returned no connection", h)
	case rw == nil || rw.Reader == nil:
		conn.Close()
		return fmt.Errorf("the Hijack method of a %T returned no bufio.Reader", h)
	}
	if rw.Writer != nil && rw.Writer.Buffered() > 0 {
		if err := boundedWrite(conn, time.Now(), rw.Writer.Flush); err != nil {
			conn.Close()
			return err
		}
	}
	return nil
}

// hijack calls Hijack. It converts a runtime error, as in middleware that expects every
// writer to be a Hijacker, to an error.
func hijack(h http.Hijacker) (conn net.Conn, rw *bufio.ReadWriter, err error) {
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(runtime.Error)
			if !ok {
				panic(p)
			}
			err = hijackError(h, " panicked", cause)
		}
	}()
	if conn, rw, err = h.Hijack(); err != nil {
		err = hijackError(h, "", err)
	}
	return conn, rw, err
}

// hijackError returns the error of a Hijack that failed. It is not inlined, since the
// stack that it needs would be below each call of Hijack.
//
//go:noinline
func hijackError(h http.Hijacker, how string, cause error) error {
	return fmt.Errorf("the Hijack method of a %T%s: %w", h, how, cause)
}

// takeBuffered returns the bytes buffered in rw.Reader and replaces the buffers of rw by the
// smallest possible ones. The HTTP server keeps the Reader and the Writer, and would keep
// two buffers of 4 KiB, until the handler returns. It may use them again.
func takeBuffered(rw *bufio.ReadWriter) []byte {
	buffered, _ := rw.Reader.Peek(rw.Reader.Buffered())
	*rw.Reader = *bufio.NewReaderSize(ended{}, 0)
	if rw.Writer != nil {
		*rw.Writer = *bufio.NewWriterSize(ended{}, 1)
	}
	return buffered
}

// takeLast is takeBuffered for a Reader and a Writer that are not used again without a
// Reset.
func takeLast(rw *bufio.ReadWriter) []byte {
	buffered, _ := rw.Reader.Peek(rw.Reader.Buffered())
	*rw.Reader = bufio.Reader{}
	if rw.Writer != nil {
		*rw.Writer = bufio.Writer{}
	}
	return buffered
}

// ended is the HTTP server's side of a hijacked connection.
type ended struct{}

func (ended) Read([]byte) (int, error)  { return 0, io.EOF }
func (ended) Write([]byte) (int, error) { return 0, http.ErrHijacked }

// answerTimeout bounds the sending of the response.
const answerTimeout = 5 * time.Second

var errNotAnswered = fmt.Errorf("the client did not read the response within %v: %w", answerTimeout, os.ErrDeadlineExceeded)

// sendResponse writes the response to a hijacked connection. header has the headers that
// the program set. (The buffer of the HTTP server is not used, since it is mostly new
// memory, and not in the cache.)
func sendResponse(conn net.Conn, header http.Header, a *responseHeaders) error {
	b := bufpool.Get(bufpool.MinBlock)
	defer b.Free()
	now := time.Now()
	answer := appendResponse(b.B[:0], header, a, now)
	return boundedWrite(conn, now, func() error {
		_, err := conn.Write(answer)
		return err
	})
}

// boundedWrite calls write, which writes to conn, with a deadline of answerTimeout after
// now. The deadline stays set; netstream.New removes it. If conn supports no deadlines, it
// is closed after answerTimeout.
func boundedWrite(conn net.Conn, now time.Time, write func() error) error {
	if conn.SetWriteDeadline(now.Add(answerTimeout)) == nil {
		return write()
	}
	timer := time.AfterFunc(answerTimeout, func() { conn.Close() })
	err := write()
	if !timer.Stop() {
		return errNotAnswered
	}
	return err
}
