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
	"time"

	"github.com/bhojpur/api/internal/bufpool"
)

// unwrapper is a ResponseWriter that [http.ResponseController] looks through.
type unwrapper interface {
	Unwrap() http.ResponseWriter
}

// findHijacker returns the Hijacker that [http.ResponseController] would use. It
// has to be known before the status is written, after which a request can no
// longer be refused.
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

// unavailable refuses a request that cannot become a WebSocket on this server.
func unavailable(err error) *refusal {
	return refused(http.StatusNotImplemented, "WebSocket is not available here", err)
}

// hijacksFirst reports whether the connection is taken over before the request
// is answered. That is cheaper where w is net/http's own writer and no
// middleware sees the answer. It is safer where calling Hijack would panic: then
// the request can still be refused.
func hijacksFirst(w http.ResponseWriter, h http.Hijacker) bool {
	t := reflect.TypeOf(w)
	if t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "net/http" && t.Elem().Name() == "response" {
		// Without deadlines net/http's Hijack waits until the client sends
		// something, for which the client needs the answer.
		d, ok := w.(interface{ SetWriteDeadline(time.Time) error })
		return ok && d.SetWriteDeadline(time.Now().Add(answerTimeout)) == nil
	}
	return embedsNilHijacker(h)
}

// embedsNilHijacker reports whether h is a struct, or a pointer to one, with an
// embedded interface that has a Hijack method and is nil.
func embedsNilHijacker(h http.Hijacker) bool {
	v := reflect.Indirect(reflect.ValueOf(h))
	if v.Kind() != reflect.Struct {
		return false
	}
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() != reflect.Interface || !f.IsNil() {
			continue
		}
		field := v.Type().Field(i)
		if _, ok := field.Type.MethodByName("Hijack"); ok && field.Anonymous {
			return true
		}
	}
	return false
}

// respond answers the request with status 101 through w, so that middleware sees
// the answer and can add to it. The stream is still the server's.
func respond(w http.ResponseWriter, a *answerHeaders) error {
	h := w.Header()
	for name := range h {
		if notInAnswer[http.CanonicalHeaderKey(name)] {
			delete(h, name)
		}
	}
	h["Upgrade"] = []string{"websocket"}
	h["Connection"] = []string{"Upgrade"}
	h[headerAccept] = []string{acceptKey(a.key)}
	if a.protocol != "" {
		h[headerProtocol] = []string{a.protocol}
	}
	if a.extensions != "" {
		h[headerExtensions] = []string{a.extensions}
	}
	rc := http.NewResponseController(w)
	deadline := time.Now().Add(answerTimeout)
	rc.SetWriteDeadline(deadline) // where that is supported; Hijack clears it
	w.WriteHeader(http.StatusSwitchingProtocols)
	writeHeaderNow(w)
	flush(rc)
	if !time.Now().Before(deadline) {
		// Few writers return the error of Flush. The server closes a connection
		// that could not be written to.
		return errNotAnswered
	}
	return nil
}

// writeHeaderNow makes a writer of the gin framework pass on the status that
// WriteHeader only noted.
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

// flush makes middleware that holds the header back, to decide whether to
// compress a body, pass it on. Writers that cannot flush return an error or
// panic; they have nothing that is held back.
func flush(rc *http.ResponseController) {
	defer func() { recover() }()
	rc.Flush()
}

// takeStream takes over the connection. What the client sent behind its request
// is in r.
func takeStream(h http.Hijacker) (conn net.Conn, r *bufio.Reader, err error) {
	conn, rw, err := hijack(h)
	switch {
	case err != nil:
		return nil, nil, err
	case conn == nil:
		return nil, nil, fmt.Errorf("the Hijack method of a %T returned no connection", h)
	case rw == nil || rw.Reader == nil:
		conn.Close()
		return nil, nil, fmt.Errorf("the Hijack method of a %T returned no bufio.Reader", h)
	}
	if rw.Writer != nil && rw.Writer.Buffered() > 0 {
		// The answer, of a server that is not net/http's.
		if err := boundedWrite(conn, func() error { return rw.Writer.Flush() }); err != nil {
			conn.Close()
			return nil, nil, err
		}
	}
	return conn, rw.Reader, nil
}

// hijack calls Hijack. A nil pointer or a failed type assertion in it, which
// middleware has that expects every writer to be hijackable, is an error.
func hijack(h http.Hijacker) (conn net.Conn, rw *bufio.ReadWriter, err error) {
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(runtime.Error)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("the Hijack method of a %T panicked: %w", h, cause)
		}
	}()
	return h.Hijack()
}

// takeBuffered returns what is buffered in r and empties it. The HTTP server keeps
// r until the handler returns, and with it a buffer of 4 KiB: r gets the smallest
// one there is, of its own, since a server may use r again.
func takeBuffered(r *bufio.Reader) []byte {
	buffered, _ := r.Peek(r.Buffered())
	*r = *bufio.NewReaderSize(ended{}, 0)
	return buffered
}

// takeLast is takeBuffered for a reader that is not used again unless it is reset.
func takeLast(r *bufio.Reader) []byte {
	buffered, _ := r.Peek(r.Buffered())
	*r = bufio.Reader{}
	return buffered
}

// ended is a reader at its end.
type ended struct{}

func (ended) Read([]byte) (int, error) { return 0, io.EOF }

// answerTimeout is how long the client has to take the answer.
const answerTimeout = 5 * time.Second

var errNotAnswered = fmt.Errorf("the client did not take the answer within %v: %w", answerTimeout, os.ErrDeadlineExceeded)

// sendAnswer writes the answer to a connection that was hijacked first. header is
// what the program set.
func sendAnswer(conn net.Conn, header http.Header, a *answerHeaders) error {
	b := bufpool.Get(bufpool.MinBlock)
	defer b.Free()
	answer := appendAnswer(b.B[:0], header, a)
	return boundedWrite(conn, func() error {
		_, err := conn.Write(answer)
		return err
	})
}

// boundedWrite calls write, which writes to conn, for at most answerTimeout. It
// leaves a deadline, which the stream removes. A connection that has no deadlines
// is closed instead.
func boundedWrite(conn net.Conn, write func() error) error {
	if conn.SetWriteDeadline(time.Now().Add(answerTimeout)) == nil {
		return write()
	}
	timer := time.AfterFunc(answerTimeout, func() { conn.Close() })
	err := write()
	if !timer.Stop() {
		return errNotAnswered
	}
	return err
}
