package behaviour

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/bhojpur/api/internal/rawpeer"
)

// stall receives a request and sends no response.
func (s *Server) stall(w http.ResponseWriter, r *http.Request) {
	s.note(r.FormValue("id"), "the request is here")
	select {
	case <-r.Context().Done():
	case <-s.stop:
	}
}

// raw performs a handshake, and then sends the bytes in the query.
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
		io.Copy(io.Discard, rw) // closing with unread bytes would reset the connection
	}
}

// closeWrite closes the direction to the client.
func closeWrite(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.CloseWrite()
	}
}

// readToClose reads frames up to a close frame. It keeps payloads in memory: clients of
// raw send little.
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
