package behaviour

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/bhojpur/api/internal/rawpeer"
)

// stall does not answer a request.
func (s *Server) stall(w http.ResponseWriter, r *http.Request) {
	s.note(r.FormValue("id"), "the request is here")
	select {
	case <-r.Context().Done():
	case <-s.stop:
	}
}

// raw answers a handshake, and goes on as the query says and no protocol.
func (s *Server) raw(w http.ResponseWriter, r *http.Request) {
	first, err := hex.DecodeString(r.FormValue("hex"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	then, err := hex.DecodeString(r.FormValue("then"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n%s", rawpeer.AcceptKey(r.Header.Get("Sec-WebSocket-Key")), first)
	if err := rw.Flush(); err != nil {
		return
	}
	if len(then) == 0 {
		<-s.stop
		return
	}
	if err := readToClose(rw); err == nil {
		nc.Write(then)
		closeWrite(nc)
		io.Copy(io.Discard, rw) // what is not read would be answered with a reset
	}
}

// closeWrite tells the client that nothing follows.
func closeWrite(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.CloseWrite()
	}
}

// readToClose reads frames up to a close frame. Their payloads are kept in
// memory: clients of raw send little.
func readToClose(r io.Reader) error {
	var b []byte
	piece := make([]byte, 4096)
	for {
		f, n, err := rawpeer.ParseFrame(b)
		switch {
		case err == nil && f.Opcode == rawpeer.OpClose:
			return nil
		case err == nil:
			b = b[n:]
			continue
		case err != io.ErrUnexpectedEOF:
			return err
		}
		n, err = r.Read(piece)
		if err != nil {
			return err
		}
		b = append(b, piece[:n]...)
	}
}
